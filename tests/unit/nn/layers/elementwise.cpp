#include <catch2/catch.hpp>

#include <lookalike/nn/dynamic_model.hpp>
#include <lookalike/nn/layers/elementwise.hpp>
#include <lookalike/nn/model.hpp>

#include "layer_run.hpp"

namespace elementwise_test {

using namespace lookalike;
using layer_test::array4;
using layer_test::layer_run;
using layer_test::tolerance;

namespace {

int draw(std::mt19937& generator, int low, int high) {
  return std::uniform_int_distribution<int>(low, high)(generator);
}

/// Maps of the same extents, or of one pixel, or of one channel, or both.
std::vector<array4> some_inputs(std::mt19937& generator, shape& whole) {
  whole = {draw(generator, 1, 19), draw(generator, 1, 6), draw(generator, 1, 6)};
  const int batch = draw(generator, 1, 3);
  std::vector<array4> inputs;
  const int count = draw(generator, 1, 4);
  const int complete = draw(generator, 0, count - 1);
  for (int i = 0; i < count; ++i) {
    shape s = whole;
    if (i != complete && draw(generator, 0, 2) == 0) s.channels = 1;
    if (i != complete && draw(generator, 0, 2) == 0) s.height = s.width = 1;
    inputs.push_back(layer_test::random_array(generator, batch, s));
  }
  return inputs;
}

double& spread(array4& a, int n, int c, int i, int j) {
  const bool vector = a.height == 1 && a.width == 1;
  return a(n, a.channels == 1 ? 0 : c, vector ? 0 : i, vector ? 0 : j);
}

template <class Scalar, class Layer>
void compare(bool product, unsigned seed) {
  std::mt19937 generator(seed);
  shape whole;
  std::vector<array4> inputs = some_inputs(generator, whole);
  CAPTURE(seed, product, whole.channels, whole.height, whole.width, inputs.size());
  layer_run<Scalar, Layer> run(Layer{}, inputs, generator);
  REQUIRE(run.output_shape() == whole);
  array4 expected(inputs[0].batch, whole);
  const array4 gy = layer_test::random_array(generator, inputs[0].batch, whole);
  typename layer_run<Scalar, Layer>::gradients gradients;
  for (const array4& x : inputs) gradients.inputs.emplace_back(x.batch, x.extents());
  for (int n = 0; n < expected.batch; ++n)
    for (int c = 0; c < whole.channels; ++c)
      for (int i = 0; i < whole.height; ++i)
        for (int j = 0; j < whole.width; ++j) {
          double result = product ? 1 : 0;
          for (array4& x : inputs) {
            const double value = spread(x, n, c, i, j);
            result = product ? result * value : result + value;
          }
          expected(n, c, i, j) = result;
          for (std::size_t k = 0; k < inputs.size(); ++k) {
            double slope = gy(n, c, i, j);
            for (std::size_t m = 0; product && m < inputs.size(); ++m)
              if (m != k) slope *= spread(inputs[m], n, c, i, j);
            spread(gradients.inputs[k], n, c, i, j) += slope;
          }
        }
  CHECK(layer_test::relative_error(run.forward(), expected) <= tolerance<Scalar>);
  layer_test::check_backward(run, gy, gradients, generator);
}

template <class Layer>
bool fails(const std::vector<shape>& inputs) {
  diagnosis problem;
  Layer{}.infer_shape(inputs, problem);
  return problem.failed();
}
constexpr shape inferred(std::initializer_list<shape> inputs) {
  diagnosis problem;
  return layers::add{}.infer_shape(std::span<const shape>(inputs.begin(), inputs.size()), problem);
}
static_assert(inferred({{3, 4, 5}, {1, 1, 1}}) == shape{3, 4, 5});
static_assert(inferred({{1, 1, 1}, {3, 4, 5}}) == shape{3, 4, 5});
static_assert(inferred({{1, 4, 5}, {3, 1, 1}}) == shape{3, 4, 5});
static_assert(inferred({{1, 1, 1}, {1, 1, 1}}) == shape{1, 1, 1});
static_assert(inferred({{3, dynamic, 1}, {1, 1, 1}}) == shape{3, dynamic, 1});
static_assert(inferred({{3, dynamic, dynamic}, {3, 1, 1}}) == shape{3, dynamic, dynamic});
// A map that is open either fits the others or is one pixel.
static_assert(inferred({{3, dynamic, dynamic}, {3, 4, 5}}) == shape{3, 4, 5});

struct block {
  static constexpr architecture define() {
    return input(4) | residual(identity()) | residual(identity(), identity()) | multiply();
  }
};
static_assert(model<block>::static_output_shape() == shape{4, dynamic, dynamic});

}  // namespace

TEST_CASE("sums and their gradients equal loops, with vectors and masks repeated") {
  for (unsigned seed = 0; seed < 80; ++seed) compare<float, layers::add>(false, seed);
  for (unsigned seed = 80; seed < 120; ++seed) compare<double, layers::add>(false, seed);
}

TEST_CASE("products and their gradients equal loops, with vectors and masks repeated") {
  for (unsigned seed = 0; seed < 80; ++seed) compare<float, layers::multiply>(true, seed);
  for (unsigned seed = 80; seed < 120; ++seed) compare<double, layers::multiply>(true, seed);
}

TEST_CASE("maps of other extents do not fit, nor does a single row or column") {
  CHECK(fails<layers::add>({{3, 4, 5}, {2, 4, 5}}));
  CHECK(fails<layers::add>({{3, 4, 5}, {3, 5, 5}}));
  CHECK(fails<layers::add>({{3, 4, 5}, {3, 4, 1}}));
  CHECK(fails<layers::multiply>({{3, 4, 5}, {3, 1, 5}}));
  CHECK(fails<layers::multiply>({{1, 4, 5}, {3, 4, 5}, {2, 4, 5}}));
  CHECK_FALSE(fails<layers::multiply>({{1, 4, 5}, {3, 4, 5}, {3, 1, 1}}));
}

TEST_CASE("a residual is what comes in and what is made of it; its shortcut is the identity unless given") {
  CHECK(residual(add()) == (branch(add(), identity()) | add()));
  tensor<float> x(1, 1, 1, 2);
  *x.begin() = 3;
  const tensor<float> y = dynamic_model<float>(input(1) | residual(residual(identity())))(x);
  CHECK(*y.begin() == 9);
}

TEST_CASE("one map may be several inputs") {
  const dynamic_model<double> net(input(2) | branch(identity(), identity(), identity()) | multiply());
  tensor<double> x(1, 2);
  x(0, 0) = 2;
  x(0, 1) = -3;
  auto p = net.forward(x.view(), {.differentiable = true});
  CHECK(p.output()(0, 0, 0, 0) == 8);
  tensor<double> ones(1, 2);
  for (double& v : ones) v = 1;
  const auto g = p.backward({ones}, {});
  CHECK(g[0](0, 0, 0, 0) == 12);
  CHECK(g[0](0, 1, 0, 0) == 27);
}

}  // namespace elementwise_test

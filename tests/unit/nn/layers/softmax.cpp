#include <cmath>

#include <catch2/catch.hpp>

#include <lookalike/nn/combinators.hpp>
#include <lookalike/nn/gradient_check.hpp>
#include <lookalike/nn/layers/softmax.hpp>
#include <lookalike/nn/model.hpp>

#include "layer_run.hpp"

namespace softmax_test {

using namespace lookalike;
using layer_test::array4;
using layer_test::layer_run;
using layer_test::tolerance;

namespace {

template <class Scalar, class Layer>
void compare_with_loops(unsigned seed) {
  constexpr bool logarithm = std::is_same_v<Layer, layers::log_softmax>;
  std::mt19937 generator(seed);
  const auto draw = [&](int low, int high) {
    return std::uniform_int_distribution<int>(low, high)(generator);
  };
  const shape extents{draw(1, 40), draw(1, 6), draw(1, 6)};
  const array4 x = layer_test::random_array(generator, draw(1, 3), extents, -9, 9);
  const array4 gy = layer_test::random_array(generator, x.batch, extents);
  CAPTURE(seed, extents.channels);
  layer_run<Scalar, Layer> run({}, {x}, generator);

  array4 expected(x.batch, extents);
  typename layer_run<Scalar, Layer>::gradients gradients;
  gradients.inputs.emplace_back(x.batch, extents);
  for (int n = 0; n < x.batch; ++n)
    for (int i = 0; i < x.height; ++i)
      for (int j = 0; j < x.width; ++j) {
        double sum = 0;
        for (int c = 0; c < x.channels; ++c) sum += std::exp(x(n, c, i, j));
        for (int c = 0; c < x.channels; ++c) {
          const double p = std::exp(x(n, c, i, j)) / sum;
          expected(n, c, i, j) = logarithm ? std::log(p) : p;
          for (int m = 0; m < x.channels; ++m) {  // dy[m] / dx[c]
            const double other = std::exp(x(n, m, i, j)) / sum;
            const double slope = logarithm ? (m == c) - p : other * ((m == c) - p);
            gradients.inputs[0](n, c, i, j) += gy(n, m, i, j) * slope;
          }
        }
      }
  CHECK(layer_test::relative_error(run.forward(), expected) <= tolerance<Scalar>);
  layer_test::check_backward(run, gy, gradients, generator);
}

struct probabilities {
  static constexpr architecture define() { return input(5) | softmax() | log_softmax(); }
};
static_assert(model<probabilities, float, 3, 4>::static_output_shape() == shape{5, 3, 4});
static_assert(model<probabilities>::static_parameter_count == 0);

struct one_softmax {
  static constexpr architecture define() { return input(4) | softmax(); }
};

}  // namespace

TEST_CASE("softmax and its gradient equal double loops") {
  for (unsigned seed = 0; seed < 40; ++seed) compare_with_loops<float, layers::softmax>(seed);
  for (unsigned seed = 100; seed < 140; ++seed) compare_with_loops<double, layers::softmax>(seed);
}

TEST_CASE("log-softmax and its gradient equal double loops") {
  for (unsigned seed = 0; seed < 40; ++seed) compare_with_loops<float, layers::log_softmax>(seed);
  for (unsigned seed = 100; seed < 140; ++seed) compare_with_loops<double, layers::log_softmax>(seed);
}

TEST_CASE("large scores do not overflow a softmax") {
  const model<one_softmax> net;
  tensor<float> x(1, 4);
  x(0, 0) = 1000;
  x(0, 1) = 1000;
  x(0, 2) = -1000;
  x(0, 3) = 0;
  const tensor<float> y = net(x);
  CHECK(y(0, 0) == 0.5f);
  CHECK(y(0, 1) == 0.5f);
  CHECK(y(0, 2) == 0);
}

TEST_CASE("gradients of softmax and its logarithm are differences of their values") {
  for (const architecture& l : {softmax(), log_softmax()}) {
    const gradient_report report = check_layer(l, {{4, dynamic, dynamic}});
    INFO(report.text());
    CHECK(report.ok());
  }
}

}  // namespace softmax_test

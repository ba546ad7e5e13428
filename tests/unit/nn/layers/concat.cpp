#include <catch2/catch.hpp>

#include <lookalike/nn/dynamic_model.hpp>
#include <lookalike/nn/layers/concat.hpp>
#include <lookalike/nn/model.hpp>

#include "layer_run.hpp"

namespace concat_test {

using namespace lookalike;
using layer_test::array4;
using layer_test::layer_run;
using layer_test::tolerance;

namespace {

template <class Scalar>
void compare(unsigned seed) {
  std::mt19937 generator(seed);
  const auto draw = [&](int low, int high) {
    return std::uniform_int_distribution<int>(low, high)(generator);
  };
  const int batch = draw(1, 3), height = draw(1, 6), width = draw(1, 6), count = draw(1, 4);
  const int complete = draw(0, count - 1);
  std::vector<array4> inputs;
  int channels = 0;
  for (int i = 0; i < count; ++i) {
    const bool vector = i != complete && draw(0, 2) == 0;
    inputs.push_back(
        layer_test::random_array(generator, batch, {draw(1, 17), vector ? 1 : height, vector ? 1 : width}));
    channels += inputs.back().channels;
  }
  CAPTURE(seed, height, width, count);
  layer_run<Scalar, layers::concat> run(layers::concat{}, inputs, generator);
  REQUIRE(run.output_shape() == shape{channels, height, width});
  array4 expected(batch, run.output_shape());
  const array4 gy = layer_test::random_array(generator, batch, run.output_shape());
  typename layer_run<Scalar, layers::concat>::gradients gradients;
  for (const array4& x : inputs) gradients.inputs.emplace_back(batch, x.extents());
  for (int n = 0; n < batch; ++n)
    for (int i = 0; i < height; ++i)
      for (int j = 0; j < width; ++j) {
        int to = 0;
        for (std::size_t k = 0; k < inputs.size(); ++k)
          for (int c = 0; c < inputs[k].channels; ++c, ++to) {
            const bool vector = inputs[k].height == 1 && inputs[k].width == 1;
            expected(n, to, i, j) = inputs[k](n, c, vector ? 0 : i, vector ? 0 : j);
            gradients.inputs[k](n, c, vector ? 0 : i, vector ? 0 : j) += gy(n, to, i, j);
          }
      }
  CHECK(run.forward().values == expected.values);
  layer_test::check_backward(run, gy, gradients, generator);
}

struct joined {
  static constexpr architecture define() {
    return branch(input("picture", 3), input("condition", 5, {.height = 1, .width = 1})) | concat();
  }
};
static_assert(model<joined>::static_output_shape() == shape{8, dynamic, dynamic});

}  // namespace

TEST_CASE("maps lie side by side, a vector everywhere, and gradients go back") {
  for (unsigned seed = 0; seed < 60; ++seed) compare<float>(seed);
  for (unsigned seed = 60; seed < 90; ++seed) compare<double>(seed);
}

TEST_CASE("maps of other extents do not lie side by side") {
  const dynamic_model<float> net(branch(input("a", 1), input("b", 2)) | concat());
  CHECK_NOTHROW(net.forward({tensor<float>(1, 1, 4, 5), tensor<float>(1, 2, 4, 5)}));
  CHECK_THROWS_WITH(net.forward({tensor<float>(1, 1, 4, 5), tensor<float>(1, 2, 4, 6)}),
                    Catch::Contains("concat0: expects 5 columns from every branch, given 6"));
}

}  // namespace concat_test

#include <catch2/catch.hpp>

#include <lookalike/nn/gradient_check.hpp>
#include <lookalike/nn/layers/fully_connected.hpp>
#include <lookalike/nn/model.hpp>

#include "layer_run.hpp"

namespace fully_connected_test {

using namespace lookalike;
using layer_test::array4;
using layer_test::layer_run;
using layer_test::tolerance;

namespace {

template <class Scalar>
void compare_with_loops(unsigned seed) {
  std::mt19937 generator(seed);
  const auto draw = [&](int low, int high) {
    return std::uniform_int_distribution<int>(low, high)(generator);
  };
  const bool vector = draw(0, 1) == 0;
  const shape extents{draw(1, 20), vector ? 1 : draw(1, 5), vector ? 1 : draw(1, 5)};
  const layers::fully_connected l{.channels = draw(1, 35), .bias = draw(0, 1) == 1};
  const array4 x = layer_test::random_array(generator, draw(1, 9), extents);
  CAPTURE(seed, extents.channels, extents.height, extents.width, l.channels, l.bias);
  layer_run<Scalar, layers::fully_connected> run(l, {x}, generator);

  const std::vector<double> weight = run.parameter(0);
  const auto inputs = static_cast<std::size_t>(extents.size());
  const array4 gy = layer_test::random_array(generator, x.batch, {l.channels, 1, 1});
  array4 expected(x.batch, {l.channels, 1, 1});
  typename layer_run<Scalar, layers::fully_connected>::gradients gradients;
  gradients.inputs.emplace_back(x.batch, extents);
  gradients.parameters.emplace_back(weight.size());
  if (l.bias) gradients.parameters.emplace_back(static_cast<std::size_t>(l.channels));
  for (int n = 0; n < x.batch; ++n) {
    for (int o = 0; o < l.channels; ++o) {
      const auto row = static_cast<std::size_t>(o);
      double sum = l.bias ? run.parameter(1)[row] : 0;
      if (l.bias) gradients.parameters[1][row] += gy(n, o, 0, 0);
      for (std::size_t i = 0; i < inputs; ++i) {  // a picture of an array4 is in PyTorch's order
        const std::size_t at = static_cast<std::size_t>(n) * inputs + i;
        sum += weight[row * inputs + i] * x.values[at];
        gradients.inputs[0].values[at] += weight[row * inputs + i] * gy(n, o, 0, 0);
        gradients.parameters[0][row * inputs + i] += x.values[at] * gy(n, o, 0, 0);
      }
      expected(n, o, 0, 0) = sum;
    }
  }
  CHECK(layer_test::relative_error(run.forward(), expected) <= tolerance<Scalar>);
  layer_test::check_backward(run, gy, gradients, generator);

  simd::epilogue<Scalar> fused;
  const std::vector<Scalar> scale(static_cast<std::size_t>(l.channels), Scalar(0.5)),
      shift(static_cast<std::size_t>(l.channels), Scalar(-0.25));
  fused.scale = scale.data();
  fused.shift = shift.data();
  fused.activation.function = simd::activation_function::relu;
  for (double& v : expected.values) v = std::max(0.0, 0.5 * v - 0.25);
  CHECK(layer_test::relative_error(run.forward(&fused), expected) <= tolerance<Scalar>);
}

struct classifier {
  static constexpr architecture define() {
    return input(3, {.height = 4, .width = 5}) | fully_connected(10) | fully_connected(7, {.bias = false});
  }
};
static_assert(model<classifier>::static_output_shape() == shape{7, 1, 1});
static_assert(model<classifier>::static_parameter_count == (60 * 10 + 10) + 10 * 7);
static_assert(layers::fully_connected{}.window().everything);

}  // namespace

TEST_CASE("fully connected in float and its gradients equal double loops") {
  for (unsigned seed = 0; seed < 80; ++seed) compare_with_loops<float>(seed);
}

TEST_CASE("fully connected in double and its gradients equal double loops") {
  for (unsigned seed = 1000; seed < 1060; ++seed) compare_with_loops<double>(seed);
}

TEST_CASE("fully connected parameters are PyTorch's matrix") {
  const model<classifier> net;
  CHECK(net.parameters()[0].name == "fully_connected0.weight");
  CHECK(net.parameters()[0].rank == 2);
  CHECK(net.parameters()[0].dimensions == std::array<std::int64_t, 4>{10, 60, 1, 1});
  CHECK(net.parameters()[0].fan_in == 60);
}

TEST_CASE("gradients of fully connected layers are differences of their values") {
  for (const architecture& l : {fully_connected(5), fully_connected(3, {.bias = false})}) {
    for (const shape& given : {shape{4, 3, 2}, shape{7, 1, 1}}) {
      const gradient_report report = check_layer(l, {given});
      INFO(report.text());
      CHECK(report.ok());
    }
  }
}

}  // namespace fully_connected_test

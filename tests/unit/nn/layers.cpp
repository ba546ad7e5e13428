// Layers together: what is fused into one equals what is not, and a network that the compiler lowers computes
// the same bits as one that is made when the program runs.

#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include <lookalike/core/random.hpp>
#include <lookalike/nn/combinators.hpp>
#include <lookalike/nn/dynamic_model.hpp>
#include <lookalike/nn/layers.hpp>
#include <lookalike/nn/model.hpp>

namespace layers_test {

using namespace lookalike;

namespace {

/// Draws all parameters and buffers; variances around 1.
template <class Scalar>
void draw(network<Scalar>& net, std::uint64_t seed) {
  random_sequence random(seed, 0);
  for (const parameter& p : net.parameters()) {
    const double center = p.initial == initial_value::ones ? 1 : 0;
    for (Scalar& v : net.values(p.name)) v = static_cast<Scalar>(center + random.uniform(-0.5, 0.5));
  }
}

template <class Scalar>
tensor<Scalar> random_picture(std::int64_t batch, std::int64_t channels, std::int64_t height,
                              std::int64_t width) {
  tensor<Scalar> x(batch, channels, height, width);
  random_sequence random(7, 1);
  for (Scalar& v : x) v = static_cast<Scalar>(random.normal());
  return x;
}

template <class Scalar>
double difference(tensor_view<const Scalar> given, tensor_view<const Scalar> expected) {
  const tensor<Scalar> a(given), b(expected);
  REQUIRE(a.extents() == b.extents());
  double largest = 0, difference = 0;
  for (std::size_t i = 0; i < static_cast<std::size_t>(a.size()); ++i) {
    const auto wanted = static_cast<double>(b.data()[i]);
    largest = std::max(largest, std::abs(wanted));
    const double d = std::abs(static_cast<double>(a.data()[i]) - wanted);
    difference = d <= difference ? difference : d;  // NaN counts
  }
  REQUIRE(largest > 0);
  return difference / largest;
}

struct fusion_case {
  std::string name;
  architecture net;
  int nodes = 0;  ///< that are left, the input among them
};

std::vector<fusion_case> fusion_cases() {
  const auto norm_relu = [] { return batch_norm() | relu(); };
  return {
      {"conv, norm, relu", input(5) | conv(9, {.stride = 2, .bias = false}) | norm_relu(), 2},
      {"conv with bias, norm, relu", input(5) | conv(9) | norm_relu(), 2},
      {"norm without affine", input(5) | conv(9) | batch_norm({.epsilon = 0.1, .affine = false}), 2},
      {"conv, norm, add, relu", input(5) | conv(8) | residual(conv(8) | batch_norm()) | relu(), 3},
      {"conv, norm, add of a projection, relu",
       input(5) |
           residual(conv(8) | norm_relu() | conv(8) | batch_norm(), conv(8, {.kernel = 1}) | batch_norm()) |
           relu(),
       4},
      {"grouped conv, norm, leaky relu", input(6) | conv(9, {.groups = 3}) | batch_norm() | leaky_relu(0.2),
       2},
      {"depthwise conv, norm, silu", input(6) | conv(6, {.groups = 6}) | batch_norm() | silu(), 2},
      {"conv, elu", input(5) | conv(9, {.border = padding_mode::reflect}) | elu(1.5), 2},
      {"conv, sigmoid", input(5) | conv(9, {.kernel = 1}) | sigmoid(), 2},
      {"conv, tanh", input(5) | conv(9, {.kernel = 5}) | lookalike::tanh(), 2},
      {"conv, gelu", input(5) | conv(9) | gelu(), 3},  // not among those that can be fused
      {"up_conv, norm, relu", input(5) | up_conv(9) | norm_relu(), 2},
      {"transposed conv, norm, add, relu",
       input(5) | transposed_conv(6, {.kernel = 4, .padding = 1}) |
           residual(transposed_conv(6, {.kernel = 3, .stride = 1, .padding = 1}) | batch_norm()) | relu(),
       3},
      {"fully connected, norm, relu", input(5) | fully_connected(11) | norm_relu(), 2},
      {"fully connected, add, sigmoid",
       input(5) | fully_connected(11, {.bias = false}) | residual(fully_connected(11)) | sigmoid(), 3},
  };
}

template <class Scalar>
void compare_fused(double tolerance) {
  for (const fusion_case& c : fusion_cases()) {
    for (const int height : {8, 5}) {
      dynamic_model<Scalar> net(c.net, height, 7);
      draw(net, 3);
      CAPTURE(c.name, height);
      CHECK(net.program().fused.size() == c.nodes);
      const tensor<Scalar> x = random_picture<Scalar>(3, net.input_shape().channels, height, 7);
      const auto fused = net.forward(x);
      const auto plain = net.forward(x, {.differentiable = true});
      CHECK(difference<Scalar>(fused.output(), plain.output()) <= tolerance);
    }
  }
}

/// Every layer that has a kernel of its own for training, in one network.
struct everything {
  static constexpr architecture define() {
    return input(3) | conv(8, {.bias = false}) | batch_norm() | relu() |
           named("residual", residual(conv(8, {.groups = 2}) | batch_norm({.affine = false}) | relu() |
                                      conv(8, {.kernel = {1, 3}, .border = padding_mode::replicate}))) |
           leaky_relu(0.2) |
           named("unet", skip(conv(12, {.stride = 2}) | group_norm(3) | silu() | up_conv(8) |
                              instance_norm({.affine = true}) | elu())) |
           conv(10, {.kernel = 1}) | layer_norm() | gelu() | local_response_norm() |
           transposed_conv(6, {.kernel = 3, .stride = 2, .padding = 1, .output_padding = 1}) | sigmoid() |
           conv(4, {.kernel = 5, .stride = 2, .padding = 2, .dilation = 1}) | lookalike::tanh() |
           branch(softmax(), log_softmax()) | fully_connected(7) | relu() | fully_connected(5);
  }
};

}  // namespace

TEST_CASE("in float, fused layers equal layers that run one by one") {
  compare_fused<float>(1e-5);
}

TEST_CASE("in double, fused layers equal layers that run one by one") {
  compare_fused<double>(1e-12);
}

TEST_CASE("model and dynamic_model compute the same bits") {
  constexpr int height = 12, width = 10;
  model<everything, float, height, width> fixed;
  dynamic_model<float> made(everything::define(), height, width);
  static_assert(decltype(fixed)::static_output_shape() == shape{5, 1, 1});
  CHECK(fixed.parameter_count() == made.parameter_count());
  CHECK(decltype(fixed)::static_parameter_count == made.parameter_count());
  draw(fixed, 5);
  draw(made, 5);
  const tensor<float> x = random_picture<float>(4, 3, height, width);

  CHECK(tensor<float>(fixed.forward(x).output()) == tensor<float>(made.forward(x).output()));

  auto fixed_pass = fixed.forward(x, {.training = true, .seed = 9});
  auto made_pass = made.forward(x, {.training = true, .seed = 9});
  const tensor<float> y(fixed_pass.output());
  CHECK(y == tensor<float>(made_pass.output()));
  auto fixed_gradients = fixed.make_gradients();
  auto made_gradients = made.make_gradients();
  const auto fixed_input = fixed_pass.backward({y}, fixed_gradients);
  const auto made_input = made_pass.backward({y}, made_gradients);
  CHECK(tensor<float>(fixed_input[0]) == tensor<float>(made_input[0]));
  CHECK(fixed_gradients == made_gradients);
  // Running averages moved alike.
  CHECK(std::vector<float>(fixed.values().begin(), fixed.values().end()) ==
        std::vector<float>(made.values().begin(), made.values().end()));
}

TEST_CASE("results of all layers do not depend on the number of threads") {
  dynamic_model<float> net(everything::define(), 40, 36);
  draw(net, 5);
  const tensor<float> x = random_picture<float>(5, 3, 40, 36);
  tensor<float> y, gx;
  std::vector<float> gradients, values;
  const std::vector<float> start(net.values().begin(), net.values().end());
  for (const int count : {1, 2, 3}) {
    const thread_scope scope(count);
    std::copy(start.begin(), start.end(), net.values().begin());
    auto pass = net.forward(x, {.training = true, .seed = 2});
    auto block = net.make_gradients();
    const tensor<float> out(pass.output());
    const tensor<float> input(pass.backward({out}, block)[0]);
    if (count == 1) {
      y = out;
      gx = input;
      gradients.assign(block.begin(), block.end());
      values.assign(net.values().begin(), net.values().end());
    }
    CHECK(out == y);
    CHECK(input == gx);
    CHECK(std::vector<float>(block.begin(), block.end()) == gradients);
    CHECK(std::vector<float>(net.values().begin(), net.values().end()) == values);
  }
}

TEST_CASE("in inference, the result of a picture does not depend on the batch it is in") {
  dynamic_model<float> net(everything::define(), 12, 10);
  draw(net, 5);
  const tensor<float> x = random_picture<float>(5, 3, 12, 10);
  const tensor<float> y = net(x);
  for (int n = 0; n < 5; ++n) {
    const float* first = x.data() + n * 3 * 12 * 10;
    const tensor<float> alone = net(tensor_view<const float>::contiguous(first, 1, 3, 12, 10));
    for (int c = 0; c < 5; ++c) CHECK(alone(0, c) == y(n, c));
  }
}

}  // namespace layers_test

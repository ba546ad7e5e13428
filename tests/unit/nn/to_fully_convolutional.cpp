#include <cmath>
#include <string>

#include <catch2/catch.hpp>

#include <lookalike/models/alexnet.hpp>
#include <lookalike/nn/dynamic_model.hpp>
#include <lookalike/nn/layers.hpp>
#include <lookalike/nn/to_fully_convolutional.hpp>

#include "random_architecture.hpp"

namespace to_fully_convolutional_test {

using namespace lookalike;

namespace {

// Slides the classifier over a larger picture, one window at a time, and compares.
void check(const architecture& classifier, int native, int stride, int steps) {
  dynamic_model<double> small(classifier, native, native);
  const fully_convolutional wide = to_fully_convolutional(classifier, native, native);
  dynamic_model<double> net(wide.network);
  REQUIRE(wide.parameters.size() == static_cast<int>(small.parameters().size()));
  REQUIRE(net.parameters().size() == small.parameters().size());
  REQUIRE(net.parameter_count() == small.parameter_count());
  plain::fill<double>(small.values(), 3);
  for (const parameter& p : small.parameters())
    if (p.name.ends_with("running_variance"))
      for (double& v : small.values(p.name)) v = 1 + std::abs(v);
  copy_parameters(small, net, wide.parameters);
  const int channels = small.input_shape().channels;
  const int extent = native + stride * (steps - 1);
  const auto x = plain::random_tensor(1, channels, extent, extent, 4);
  const tensor<double> y = net(x);
  REQUIRE(y.height() == steps);
  REQUIRE(y.width() == steps);
  for (int i = 0; i < steps; ++i)
    for (int j = 0; j < steps; ++j) {
      tensor_view<const double> window = x.view();
      window.data = &x(0, 0, i * stride, j * stride);
      window.extents = {1, channels, native, native};
      const tensor<double> scores = small(window);
      REQUIRE(scores.size() == y.channels());
      for (int c = 0; c < y.channels(); ++c)
        REQUIRE(y(0, c, i, j) == Approx(scores(0, c)).epsilon(1e-12).margin(1e-12));
    }
}

}  // namespace

TEST_CASE("fully connected layers become convolutions: the same at native size, sliding windows beyond") {
  const architecture features =
      conv(3, {.padding = 0}) | relu() | max_pool(2) | conv(4, {.padding = 0}) | relu();
  const architecture head =
      named("head", fully_connected(5) | relu() | dropout() | fully_connected(3, {.bias = false}));
  check(input(2) | features | head, 12, 2, 1);
  check(input(2) | features | head, 12, 2, 4);
  check(input(2) | features | flatten() | head | softmax(), 12, 2, 4);
  check(input(2) | features | flatten() | dropout() | relu() | head, 12, 2, 3);
  check(input(2, {.height = 12, .width = 12}) | features | batch_norm() | head, 12, 2, 3);
  check(input(2) | fully_connected(4) | flatten() | fully_connected(2), 5, 1, 3);
}

TEST_CASE("global and adaptive pools before them slide as well") {
  const architecture features = conv(3, {.stride = 2, .padding = 0}) | relu();
  check(input(2) | features | global_average_pool() | flatten() | fully_connected(3), 13, 2, 4);
  check(input(2) | features | global_max_pool() | fully_connected(3), 13, 2, 4);
  check(input(2) | features | adaptive_average_pool(3, 3) | flatten() | fully_connected(3), 13, 2, 4);
  check(input(2) | features | adaptive_average_pool(2, 3) | dropout() | fully_connected(3) | relu() |
            fully_connected(2),
        13, 2, 4);
  check(input(2) | features | adaptive_max_pool(6, 6) | fully_connected(3), 13, 2, 3);
}

TEST_CASE("branches, shared parts and names go on") {
  const architecture tower = conv(2, {.padding = 0}) | relu() | fully_connected(3);
  check(branch(input(2) | branch(named("a", tower), named("b", tower)) | fully_connected(2)), 6, 1, 3);
  check(input(2) | branch(conv(2, {.padding = 0}), conv(3, {.padding = 0})) | fully_connected(2), 6, 1, 3);
  const fully_convolutional wide = to_fully_convolutional(
      input(2) | named("f", conv(2) | fully_connected(3) | expose("fully_connected0")) | fully_connected(4),
      5, 6);
  REQUIRE(wide.parameters.size() == 6);
  CHECK(wide.parameters[0].before.view() == "f.conv0.weight");
  CHECK(wide.parameters[0].after.view() == "f.conv0.weight");
  CHECK(wide.parameters[2].before.view() == "f.fully_connected0.weight");
  CHECK(wide.parameters[2].after.view() == "f.conv1.weight");
  CHECK(wide.parameters[5].after.view() == "conv0.bias");
  const dynamic_model<float> net(wide.network);
  CHECK(net.parameters()[2].dimensions == std::array<std::int64_t, 4>{3, 2, 5, 6});
  CHECK(net.forward(tensor<float>(1, 2, 8, 8))["f.conv1"].extents == std::array<std::int64_t, 4>{1, 3, 4, 3});
  CHECK(net.forward(tensor<float>(1, 2, 8, 8))["f"].channels() == 3);
}

TEST_CASE("AlexNet classifies in any size of picture") {
  constexpr auto converted = [] { return to_fully_convolutional(alexnet_single_tower(), 224, 224).network; };
  STATIC_REQUIRE(converted().nodes.size() > 20);
  const detail::lowering low = detail::lower(converted(), 288, 320);
  REQUIRE(std::string(low.problem.text().view()).empty());
  CHECK(low.trainable_count == 61100840);
  CHECK(low.shapes[low.graph.exits[0]] == shape{1000, 3, 4});
}

TEST_CASE("what cannot slide is said") {
  const auto convert = [](const architecture& a) { (void)to_fully_convolutional(a, 6, 6); };
  CHECK_THROWS_WITH(convert(input(2) | flatten() | batch_norm() | fully_connected(2)),
                    "to_fully_convolutional: batch_norm0: expects a fully connected layer before it");
  CHECK_THROWS_WITH(
      convert(input(2) | adaptive_average_pool(4, 4) | fully_connected(2)),
      "to_fully_convolutional: adaptive_average_pool0: expects a map whose extents are multiples of "
      "the pool's");
  CHECK_THROWS_WITH(convert(input(2) | flatten()),
                    "to_fully_convolutional: flatten0: expects a fully connected layer behind it");
  CHECK_THROWS_WITH(
      convert(input(2) | instance_norm() | fully_connected(2)),
      "to_fully_convolutional: instance_norm0: sees the whole picture, and no convolution does");
  CHECK_THROWS_WITH(to_fully_convolutional(input(2) | conv(2)),
                    "to_fully_convolutional: expects the classifier's height and width");
  CHECK_THROWS_WITH(convert(conv(2)), "conv0: nothing comes in; a network begins with input(channels)");
}

}  // namespace to_fully_convolutional_test

// Residual networks: blocks are the identity where their bodies yield nothing, shortcuts of kind A have no
// parameters, strides may stand in two places. Parameter counts are in tests/static/models.cpp.

#include <lookalike/models/resnet.hpp>

#include "run.hpp"

using namespace lookalike;

namespace {

void fill(network<float>& net, std::string_view name, float value) {
  for (float& v : net.values(name)) v = value;
}

}  // namespace

TEST_CASE("residual networks run in all modes") {
  dynamic_model<float> small(cifar_resnet(20));
  run_in_all_modes(small, {random_pictures(3, 3, 32, 32, 1, -1, 1)}, {3, 10, 1, 1});
  dynamic_model<float> plain(cifar_resnet(8, {.classes = 10, .shortcut = shortcut_kind::none}));
  run_in_all_modes(plain, {random_pictures(2, 3, 32, 32, 2, -1, 1)}, {2, 10, 1, 1});
  dynamic_model<float> eighteen(resnet18({.classes = 7}));
  run_in_all_modes(eighteen, {random_pictures(2, 3, 64, 96, 3, -1, 1)}, {2, 7, 1, 1});
  dynamic_model<float> fifty(resnet50({.classes = 7, .stride = stride_place::first}));
  run_in_all_modes(fifty, {random_pictures(2, 3, 64, 64, 4, -1, 1)}, {2, 7, 1, 1});
}

TEST_CASE("a block whose last batch normalization has weight 0 is the identity for what is positive") {
  // The block ends in a rectifier, which leaves positive numbers alone.
  for (const bool bottleneck : {false, true}) {
    const architecture block = bottleneck ? bottleneck_block(8, 2, 1) : basic_block(8, 8, 1);
    dynamic_model<float> net(input(8) | block);
    fill(net, bottleneck ? "batch_norm2.weight" : "batch_norm1.weight", 0);
    const tensor<float> x = random_pictures(2, 8, 6, 5, 1);
    for (const bool training : {false, true}) {
      const auto pass = net.forward(x, {.training = training});
      CHECK(tensor<float>(pass.output()) == x);
    }
  }
  // And so a whole network is its first layer, pooled and looked at.
  dynamic_model<float> deep(cifar_resnet(20) | expose("relu0", "layer1"));
  for (const parameter& p : deep.parameters()) {
    if (p.name.ends_with("batch_norm1.weight")) fill(deep, p.name, 0);
  }
  const tensor<float> x = random_pictures(1, 3, 32, 32, 2, -1, 1);
  const auto pass = std::as_const(deep).forward(x);
  CHECK(tensor<float>(pass["relu0"]) == tensor<float>(pass["layer1"]));
}

TEST_CASE("shortcut A takes every second pixel and puts zeros around the channels, without parameters") {
  const auto with = [](shortcut_kind kind) { return resnet_options{.classes = 10, .shortcut = kind}; };
  const std::int64_t plain =
      dynamic_model<float>(cifar_resnet(20, with(shortcut_kind::none))).parameter_count();
  CHECK(dynamic_model<float>(cifar_resnet(20, with(shortcut_kind::padding))).parameter_count() == plain);
  CHECK(dynamic_model<float>(cifar_resnet(20, with(shortcut_kind::projection))).parameter_count() > plain);

  dynamic_model<float> net(input(2) | basic_block(2, 4, 2, with(shortcut_kind::padding)));
  fill(net, "batch_norm1.weight", 0);
  const tensor<float> x = random_pictures(1, 2, 5, 6, 3);
  const tensor<float> y = net(x);
  REQUIRE(y.extents() == std::array<std::int64_t, 4>{1, 4, 3, 3});
  for (int row = 0; row < 3; ++row)
    for (int column = 0; column < 3; ++column) {
      CHECK(y(0, 0, row, column) == 0);
      CHECK(y(0, 1, row, column) == x(0, 0, 2 * row, 2 * column));
      CHECK(y(0, 2, row, column) == x(0, 1, 2 * row, 2 * column));
      CHECK(y(0, 3, row, column) == 0);
    }
}

TEST_CASE("shortcut C projects around every block") {
  const resnet_options c{.classes = 10, .shortcut = shortcut_kind::projection_everywhere};
  const dynamic_model<float> net(cifar_resnet(8, c));
  const auto has = [&](std::string_view name) {
    return std::any_of(net.parameters().begin(), net.parameters().end(),
                       [&](const parameter& p) { return p.name == name; });
  };
  CHECK(has("layer1.0.shortcut.conv0.weight"));
  CHECK(has("layer2.0.shortcut.conv0.weight"));
}

TEST_CASE("the stride is where it should be: one place halves before the 3 x 3 convolution, one in it") {
  const auto run = [](stride_place place) {
    dynamic_model<float> net(input(4) | bottleneck_block(4, 2, 2, {.stride = place}) |
                             expose("conv0", "conv1"));
    const tensor<float> x = random_pictures(1, 4, 8, 8, 1);
    const auto pass = std::as_const(net).forward(x);
    return std::array<std::int64_t, 3>{pass["conv0"].height(), pass["conv1"].height(),
                                       pass.output().height()};
  };
  CHECK(run(stride_place::first) == std::array<std::int64_t, 3>{4, 4, 4});
  CHECK(run(stride_place::middle) == std::array<std::int64_t, 3>{8, 4, 4});
}

TEST_CASE("gradients of narrow residual networks") {
  check_some_gradients(cifar_resnet(8, {.classes = 3, .shortcut = shortcut_kind::padding}, 4),
                       {.samples = 5, .batch = 2, .height = 8, .width = 9});
  check_some_gradients(cifar_resnet(8, {.classes = 3, .shortcut = shortcut_kind::projection}, 4),
                       {.samples = 4, .batch = 2, .height = 8, .width = 8});
  check_some_gradients(cifar_resnet(8, {.classes = 3, .shortcut = shortcut_kind::none}, 4),
                       {.samples = 4, .batch = 2, .height = 8, .width = 8});
  for (const stride_place place : {stride_place::first, stride_place::middle})
    check_some_gradients(input(6) | bottleneck_block(6, 2, 2, {.stride = place}) |
                             bottleneck_block(8, 2, 1, {.stride = place}),
                         {.samples = 10, .batch = 2, .height = 7, .width = 6});
}

TEST_CASE(
    "at first gradients reach the first layer through shortcuts as strongly as the last, and not without") {
  // The ratio of the gradients' lengths, first convolution to last.
  const auto ratio = [](const architecture& a, std::string_view last) {
    dynamic_model<float> net(a);
    initialize<float>(net.parameters(), net.values(), 1);
    const tensor<float> x = random_pictures(8, 3, 32, 32, 5, -1, 1);
    auto pass = net.forward(x, {.training = true});
    tensor<float> g(8, 10);
    random_sequence random(6);
    for (float& v : g) v = static_cast<float>(random.normal());
    auto gradients = net.make_gradients();
    pass.backward({g}, gradients);
    const auto length_of = [&](std::string_view name) {
      double sum = 0;
      for (const parameter& p : net.parameters()) {
        if (p.name != name) continue;
        for (std::int64_t i = p.offset; i < p.offset + p.size; ++i) {
          const auto at = static_cast<std::size_t>(i);
          sum += double{gradients[at]} * gradients[at];
        }
      }
      return std::sqrt(sum);
    };
    return length_of("conv0.weight") / length_of(last);
  };
  const double residual = ratio(cifar_resnet(56), "layer3.8.conv1.weight");
  CHECK(residual > 0.1);
  CHECK(residual < 10);

  architecture plain = input(3) | conv(16) | relu();
  for (int i = 0; i < 40; ++i) plain = std::move(plain) | conv(16) | relu();
  const double without = ratio(plain | global_average_pool() | fully_connected(10), "conv40.weight");
  CHECK(without < 1e-4);
}

TEST_CASE("other depths than 6n + 2 are errors") {
  CHECK_THROWS_WITH(cifar_resnet(21), "cifar_resnet: wanted a depth of 6n + 2: 20, 32, 44, ...");
  CHECK_THROWS_AS(cifar_resnet(2), value_error);
}

// AlexNet runs, its gradients are right, and its descriptor can be had. Parameters and extents of its layers
// are in tests/static/models.cpp.

#include <lookalike/models/alexnet.hpp>

#include "run.hpp"

using namespace lookalike;

TEST_CASE("the network of the paper runs at full size and shows its descriptor") {
  dynamic_model<float> net(alexnet(10) | expose("classifier.descriptor"));
  const tensor<float> x = random_pictures(1, 3, 227, 227, 1, -1, 1);
  const auto pass = std::as_const(net).forward(x);
  CHECK(pass.output().extents == std::array<std::int64_t, 4>{1, 10, 1, 1});
  CHECK(all_finite(tensor<float>(pass.output())));
  const tensor<float> descriptor(pass["classifier.descriptor"]);
  CHECK(descriptor.extents() == std::array<std::int64_t, 4>{1, 4096, 1, 1});
  CHECK(std::all_of(descriptor.begin(), descriptor.end(), [](float v) { return v >= 0; }));  // after ReLU
  CHECK(std::any_of(descriptor.begin(), descriptor.end(), [](float v) { return v > 0; }));
  CHECK_THROWS_AS(std::as_const(net).forward(random_pictures(1, 3, 224, 224, 1)), value_error);
}

TEST_CASE("narrow ones run in all modes, the single tower on pictures of several sizes") {
  dynamic_model<float> paper(alexnet(7, 8));
  run_in_all_modes(paper, {random_pictures(2, 3, 227, 227, 1, -1, 1)}, {2, 7, 1, 1});
  dynamic_model<float> tower(alexnet_single_tower(7, 8));
  run_in_all_modes(tower, {random_pictures(2, 3, 224, 224, 2, -1, 1)}, {2, 7, 1, 1});
  run_in_all_modes(tower, {random_pictures(1, 3, 63, 100, 3, -1, 1)}, {1, 7, 1, 1});
}

TEST_CASE("the groups of the second layer see one half of the first") {
  // As on the paper's two cards: what the second half of the first layer's channels hold does not reach the
  // first half of the second layer's.
  dynamic_model<float> net(alexnet(4, 8) | expose("features.conv1"));
  const tensor<float> x = random_pictures(1, 3, 227, 227, 4, -1, 1);
  const tensor<float> before(std::as_const(net).forward(x)["features.conv1"]);
  const std::int64_t half = before.channels() / 2;
  const auto weights = net.values("features.conv0.weight");
  // Local response normalization looks at two neighbors on either side of a channel, so the last two channels
  // of the half are left alone.
  for (float& w : weights.subspan(weights.size() / 2 + weights.size() / 12 * 2)) w += 0.5f;
  const tensor<float> after(std::as_const(net).forward(x)["features.conv1"]);
  double first = 0, second = 0;
  for (std::int64_t c = 0; c < before.channels(); ++c)
    for (std::int64_t y = 0; y < before.height(); ++y)
      for (std::int64_t column = 0; column < before.width(); ++column)
        (c < half ? first : second) += std::abs(after(0, c, y, column) - before(0, c, y, column));
  CHECK(first == 0);
  CHECK(second > 0);
}

TEST_CASE("gradients of narrow AlexNets") {
  check_some_gradients(alexnet(3, 16), {.samples = 3, .batch = 1});
  check_some_gradients(alexnet_single_tower(3, 16), {.samples = 4, .batch = 2, .height = 63, .width = 70});
}

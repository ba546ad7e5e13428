// U-Nets: the one that loses its borders and the padded one are the same network inside.

#include <lookalike/models/unet.hpp>

#include "run.hpp"

using namespace lookalike;

TEST_CASE("U-Nets run in all modes") {
  dynamic_model<float> original(unet_original({.width = 8}));
  run_in_all_modes(original, {random_pictures(1, 1, 188, 204, 1)}, {1, 2, 4, 20});
  dynamic_model<float> padded(unet_padded({.inputs = 3, .classes = 5, .width = 8}));
  run_in_all_modes(padded, {random_pictures(2, 3, 32, 48, 2)}, {2, 5, 32, 48});
  dynamic_model<float> normalized(unet_normalized({.width = 8, .levels = 2}));
  run_in_all_modes(normalized, {random_pictures(2, 1, 20, 12, 3)}, {2, 2, 20, 12});
}

TEST_CASE("the network of the paper yields 388 pixels for 572") {
  dynamic_model<float> net(unet_original());
  const tensor<float> y = net(random_pictures(1, 1, 188, 188, 1));
  CHECK(y.extents() == std::array<std::int64_t, 4>{1, 2, 4, 4});
  dynamic_model<float> narrow(unet_original({.width = 4}));
  CHECK(narrow(random_pictures(1, 1, 572, 572, 1)).extents() == std::array<std::int64_t, 4>{1, 2, 388, 388});
}

TEST_CASE("extents that do not fit are errors") {
  dynamic_model<float> original(unet_original({.width = 2}));
  CHECK_THROWS_AS(original(random_pictures(1, 1, 124, 124, 1)), value_error);
  dynamic_model<float> padded(unet_padded({.width = 2}));
  CHECK_THROWS_WITH(padded(random_pictures(1, 1, 40, 32, 1)),
                    Catch::Contains("rows") || Catch::Contains("height"));
  CHECK_THROWS_AS(unet(-1, 8, padded_block), value_error);
}

TEST_CASE("without borders and with borders of zeros are the same where no border is seen") {
  // Every pixel of the original's output sees nothing but the picture, so the padded network must yield the
  // same there, provided that the pools of both pair the same pixels: where the padded one is given 2 pixels
  // more on each side (2 + 2 lost = 4 above, half of that, and the same again on each level below).
  for (const int levels : {1, 2, 3, 4}) {
    const unet_options options{.inputs = 2, .classes = 3, .width = 4, .levels = levels};
    dynamic_model<double> original(unet_original(options));
    dynamic_model<double> padded(unet_padded(options));
    REQUIRE(original.values().size() == padded.values().size());
    for (std::size_t i = 0; i < original.parameters().size(); ++i)
      REQUIRE(original.parameters()[i].name == padded.parameters()[i].name);
    std::copy(original.values().begin(), original.values().end(), padded.values().begin());

    const int step = 1 << levels;
    const tensor<double> x = random_pictures<double>(1, 2, 12 * step + step, 12 * step + 2 * step, 7, -1, 1);
    tensor_view<const double> middle = x.view();
    middle.data += 2 * middle.strides[2] + 2 * middle.strides[3];
    middle.extents[2] -= 4;
    middle.extents[3] -= 4;
    const tensor<double> inside = original(middle);
    const tensor<double> whole = padded(x);
    const std::int64_t margin = (x.height() - inside.height()) / 2;
    REQUIRE(margin == (x.width() - inside.width()) / 2);
    if (levels == 4) REQUIRE(margin == 2 + 184 / 2);
    double most = 0, largest = 0;
    for (int c = 0; c < 3; ++c)
      for (int y = 0; y < inside.height(); ++y)
        for (int column = 0; column < inside.width(); ++column) {
          const double wanted = inside(0, c, y, column);
          most = std::max(most, std::abs(wanted - whole(0, c, y + margin, column + margin)));
          largest = std::max(largest, std::abs(wanted));
        }
    CHECK(largest > 0.001);
    CHECK(most <= 1e-12 * largest);
  }
}

TEST_CASE("what is cropped is the middle") {
  // One level without convolutions: what comes back from below is the mean over 2 x 2, nearest.
  const auto nothing = [](int) { return crop(1, 1, 1, 1); };
  dynamic_model<double> net(input(1) | valid_unet(1, 1, nothing));
  for (double& w : net.values()) w = 0;
  const tensor<double> x = random_pictures<double>(1, 1, 14, 18, 8);
  const tensor<double> y = net(x);
  // 14 - 2 = 12, pooled 6, cropped 4, up 8; the skip is 12 cropped by 2 to 8; the decoder crops 1 more: 6.
  REQUIRE(y.extents() == std::array<std::int64_t, 4>{1, 2, 6, 10});
  for (int row = 0; row < 6; ++row)
    for (int column = 0; column < 10; ++column) {
      CHECK(y(0, 0, row, column) == x(0, 0, row + 4, column + 4));
      CHECK(y(0, 1, row, column) == 0);
    }
}

TEST_CASE("the skip comes first in the concatenation, what comes from below second") {
  dynamic_model<float> net(unet_padded({.width = 4, .levels = 1}));
  bool found = false;
  for (const parameter& p : net.parameters()) {
    if (p.name != "decoder.conv0.weight") continue;
    found = true;
    CHECK(p.dimensions == std::array<std::int64_t, 4>{4, 8, 3, 3});
  }
  CHECK(found);
  // Without weights for channels 4 to 7 nothing of the way down counts.
  const auto weights = net.values("decoder.conv0.weight");
  for (std::size_t i = 0; i < weights.size(); ++i)
    if (i / 9 % 8 >= 4) weights[i] = 0;
  const tensor<float> x = random_pictures(1, 1, 8, 8, 9);
  const tensor<float> before = net(x);
  for (float& w : net.values("below.bottleneck.conv0.weight")) w += 1;
  CHECK(net(x) == before);
}

TEST_CASE("gradients of small U-Nets") {
  check_some_gradients(unet_original({.width = 4, .levels = 2}),
                       {.samples = 4, .batch = 1, .height = 44, .width = 48});
  check_some_gradients(unet_padded({.width = 4, .levels = 2}),
                       {.samples = 5, .batch = 2, .height = 8, .width = 12});
  check_some_gradients(unet_normalized({.width = 4, .levels = 2}),
                       {.samples = 4, .batch = 2, .height = 8, .width = 12});
}

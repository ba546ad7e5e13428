#include <array>
#include <cstddef>
#include <vector>

#include <catch2/catch.hpp>

#include <lookalike/image/color.hpp>
#include <lookalike/retrieve/scene_descriptor.hpp>
#include <lookalike/stage/roles.hpp>

#include "scratch.hpp"

namespace {
using namespace lookalike;
static_assert(encoder<scene_descriptor_stage> && encoder<color_grid_stage>);
}  // namespace

TEST_CASE("the color grid holds L*a*b* of each cell's mean color") {
  image<3> picture(10, 6);  // cells of 2.5 x 1.5 pixels
  for (int y = 0; y < 10; ++y) {
    for (int x = 0; x < 6; ++x) {
      picture(y, x, 0) = static_cast<float>(y) / 10.0f;
      picture(y, x, 1) = static_cast<float>(x) / 6.0f;
      picture(y, x, 2) = 0.25f;
    }
  }
  const descriptor d = color_grid(picture);
  REQUIRE(d.values.size() == 48);
  for (int cell_y = 0; cell_y < 4; ++cell_y) {
    for (int cell_x = 0; cell_x < 4; ++cell_x) {
      // The mean by counting 1/20ths of a pixel.
      double red = 0, green = 0;
      for (int i = 0; i < 50; ++i) red += static_cast<double>(picture((cell_y * 50 + i) / 20, 0, 0)) / 50;
      for (int i = 0; i < 30; ++i) green += static_cast<double>(picture(0, (cell_x * 30 + i) / 20, 1)) / 30;
      const auto lab =
          rgb_to_lab(std::array<float, 3>{static_cast<float>(red), static_cast<float>(green), 0.25f});
      for (std::size_t c = 0; c < 3; ++c) {
        const auto at = static_cast<std::size_t>(cell_y * 4 + cell_x) * 3 + c;
        CHECK(d.values[at] == Approx(lab[c]).margin(1e-3));
      }
    }
  }
}

TEST_CASE("the color grid refuses what has no color") {
  CHECK_THROWS_AS(color_grid(image<3>()), value_error);
  CHECK_THROWS_AS(color_grid(image<3>(4, 4, 1.5f)), value_error);
  CHECK_THROWS_AS(color_grid({.grid = 0}), value_error);
}

TEST_CASE("a scene descriptor is gist, then colors, with the weights of the mask in both") {
  masked_image query{test::waves(3), mask(48, 64)};
  for (int y = 0; y < 12; ++y) {
    for (int x = 0; x < 8; ++x) query.hole(y, x) = 255;  // half of cell 0
  }
  const descriptor d = scene_descriptor(query);
  CHECK(d == join(gist(query), color_grid(query)));
  REQUIRE(d.weights.size() == 32);
  CHECK(d.weights[0] == Approx(0.5f));
  CHECK(d.weights[16] == Approx(0.5f));
  CHECK(d.weights[1] == 1.0f);
  CHECK(d.blocks == scene_descriptor.blocks());
  CHECK(d.blocks[0].importance == 2.0f);
  CHECK(d.blocks[1].importance == 1.0f);
  CHECK(scene_descriptor(query.picture).values == d.values);
}

TEST_CASE("a scene descriptor passes its options on") {
  const auto other = scene_descriptor({.gist = {.side = 64, .scales = 3}, .color = {.grid = 2}});
  CHECK(other.blocks()[0].values_per_cell == 18);
  CHECK(other.blocks()[1].cells == 4);
  CHECK(other(test::waves(1)).values.size() == 16 * 18 + 4 * 3);
}

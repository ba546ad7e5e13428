#include <algorithm>
#include <cmath>
#include <limits>

#include <catch2/catch.hpp>

#include <lookalike/image/pyramid.hpp>

#include "scratch.hpp"

using namespace lookalike;

namespace {

constexpr double binomial[5] = {1 / 16.0, 4 / 16.0, 6 / 16.0, 4 / 16.0, 1 / 16.0};

int mirrored(int at, int extent) {
  if (extent == 1) return 0;
  while (at < 0 || at >= extent) at = at < 0 ? -at : 2 * extent - 2 - at;
  return at;
}

}  // namespace

TEST_CASE("half of a picture is the 5-tap binomial at every other pixel") {
  for (int height : {1, 2, 3, 8, 9}) {
    for (int width : {1, 2, 5, 16, 33}) {
      const image<3> picture =
          scratch::random_picture(height, width, static_cast<unsigned>(10 * height + width));
      const image<3> half = reduce(picture);
      REQUIRE(half.height() == (height + 1) / 2);
      REQUIRE(half.width() == (width + 1) / 2);
      for (int y = 0; y < half.height(); ++y) {
        for (int x = 0; x < half.width(); ++x) {
          for (int c = 0; c < 3; ++c) {
            double sum = 0;
            for (int i = 0; i < 5; ++i) {
              for (int j = 0; j < 5; ++j) {
                sum += binomial[i] * binomial[j] *
                       picture(mirrored(2 * y + i - 2, height), mirrored(2 * x + j - 2, width), c);
              }
            }
            REQUIRE(half(y, x, c) == Approx(sum).margin(1e-6));
          }
        }
      }
    }
  }
}

TEST_CASE(
    "known pixels of a reduced picture come from known pixels only, and no more are lost than need be") {
  for (unsigned seed = 0; seed < 300; ++seed) {
    const int height = 1 + static_cast<int>(seed % 13);
    const int width = 1 + static_cast<int>(seed % 17);
    const mask hole = scratch::random_mask(height, width, 0.03, seed);
    image<1> picture(height, width, 0.5f);
    for (std::size_t i = 0; i < hole.values().size(); ++i) {
      if (hole.values()[i] != 0) picture.values()[i] = std::numeric_limits<float>::quiet_NaN();
    }
    const image<1> half = reduce(picture);
    const mask half_hole = reduce(hole);
    REQUIRE(same_extent(half, half_hole));
    for (std::size_t i = 0; i < half.values().size(); ++i) {
      REQUIRE((half_hole.values()[i] != 0) == std::isnan(half.values()[i]));
    }
  }
}

TEST_CASE("a pyramid has the levels asked for, or ends at one pixel") {
  const auto pyramid = gaussian_pyramid(image<3>(20, 9, 0.25f), 3);
  REQUIRE(pyramid.size() == 3);
  CHECK(pyramid[2].height() == 5);
  CHECK(pyramid[2].width() == 3);
  for (const float value : pyramid[2].values()) CHECK(value == Approx(0.25f).margin(1e-7));
  const auto all = gaussian_pyramid(image<1>(20, 9), 100);
  CHECK(all.size() == 6);  // 20, 10, 5, 3, 2, 1
  CHECK(all.back().area() == 1);
  CHECK(mask_pyramid(mask(20, 9), 100).size() == all.size());
  CHECK_THROWS_AS(gaussian_pyramid(image<1>(4, 4), 0), value_error);
  CHECK(gaussian_pyramid(image<1>(), 5).size() == 1);
}

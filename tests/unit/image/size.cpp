#include <limits>
#include <random>

#include <catch2/catch.hpp>

#include <lookalike/image/size.hpp>

#include "scratch.hpp"

using namespace lookalike;

TEST_CASE("the bounding box holds every missing pixel and touches one on each side") {
  std::mt19937 random(2);
  for (int round = 0; round < 2000; ++round) {
    const mask hole =
        scratch::random_mask(1 + static_cast<int>(random() % 9), 1 + static_cast<int>(random() % 9), 0.05,
                             static_cast<unsigned>(round));
    const box found = bounding_box(hole);
    int top = 99;
    int left = 99;
    int bottom = -1;
    int right = -1;
    for (int y = 0; y < hole.height(); ++y) {
      for (int x = 0; x < hole.width(); ++x) {
        if (hole(y, x) == 0) continue;
        top = std::min(top, y);
        bottom = std::max(bottom, y);
        left = std::min(left, x);
        right = std::max(right, x);
      }
    }
    if (bottom < 0) {
      REQUIRE(found.empty());
    } else {
      REQUIRE(found == box{top, left, bottom - top + 1, right - left + 1});
    }
  }
}

TEST_CASE("a crop holds the pixels of its place") {
  const image<3> picture = scratch::random_picture(6, 8, 1);
  const image<3> part = crop(picture, 1, 2, 4, 5);
  REQUIRE(size_of(part) == image_size{4, 5});
  for (int y = 0; y < 4; ++y) {
    for (int x = 0; x < 5; ++x) {
      for (int c = 0; c < 3; ++c) CHECK(part(y, x, c) == picture(y + 1, x + 2, c));
    }
  }
  CHECK(crop(picture, {0, 0, 6, 8}) == picture);
  CHECK(crop(picture, 6, 8, 0, 0).empty());
}

TEST_CASE("a crop that is not wholly inside is a value error, for extreme numbers too") {
  const image<1> picture(6, 8);
  constexpr int most = std::numeric_limits<int>::max();
  constexpr int least = std::numeric_limits<int>::min();
  CHECK_THROWS_AS(crop(picture, -1, 0, 2, 2), value_error);
  CHECK_THROWS_AS(crop(picture, 0, -1, 2, 2), value_error);
  CHECK_THROWS_AS(crop(picture, 5, 0, 2, 2), value_error);
  CHECK_THROWS_AS(crop(picture, 0, 7, 2, 2), value_error);
  CHECK_THROWS_AS(crop(picture, 0, 0, -1, 2), value_error);
  CHECK_THROWS_AS(crop(picture, most, most, most, most), value_error);
  CHECK_THROWS_AS(crop(picture, 1, 1, most, most), value_error);
  CHECK_THROWS_AS(crop(picture, least, least, 1, 1), value_error);
  CHECK_THROWS_WITH(
      crop(picture, 5, 0, 2, 3),
      "crop: given 2x3 (height x width) at row 5, column 0, wanted a part of the picture's 6x8");
}

TEST_CASE("a fitted size fits, fills one direction and keeps proportions to half a pixel") {
  std::mt19937 random(3);
  for (int round = 0; round < 2000; ++round) {
    const auto extent = [&] { return 1 + static_cast<int>(random() % 500); };
    const image_size size{extent(), extent()};
    const image_size room{extent(), extent()};
    const image_size fitted = fitted_size(size, room);
    REQUIRE((fitted.height >= 1 && fitted.width >= 1));
    REQUIRE((fitted.height <= room.height && fitted.width <= room.width));
    REQUIRE((fitted.height == room.height || fitted.width == room.width));
    const double scale = std::min(room.height / static_cast<double>(size.height),
                                  room.width / static_cast<double>(size.width));
    REQUIRE(std::abs(fitted.height - std::max(1.0, scale * size.height)) <= 0.5);
    REQUIRE(std::abs(fitted.width - std::max(1.0, scale * size.width)) <= 0.5);
  }
  CHECK_THROWS_AS(fitted_size({0, 3}, {3, 3}), value_error);
  CHECK_THROWS_AS(fitted_size({3, 3}, {3, -1}), value_error);
}

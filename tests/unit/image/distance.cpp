#include <cmath>
#include <cstdint>
#include <limits>
#include <random>

#include <catch2/catch.hpp>

#include <lookalike/core/parallel.hpp>
#include <lookalike/image/distance.hpp>
#include <lookalike/image/size.hpp>

#include "scratch.hpp"

using namespace lookalike;

namespace {

/// The definition, over all pairs of pixels.
float nearest(const mask& hole, int y, int x) {
  double best = std::numeric_limits<double>::infinity();
  for (int row = 0; row < hole.height(); ++row) {
    for (int column = 0; column < hole.width(); ++column) {
      if (hole(row, column) != 0) best = std::min(best, std::hypot(row - y, column - x));
    }
  }
  return static_cast<float>(best);
}

}  // namespace

TEST_CASE("distances are those of the nearest missing pixel, over thousands of small masks") {
  std::mt19937 random(1);
  for (int round = 0; round < 3000; ++round) {
    const int height = 1 + static_cast<int>(random() % 12);
    const int width = 1 + static_cast<int>(random() % 12);
    const double density = std::array{0.01, 0.05, 0.3, 0.9}[static_cast<std::size_t>(round % 4)];
    const mask hole = scratch::random_mask(height, width, density, static_cast<unsigned>(round));
    const image<1> distances = distance_to(hole);
    const double radius = 0.5 * static_cast<double>(random() % 12);
    const mask grown = dilate(hole, radius);
    const mask around = band(hole, radius);
    for (int y = 0; y < height; ++y) {
      for (int x = 0; x < width; ++x) {
        const float expected = nearest(hole, y, x);
        REQUIRE(distances(y, x) == expected);
        REQUIRE(grown(y, x) == (expected <= static_cast<float>(radius) ? 255 : 0));
        REQUIRE(around(y, x) == (expected <= static_cast<float>(radius) && hole(y, x) == 0 ? 255 : 0));
      }
    }
  }
}

TEST_CASE("distances stay exact across a large picture") {
  mask hole(700, 1900);
  hole(3, 5) = 1;
  hole(698, 1890) = 9;
  hole(350, 17) = 255;
  const image<1> distances = distance_to(hole);
  for (int y = 0; y < 700; y += 23) {
    for (int x = 0; x < 1900; x += 29) {
      const double expected =
          std::min({std::hypot(y - 3, x - 5), std::hypot(y - 698, x - 1890), std::hypot(y - 350, x - 17)});
      REQUIRE(distances(y, x) == static_cast<float>(expected));
    }
  }
}

TEST_CASE("nothing missing is infinitely far, everything missing is at 0") {
  for (const float value : {distance_to(mask(4, 6))(2, 3), distance_to(mask(1, 1))(0, 0)})
    CHECK(std::isinf(value));
  CHECK(distance_to(mask(3, 3, 1)) == image<1>(3, 3));
  CHECK(distance_to(mask()).empty());
  CHECK(dilate(mask(4, 4), 1e9) == mask(4, 4));
  CHECK(dilate(mask(4, 4), std::numeric_limits<double>::infinity()) == mask(4, 4));
  CHECK(band(mask(4, 4, 1), 5) == mask(4, 4));
}

TEST_CASE("a radius of 0 keeps the hole; a negative one or NaN is a value error") {
  mask hole(5, 5);
  hole(2, 2) = 7;
  CHECK(hole_area(dilate(hole, 0)) == 1);
  CHECK(hole_area(dilate(hole, 1)) == 5);
  CHECK(hole_area(band(hole, 1)) == 4);
  CHECK_THROWS_AS(dilate(hole, -1), value_error);
  CHECK_THROWS_AS(band(hole, std::numeric_limits<double>::quiet_NaN()), value_error);
}

TEST_CASE("distances do not depend on the number of threads") {
  const mask hole = scratch::random_mask(400, 500, 0.001, 5);
  const thread_scope one(1);
  const image<1> expected = distance_to(hole);
  const thread_scope several(4);
  CHECK(distance_to(hole) == expected);
}

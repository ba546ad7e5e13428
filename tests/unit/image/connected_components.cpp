#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include <lookalike/image/connected_components.hpp>

#include "scratch.hpp"

using namespace lookalike;

namespace {

mask mask_of(const std::vector<std::string_view>& rows) {
  mask picture(static_cast<int>(rows.size()), static_cast<int>(rows.front().size()));
  for (int y = 0; y < picture.height(); ++y)
    for (int x = 0; x < picture.width(); ++x)
      picture(y, x) = rows[static_cast<std::size_t>(y)][static_cast<std::size_t>(x)] == '#' ? 255 : 0;
  return picture;
}

/// The definition: everything that can be reached from a pixel, by flooding.
component_labels flooded(const mask& foreground, connectivity neighbors) {
  component_labels result{image<1, std::int32_t>(foreground.height(), foreground.width()), 0};
  for (int y = 0; y < foreground.height(); ++y) {
    for (int x = 0; x < foreground.width(); ++x) {
      if (foreground(y, x) == 0 || result.labels(y, x) != 0) continue;
      ++result.count;
      std::vector<std::pair<int, int>> open{{y, x}};
      while (!open.empty()) {
        const auto [row, column] = open.back();
        open.pop_back();
        if (!foreground.contains(row, column) || foreground(row, column) == 0) continue;
        if (result.labels(row, column) != 0) continue;
        result.labels(row, column) = result.count;
        for (int dy = -1; dy <= 1; ++dy)
          for (int dx = -1; dx <= 1; ++dx)
            if (neighbors == connectivity::eight || dy == 0 || dx == 0)
              open.emplace_back(row + dy, column + dx);
      }
    }
  }
  return result;
}

}  // namespace

TEST_CASE("a diagonal line one pixel wide separates 4-connected regions, and joins 8-connected ones") {
  const mask picture = mask_of({"##.#",  //
                                "#.##",  //
                                ".###"});
  const component_labels four = connected_components(picture);
  CHECK(four.count == 2);
  CHECK(four.labels(0, 0) == 1);
  CHECK(four.labels(0, 3) == 2);
  CHECK(component_areas(four) == std::vector<std::int64_t>{3, 3, 6});
  const component_labels eight = connected_components(picture, connectivity::eight);
  CHECK(eight.count == 1);
}

TEST_CASE("regions whose arms meet late are one") {
  const component_labels spiral = connected_components(mask_of({"#.#.#.#",  //
                                                                "#.#.#.#",  //
                                                                "#.###.#",  //
                                                                "#.....#",  //
                                                                "#######"}));
  CHECK(spiral.count == 2);
  CHECK(spiral.labels(0, 0) == 1);
  CHECK(spiral.labels(0, 6) == 1);
  CHECK(spiral.labels(0, 2) == 2);
  CHECK(spiral.labels(0, 4) == 2);
}

TEST_CASE("regions are what flooding reaches, numbered as rows meet them") {
  for (unsigned round = 0; round < 2000; ++round) {
    const int height = 1 + static_cast<int>(round % 17);
    const int width = 1 + static_cast<int>(round / 17 % 19);
    const mask picture = scratch::random_mask(height, width, 0.2 + 0.1 * (round % 7), round);
    for (const auto neighbors : {connectivity::four, connectivity::eight}) {
      const component_labels expected = flooded(picture, neighbors);
      const component_labels found = connected_components(picture, neighbors);
      REQUIRE(found.count == expected.count);
      REQUIRE(found.labels == expected.labels);
    }
  }
}

TEST_CASE("nothing has no regions, and values within a region may differ") {
  CHECK(connected_components(mask()).count == 0);
  CHECK(connected_components(mask(4, 5)).count == 0);
  image<1, std::int32_t> values(2, 2, 7);
  values(1, 1) = -3;
  CHECK(connected_components(values).count == 1);
}

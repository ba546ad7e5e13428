#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <limits>
#include <random>
#include <vector>

#include <catch2/catch.hpp>

#include <lookalike/core/parallel.hpp>
#include <lookalike/image/border_weights.hpp>
#include <lookalike/image/read.hpp>

#include "scratch.hpp"

using namespace lookalike;

namespace {

/// Distances to all regions of a map of labels from 0 to count, over all pairs of pixels, sorted.
std::vector<double> sorted_distances(const component_labels& cells, int y, int x) {
  std::vector<double> nearest(static_cast<std::size_t>(cells.count) + 1,
                              std::numeric_limits<double>::infinity());
  for (int row = 0; row < cells.labels.height(); ++row) {
    for (int column = 0; column < cells.labels.width(); ++column) {
      double& distance = nearest[static_cast<std::size_t>(cells.labels(row, column))];
      distance = std::min(distance, std::hypot(row - y, column - x));
    }
  }
  nearest.erase(nearest.begin());  // the background
  std::sort(nearest.begin(), nearest.end());
  nearest.resize(std::max<std::size_t>(nearest.size(), 2), std::numeric_limits<double>::infinity());
  return nearest;
}

}  // namespace

TEST_CASE("distances to the two nearest regions are those over all pairs of pixels") {
  std::mt19937 random(1);
  for (unsigned round = 0; round < 500; ++round) {
    const int height = 1 + static_cast<int>(random() % 16);
    const int width = 1 + static_cast<int>(random() % 16);
    const double density = std::array{0.02, 0.1, 0.4, 0.8}[round % 4];
    component_labels cells = connected_components(scratch::random_mask(height, width, density, round));
    if (round % 3 == 0) {  // regions need not be connected: any map of labels will do
      for (std::int32_t& label : cells.labels.values())
        if (label != 0) label = 1 + label % 3;
      cells.count = 3;
    }
    const auto found = detail::distances_to_two_nearest(cells.labels);
    for (int y = 0; y < height; ++y) {
      for (int x = 0; x < width; ++x) {
        const auto expected = sorted_distances(cells, y, x);
        REQUIRE(found.nearest(y, x) == static_cast<float>(expected[0]));
        REQUIRE(found.second(y, x) == static_cast<float>(expected[1]));
      }
    }
  }
}

TEST_CASE("weights are the formula's, with distances over all pairs of pixels") {
  for (unsigned round = 0; round < 60; ++round) {
    const mask labels = scratch::random_mask(5 + static_cast<int>(round % 12), 14, 0.35, round);
    for (const auto neighbors : {connectivity::four, connectivity::eight}) {
      for (const bool inside_cells : {false, true}) {
        const image<1> weights = border_weights(labels, {.strength = 7,
                                                         .deviation = 3,
                                                         .of_classes = class_weights{0.5, 2},
                                                         .inside_cells = inside_cells,
                                                         .neighbors = neighbors});
        const component_labels cells = connected_components(labels, neighbors);
        for (int y = 0; y < labels.height(); ++y) {
          for (int x = 0; x < labels.width(); ++x) {
            const auto d = sorted_distances(cells, y, x);
            double expected = labels(y, x) != 0 ? 2 : 0.5;
            if (labels(y, x) == 0 || inside_cells)
              expected += 7 * std::exp(-(d[0] + d[1]) * (d[0] + d[1]) / (2.0 * 3 * 3));
            REQUIRE(static_cast<double>(weights(y, x)) == Approx(expected).epsilon(1e-5));
          }
        }
      }
    }
  }
}

TEST_CASE("two cells one pixel apart: the gap weighs w_c + w0 exp(-4 / 50)") {
  mask labels(3, 7, 255);
  for (int y = 0; y < 3; ++y) labels(y, 3) = 0;
  const image<1> weights = border_weights(labels);
  const double background = 21.0 / (2 * 3);  // three of 21 pixels count as much as the other 18
  const double cell = 21.0 / (2 * 18);
  for (int y = 0; y < 3; ++y) {
    CHECK(static_cast<double>(weights(y, 3)) == Approx(background + 10 * std::exp(-4.0 / 50)));
    CHECK(static_cast<double>(weights(y, 0)) == Approx(cell));
  }
}

TEST_CASE("balanced classes count alike, and a pixel counts 1 on average") {
  const mask labels = scratch::random_mask(40, 30, 0.2, 3);
  const class_weights balance = balanced_weights(labels);
  const auto cells = static_cast<double>(hole_area(labels));
  CHECK(balance.cell * cells == Approx(600));
  CHECK(balance.background * (1200 - cells) == Approx(600));
  for (const std::uint8_t value : {std::uint8_t{0}, std::uint8_t{255}}) {
    CHECK(balanced_weights(mask(4, 4, value)).background == 1);
    CHECK(balanced_weights(mask(4, 4, value)).cell == 1);
  }
}

TEST_CASE("one cell or none has no border to another") {
  mask labels(9, 9);
  CHECK(border_weights(labels, {.of_classes = class_weights{3, 4}}) == image<1>(9, 9, 3.0f));
  labels(4, 4) = 1;
  const image<1> weights = border_weights(labels, {.of_classes = class_weights{3, 4}});
  CHECK(weights(4, 4) == 4);
  CHECK(weights(4, 5) == 3);
  CHECK(border_weights(mask()).empty());
}

TEST_CASE("weights do not depend on the number of threads") {
  const mask labels = scratch::random_mask(150, 170, 0.5, 5);
  const thread_scope one(1);
  const image<1> expected = border_weights(labels);
  const thread_scope several(4);
  CHECK(border_weights(labels) == expected);
}

TEST_CASE("options of weights out of range are value errors") {
  const mask labels(4, 4);
  CHECK_THROWS_AS(border_weights(labels, {.strength = -1}), value_error);
  CHECK_THROWS_AS(border_weights(labels, {.deviation = 0}), value_error);
  CHECK_THROWS_AS(border_weights(labels, {.deviation = std::numeric_limits<double>::quiet_NaN()}),
                  value_error);
}

TEST_CASE("membranes of real sections weigh more than cells") {
  const char* const data = std::getenv("LOOKALIKE_DATA");
  const auto path = std::filesystem::path(data == nullptr ? "" : data) / "membrane" / "label" / "0.png";
  if (data == nullptr || !std::filesystem::exists(path)) {
    WARN("skipped: LOOKALIKE_DATA names no folder with membrane/label/0.png");
    return;
  }
  const mask labels = read_mask(path);
  const component_labels cells = connected_components(labels);
  CHECK(cells.count > 50);
  const image<1> weights = border_weights(labels);
  // A sample of pixels against all pairs.
  std::mt19937 random(2);
  const class_weights balance = balanced_weights(labels);
  for (int i = 0; i < 100; ++i) {
    const int y = static_cast<int>(random() % 512);
    const int x = static_cast<int>(random() % 512);
    const auto d = sorted_distances(cells, y, x);
    const double expected = labels(y, x) != 0
                                ? balance.cell
                                : balance.background + 10 * std::exp(-(d[0] + d[1]) * (d[0] + d[1]) / 50);
    REQUIRE(static_cast<double>(weights(y, x)) == Approx(expected).epsilon(1e-5));
  }
}

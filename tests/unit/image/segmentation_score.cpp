#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <limits>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include <catch2/catch.hpp>

#include <lookalike/image/read.hpp>
#include <lookalike/image/segmentation_score.hpp>

#include "scratch.hpp"

using namespace lookalike;

namespace {

mask drawn(const std::vector<std::string_view>& rows) {
  mask picture(static_cast<int>(rows.size()), static_cast<int>(rows.front().size()));
  for (int y = 0; y < picture.height(); ++y)
    for (int x = 0; x < picture.width(); ++x)
      picture(y, x) = rows[static_cast<std::size_t>(y)][static_cast<std::size_t>(x)] == '#' ? 255 : 0;
  return picture;
}

image<1, std::int32_t> random_labels(int height, int width, unsigned labels, unsigned seed) {
  image<1, std::int32_t> map(height, width);
  std::mt19937 random(seed);
  for (std::int32_t& label : map.values()) label = static_cast<std::int32_t>(random() % labels);
  return map;
}

/// The definition: all ordered pairs of pixels, each with itself too.
rand_score by_pairs(const image<1, std::int32_t>& found, const image<1, std::int32_t>& truth) {
  rand_score score;
  const auto size = truth.values().size();
  for (std::size_t i = 0; i < size; ++i) {
    for (std::size_t j = 0; j < size; ++j) {
      if (truth.values()[i] == 0 || truth.values()[j] == 0) continue;
      const bool in_truth = truth.values()[i] == truth.values()[j];
      const bool in_found = i == j || (found.values()[i] != 0 && found.values()[i] == found.values()[j]);
      score.together_in_truth += in_truth ? 1 : 0;
      score.together_in_found += in_found ? 1 : 0;
      score.together_in_both += in_truth && in_found ? 1 : 0;
    }
  }
  return score;
}

}  // namespace

TEST_CASE("the Rand score counts pairs of pixels, over thousands of small maps") {
  for (unsigned round = 0; round < 2000; ++round) {
    const int height = 1 + static_cast<int>(round % 6);
    const int width = 1 + static_cast<int>(round / 6 % 7);
    const auto truth = random_labels(height, width, 1 + round % 5, round);
    const auto found = random_labels(height, width, 1 + round / 5 % 5, round + 10000);
    const rand_score expected = by_pairs(found, truth);
    const rand_score score = compare_segments(found, truth);
    REQUIRE(score.together_in_both == expected.together_in_both);
    REQUIRE(score.together_in_found == expected.together_in_found);
    REQUIRE(score.together_in_truth == expected.together_in_truth);
  }
}

TEST_CASE("two cells merged: recall 1, precision and F-score by hand") {
  const mask truth = drawn({"####.####"});
  const mask merged = drawn({"#########"});
  const rand_score score = compare_regions(merged, truth);
  CHECK(score.together_in_truth == 32);
  CHECK(score.together_in_found == 64);  // 8 pixels: the ninth is a membrane in the truth
  CHECK(score.together_in_both == 32);
  CHECK(score.recall() == 1);
  CHECK(score.precision() == 0.5);
  CHECK(score.error() == Approx(1.0 / 3));
}

TEST_CASE("a cell split: precision 1, the pixel between alone") {
  const mask truth = drawn({"#########"});
  const mask split = drawn({"####.####"});
  const rand_score score = compare_regions(split, truth);
  CHECK(score.together_in_truth == 81);
  CHECK(score.together_in_both == 33);
  CHECK(score.together_in_found == 33);
  CHECK(score.precision() == 1);
  CHECK(score.recall() == Approx(33.0 / 81));
  CHECK(score.f_score() == Approx(66.0 / 114));
}

TEST_CASE("the same regions have no error, however they are numbered") {
  const mask cells = scratch::random_mask(30, 40, 0.5, 1);
  CHECK(compare_regions(cells, cells).error() == 0);
  auto labels = connected_components(cells).labels;
  const auto same = labels;
  for (std::int32_t& label : labels.values())
    if (label != 0) label = 1000 - label;
  CHECK(compare_segments(labels, same).error() == 0);
  CHECK(compare_regions(cells, mask(30, 40)).error() == 0);  // nothing to be right about
  CHECK(compare_regions(drawn({"#.", ".#"}), drawn({"#.", ".#"}), connectivity::eight).together_in_both == 4);
  CHECK(compare_regions(drawn({"#.", ".#"}), drawn({"#.", ".#"})).together_in_both == 2);
}

TEST_CASE("pixel error and intersection over union by hand") {
  const mask truth = drawn({"##..", "##.."});
  const mask found = drawn({".##.", ".##."});
  CHECK(pixel_error(found, truth) == 0.5);
  CHECK(intersection_over_union(found, truth) == Approx(2.0 / 6));
  CHECK(pixel_error(truth, truth) == 0);
  CHECK(intersection_over_union(truth, truth) == 1);
  CHECK(intersection_over_union(mask(2, 2), mask(2, 2)) == 1);
  CHECK(pixel_error(mask(2, 2, 1), mask(2, 2, 255)) == 0);
}

TEST_CASE("the best threshold is the first with the least mean error over sections") {
  // The membrane in the middle shows at levels of 0.4 or more in the first section, 0.6 or more in the
  // second; at 0.8 the first section's left cell is lost.
  const auto section = [](float left, float membrane) {
    image<1> cells(1, 5, left);
    cells(0, 2) = membrane;
    cells(0, 3) = cells(0, 4) = 0.95f;
    return cells;
  };
  const std::vector<image<1>> cells{section(0.7f, 0.4f), section(0.9f, 0.6f)};
  const std::vector<mask> truths(2, drawn({"##.##"}));
  const std::vector<double> levels{0.2, 0.41, 0.61, 0.65, 0.8};
  const best_score rand = best_rand_error(cells, truths, levels);
  CHECK(rand.error == 0);
  CHECK(rand.level == 0.61);
  const best_score pixels = best_pixel_error(cells, truths, levels);
  CHECK(pixels.error == 0);
  CHECK(pixels.level == 0.61);

  const std::vector<double> low{0.2, 0.41};
  // Merged: 4 pixels of 16 pairs found, 8 true. One of the sections at 0.41, both at 0.2.
  CHECK(best_rand_error(cells, truths, low).error == Approx(0.5 * (1 - 2.0 * 8 / (8 + 16))));
  CHECK(best_pixel_error(cells, truths, low).error == Approx(0.1));
  CHECK(best_pixel_error(cells, truths, low).level == 0.41);
  const std::vector<double> high{0.8};
  CHECK(best_pixel_error(cells, truths, high).error == Approx(0.2));
  // The lost cell's two pixels are alone: 2 x 1 + 4 pairs of 8.
  CHECK(best_rand_error(cells, truths, high).error == Approx(0.5 * (1 - 2.0 * 6 / (6 + 8))));
}

TEST_CASE("thresholds keep what is above, and levels leave out the ends") {
  image<1> values(1, 4);
  values(0, 0) = 0.5f;
  values(0, 1) = 0.50001f;
  values(0, 2) = std::numeric_limits<float>::quiet_NaN();
  values(0, 3) = 1;
  const mask above = threshold(values, 0.5);
  CHECK(std::vector<std::uint8_t>(above.values().begin(), above.values().end()) ==
        std::vector<std::uint8_t>{0, 255, 0, 255});
  const auto levels = threshold_levels(9);
  REQUIRE(levels.size() == 9);
  CHECK(levels.front() == Approx(0.1));
  CHECK(levels.back() == Approx(0.9));
}

TEST_CASE("maps of different extents or numbers, and nothing to compare, are value errors") {
  CHECK_THROWS_AS(pixel_error(mask(2, 3), mask(3, 2)), value_error);
  CHECK_THROWS_AS(pixel_error(mask(), mask()), value_error);
  CHECK_THROWS_AS(intersection_over_union(mask(2, 3), mask(3, 2)), value_error);
  CHECK_THROWS_AS(compare_regions(mask(2, 3), mask(3, 2)), value_error);
  const std::vector<image<1>> cells{image<1>(2, 2)};
  const std::vector<mask> truths{mask(2, 2)};
  const std::vector<mask> none;
  const auto levels = threshold_levels(3);
  CHECK_THROWS_AS(best_rand_error(cells, none, levels), value_error);
  CHECK_THROWS_AS(best_rand_error(cells, truths, std::vector<double>{}), value_error);
  CHECK_THROWS_AS(best_pixel_error(std::vector<image<1>>{}, none, levels), value_error);
  CHECK_THROWS_AS(best_pixel_error(std::vector<image<1>>{image<1>(2, 1)}, truths, levels), value_error);
}

TEST_CASE("real sections: the truth has no error, a section's own darkness has some") {
  const char* const data = std::getenv("LOOKALIKE_DATA");
  const auto folder = std::filesystem::path(data == nullptr ? "" : data) / "membrane";
  if (data == nullptr || !std::filesystem::exists(folder / "label" / "24.png")) {
    WARN("skipped: LOOKALIKE_DATA names no folder with membrane/label/24.png");
    return;
  }
  const std::vector<mask> truths{read_mask(folder / "label" / "24.png"),
                                 read_mask(folder / "label" / "25.png")};
  std::vector<image<1>> perfect;
  for (const mask& truth : truths) perfect.push_back(to_float(truth));
  const auto levels = threshold_levels(9);
  CHECK(best_rand_error(perfect, truths, levels).error == 0);
  CHECK(best_pixel_error(perfect, truths, levels).error == 0);
  std::vector<image<1>> gray;
  for (const std::string name : {"24.png", "25.png"}) {
    const image<3> picture = read_image(folder / "image" / name);
    image<1> one(picture.height(), picture.width());
    for (std::size_t i = 0; i < one.values().size(); ++i) one.values()[i] = picture.values()[3 * i];
    gray.push_back(one);
  }
  const best_score rand = best_rand_error(gray, truths, levels);
  CHECK(rand.error > 0.1);
  CHECK(rand.error < 1);
  CHECK(best_pixel_error(gray, truths, levels).error < 0.3);
}

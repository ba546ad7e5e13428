#include <cmath>
#include <cstdint>
#include <limits>
#include <numbers>
#include <vector>

#include <catch2/catch.hpp>

#include <lookalike/apps/scaling_curve.hpp>
#include <lookalike/core/parallel.hpp>
#include <lookalike/core/random.hpp>

namespace {

using namespace lookalike;

/// Uniform on a torus of `dimension` circles, in 2 * dimension coordinates.
tensor<float> torus(std::int64_t count, int dimension, std::uint64_t seed) {
  tensor<float> points(count, 2 * dimension);
  random_sequence random(seed);
  for (std::int64_t n = 0; n < count; ++n) {
    for (int axis = 0; axis < dimension; ++axis) {
      const double angle = random.uniform(0, 2 * std::numbers::pi);
      points(n, 2 * axis) = static_cast<float>(std::cos(angle));
      points(n, 2 * axis + 1) = static_cast<float>(std::sin(angle));
    }
  }
  return points;
}

}  // namespace

TEST_CASE("points on a torus of D dimensions: the slope is -1/D, and the dimension D") {
  for (const int dimension : {2, 3}) {
    INFO("dimension " << dimension);
    const tensor<float> points = torus(8000, dimension, 1), queries = torus(400, dimension, 2);
    const scaling_curve curve = measure_scaling(
        points, queries, {}, {.sizes = {500, 1000, 2000, 4000, 8000}, .k = 20, .bootstrap = 200});
    const interval slope = curve.slope(), found = curve.dimension(), likely = curve.likelihood_dimension();
    CHECK(slope.value == Approx(-1.0 / dimension).epsilon(0.1));
    CHECK(found.value == Approx(dimension).epsilon(0.1));
    CHECK(likely.value == Approx(dimension).epsilon(0.1));
    CHECK(found.value == Approx(-1 / slope.value));
    for (const interval& each : {slope, found, likely}) {
      CHECK(each.lower <= each.value);
      CHECK(each.value <= each.upper);
      CHECK(each.upper - each.lower < 0.5 * std::abs(each.value));
    }
    CHECK(curve.deviation() < 0.05);
    CHECK(std::isnan(curve.values(scaling_measure::hit)[0].value));
    CHECK(std::isnan(curve.values(scaling_measure::score)[0].value));

    // The law predicts what a larger collection really gives.
    const double twice =
        curve.values(scaling_measure::distance).back().value * std::pow(0.5, 1.0 / dimension);
    const needed_pictures needed = curve.pictures_needed(scaling_measure::distance, twice);
    CHECK(needed.pictures.value == Approx(16000).epsilon(0.15));
    CHECK(needed.pictures.lower < needed.pictures.value);
    CHECK(needed.pictures.value < needed.pictures.upper);
    CHECK_FALSE(needed.measured);
    CHECK(needed.extrapolation == Approx(needed.pictures.value / 8000));
    CHECK(needed.notice.find("extrapolated by a factor of") == 0);
  }
}

TEST_CASE("distance, correlation, hits and votes are those of plain searches") {
  const std::int64_t count = 300, queries = 50;
  random_sequence random(3);
  tensor<float> rows(count, 12), sought(queries, 12);
  for (float& value : rows) value = static_cast<float>(random.normal());
  for (float& value : sought) value = static_cast<float>(random.normal());
  std::vector<int> labels, wanted;
  for (std::int64_t i = 0; i < count; ++i) labels.push_back(static_cast<int>(random.integer(4)));
  for (std::int64_t i = 0; i < queries; ++i) wanted.push_back(static_cast<int>(random.integer(4)));
  const scaling_options options{.sizes = {20, 300}, .k = 5, .repetitions = 2, .bootstrap = 50, .seed = 8};
  const scaling_curve curve = measure_scaling(rows, sought, {labels, wanted}, options);

  const auto orders = nested_orders(count, {.repetitions = 2, .shuffle = true, .seed = 8});
  for (std::size_t s = 0; s < 2; ++s) {
    double squared = 0, correlation = 0, hits = 0, right = 0;
    for (const auto& order : orders) {
      for (std::int64_t q = 0; q < queries; ++q) {
        std::vector<std::pair<double, std::int64_t>> found;
        for (std::int64_t i = 0; i < options.sizes[s]; ++i) {
          const std::int64_t row = order[static_cast<std::size_t>(i)];
          double d = 0;
          for (std::int64_t j = 0; j < 12; ++j)
            d += std::pow(static_cast<double>(rows(row, j)) - static_cast<double>(sought(q, j)), 2);
          found.emplace_back(d, row);
        }
        std::sort(found.begin(), found.end());
        matches nearest;
        nearest.count = 5;
        for (std::size_t i = 0; i < 5; ++i) nearest.ids.push_back(found[i].second);
        double ab = 0, aa = 0, bb = 0;
        for (std::int64_t j = 0; j < 12; ++j) {
          const double a = static_cast<double>(sought(q, j)),
                       b = static_cast<double>(rows(found[0].second, j));
          ab += a * b, aa += a * a, bb += b * b;
        }
        squared += found[0].first;
        correlation += ab / std::sqrt(aa * bb);
        const int label = wanted[static_cast<std::size_t>(q)];
        bool hit = false;
        for (const auto id : nearest.ids) hit = hit || labels[static_cast<std::size_t>(id)] == label;
        hits += hit ? 1 : 0;
        right += vote(nearest, labels) == label ? 1 : 0;
      }
    }
    CHECK(curve.values(scaling_measure::distance)[s].value == Approx(std::sqrt(squared / 100)).epsilon(1e-6));
    CHECK(curve.values(scaling_measure::correlation)[s].value == Approx(correlation / 100).epsilon(1e-6));
    CHECK(curve.values(scaling_measure::hit)[s].value == Approx(hits / 100));
    CHECK(curve.values(scaling_measure::score)[s].value == Approx(right / 100));
  }

  const thread_scope one(1);
  const scaling_curve again = measure_scaling(rows, sought, {labels, wanted}, options);
  CHECK(again.slope().lower == curve.slope().lower);
  const auto sizes = measure_scaling(rows, sought, {}, {.k = 5, .bootstrap = 0}).sizes();
  CHECK(sizes == std::vector<std::int64_t>{18, 37, 75, 150, 300});
  CHECK(again.values(scaling_measure::score)[0].upper == curve.values(scaling_measure::score)[0].upper);
}

TEST_CASE("the interval of a mean is as wide as its standard error says") {
  // Scores of 0 and 1, known to the bootstrap through 400 queries: 1.96 sqrt(p (1 - p) / 400) to each side.
  const tensor<float> points = torus(64, 2, 5), queries = torus(400, 2, 6);
  const scaling_score third = [](std::int64_t first, auto, auto, std::span<double> scores) {
    for (std::size_t i = 0; i < scores.size(); ++i)
      scores[i] = (static_cast<std::size_t>(first) + i) % 4 == 0 ? 1 : 0;
  };
  const scaling_curve curve =
      measure_scaling(points, queries, {}, {.sizes = {64}, .k = 1, .bootstrap = 4000}, third);
  const interval score = curve.values(scaling_measure::score)[0];
  const double error = 1.96 * std::sqrt(0.25 * 0.75 / 400);
  CHECK(score.value == Approx(0.25));
  CHECK(score.value - score.lower == Approx(error).epsilon(0.1));
  CHECK(score.upper - score.value == Approx(error).epsilon(0.1));
}

TEST_CASE("a target is read off where it was measured, and said to be out of reach where it is") {
  scaling_curve::measurements measured;
  measured.sizes = {100, 1000, 10000};
  measured.means = {
      std::vector<double>{1, 0.5, 0.25}, {0.5, 0.875, 0.96875}, {0.2, 0.4, 0.6}, {0.5, 0.5, 0.5}};
  const scaling_curve curve(measured);
  CHECK(curve.slope().value == Approx(-std::log10(2)));
  const auto needed = [&](scaling_measure measure, double target) {
    return curve.pictures_needed(measure, target);
  };
  CHECK(needed(scaling_measure::distance, 0.5).pictures.value == Approx(1000));
  CHECK(needed(scaling_measure::distance, 0.5).notice == "measured");
  CHECK(needed(scaling_measure::distance, 2).pictures.value == 100);
  CHECK(needed(scaling_measure::distance, 2).notice == "reached at the smallest measured size already");
  CHECK(needed(scaling_measure::distance, 0.125).pictures.value == Approx(100000));
  CHECK(needed(scaling_measure::distance, 0.125).extrapolation == Approx(10));
  CHECK(needed(scaling_measure::correlation, 1 - 0.125 * 0.125 / 2).pictures.value == Approx(100000));
  CHECK(needed(scaling_measure::hit, 0.5).pictures.value == Approx(std::pow(10, 3.5)));
  CHECK(needed(scaling_measure::hit, 0.8).pictures.value == Approx(100000));
  for (const auto& never : {needed(scaling_measure::distance, 0), needed(scaling_measure::correlation, 1),
                            needed(scaling_measure::score, 0.6)}) {
    CHECK(std::isinf(never.pictures.value));
    CHECK(never.notice == "not reachable: by the fitted line no number of pictures is enough");
  }
  CHECK_THROWS_AS(needed(scaling_measure::distance, -1), value_error);
  CHECK_THROWS_AS(needed(scaling_measure::correlation, 1.1), value_error);
  CHECK_THROWS_AS(needed(scaling_measure::score, std::numeric_limits<double>::quiet_NaN()), value_error);
}

TEST_CASE("queries in the collection leave themselves out as near duplicates; bad questions are errors") {
  const tensor<float> points = torus(500, 2, 7);
  const scaling_options options{.sizes = {500}, .repetitions = 1, .bootstrap = 10};
  CHECK(measure_scaling(points, points, {}, options).values(scaling_measure::distance)[0].value == 0);
  scaling_options guarded = options;
  guarded.near_duplicates = 1 - 1e-7;
  CHECK(measure_scaling(points, points, {}, guarded).values(scaling_measure::distance)[0].value > 0.01);
  guarded.near_duplicates = -1;
  CHECK_THROWS_AS(measure_scaling(points, points, {}, guarded), value_error);
  CHECK_THROWS_AS(measure_scaling(points, tensor<float>(), {}, options), value_error);
  const std::vector<int> few{1, 2};
  CHECK_THROWS_AS(measure_scaling(points, points, {few, few}, options), value_error);
  CHECK_THROWS_AS(measure_scaling(points, points, {}, {.sizes = {501}}), value_error);
  CHECK_THROWS_AS(measure_scaling(points, points, {}, {.bootstrap = -1}), value_error);
  CHECK_THROWS_AS(measure_scaling(points, points, {}, {.confidence = 1}), value_error);
  const scaling_score nothing = [](auto, auto, auto, std::span<double> scores) {
    for (double& each : scores) each = std::numeric_limits<double>::quiet_NaN();
  };
  CHECK_THROWS_AS(measure_scaling(points, points, {}, options, nothing), value_error);
}

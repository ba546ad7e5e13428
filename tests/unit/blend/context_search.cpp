#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include <catch2/catch.hpp>

#include <lookalike/blend/context_search.hpp>
#include <lookalike/image/size.hpp>

#include "scenes.hpp"

namespace {

using namespace lookalike;

using scenes::box_hole;

image<3> random_scene(int height, int width, unsigned seed) {
  return scenes::random_lab(height, width, seed);
}

image<3> window(const image<3>& scene, int top, int left, int height, int width) {
  return crop(scene, top, left, height, width);
}

// The definition, in double precision, without runs, tables or vectors.
double slow_error(const image<3>& query, const image<3>& candidate, const mask& hole, float radius,
                  translation at, double* scale = nullptr) {
  double sum = 0;
  for (int y = 0; y < query.height(); ++y) {
    for (int x = 0; x < query.width(); ++x) {
      if (hole(y, x) != 0 || !candidate.contains(y - at.y, x - at.x)) continue;
      double nearest = std::numeric_limits<double>::infinity();
      for (int v = 0; v < hole.height(); ++v) {
        for (int u = 0; u < hole.width(); ++u) {
          if (hole(v, u) != 0) nearest = std::min(nearest, std::hypot(v - y, u - x));
        }
      }
      if (nearest > radius) continue;
      for (int c = 0; c < 3; ++c) {
        const double q = query(y, x, c), a = candidate(y - at.y, x - at.x, c);
        sum += (q - a) * (q - a);
        if (scale != nullptr) *scale += q * q + a * a;
      }
    }
  }
  return sum;
}

}  // namespace

TEST_CASE("the direct context error is its definition") {
  const image<3> query = random_scene(40, 53, 1);
  const image<3> candidate = random_scene(36, 47, 2);
  const mask hole = box_hole(40, 53, 0, 20, 17, 33);  // touches the border
  const context_band band(hole, 9.5f);
  for (const translation at : {translation{0, 0}, {3, 5}, {-7, 11}, {-19, -14}, {38, 50}, {60, 0}}) {
    CHECK(context_error(query, candidate, band, at) ==
          Approx(slow_error(query, candidate, hole, 9.5f, at)).epsilon(1e-5));
  }
}

TEST_CASE("Fourier and direct context errors agree to 1e-4 of the squares they are made of") {
  for (unsigned seed = 0; seed < 8; ++seed) {
    std::mt19937 random(seed);
    const auto between = [&random](int low, int high) {
      return std::uniform_int_distribution(low, high)(random);
    };
    const int height = between(30, 70), width = between(30, 90);
    const image<3> query = random_scene(height, width, seed + 10);
    const image<3> candidate = random_scene(between(20, 80), between(20, 100), seed + 20);
    const int top = between(0, height / 2), left = between(0, width / 2);
    const mask hole = box_hole(height, width, top, left, top + between(3, 12), left + between(3, 12));
    const context_band band(hole, 12);
    const translation_range range{-candidate.height() + 5, height - 5, -candidate.width() + 5, width - 5};
    const image<1> errors = context_errors_by_fourier(query, candidate, band, range);
    REQUIRE(errors.height() == range.height());
    REQUIRE(errors.width() == range.width());
    double squares = 0;
    for (const context_band::run& run : band.runs()) {
      for (int x = run.begin; x < run.end; ++x) {
        for (int c = 0; c < 3; ++c) squares += 2.0 * query(run.y, x, c) * query(run.y, x, c);
      }
    }
    double worst = 0;
    for (int y = range.top; y <= range.bottom; ++y) {
      for (int x = range.left; x <= range.right; ++x) {
        const double fast = errors(y - range.top, x - range.left);
        CHECK(fast >= 0);
        worst = std::max(worst, std::abs(fast - context_error(query, candidate, band, {y, x})));
      }
    }
    CHECK(worst <= 1e-4 * squares);
  }
}

TEST_CASE("area inside a rectangle counts band pixels") {
  const mask hole = box_hole(30, 40, 10, 12, 18, 30);
  const context_band band(hole, 6);
  std::int64_t total = 0;
  mask members(30, 40);
  for (const context_band::run& run : band.runs()) {
    for (int x = run.begin; x < run.end; ++x) members(run.y, x) = 1, ++total;
  }
  CHECK(total == band.area());
  CHECK(members(3, 20) == 0);
  CHECK(members(4, 20) == 1);
  CHECK(members(10, 12) == 0);
  for (int y = -5; y < 32; y += 3) {
    for (int x = -7; x < 43; x += 5) {
      std::int64_t count = 0;
      for (int v = std::max(y, 0); v < std::min(y + 11, 30); ++v) {
        for (int u = std::max(x, 0); u < std::min(x + 17, 40); ++u) count += members(v, u);
      }
      CHECK(band.area_inside(y, x, 11, 17) == count);
    }
  }
}

TEST_CASE("every algorithm finds a planted window where it was planted") {
  const image<3> scene = random_scene(260, 330, 5);
  const image<3> query = window(scene, 20, 30, 220, 280);
  for (const auto& [top, left] : {std::pair{60, 90}, {0, 100}, {150, 200}}) {
    const mask hole = box_hole(220, 280, top, left, top + 70, left + 80);
    for (const translation planted : {translation{-20, -30}, {-7, -13}, {0, 0}}) {
      const image<3> candidate =
          window(scene, 20 + planted.y, 30 + planted.x, 260 - 20 - planted.y, 330 - 30 - planted.x);
      for (const context_algorithm algorithm :
           {context_algorithm::coarse_to_fine, context_algorithm::fourier, context_algorithm::direct}) {
        const context_query prepared(query, hole, 20, {.algorithm = algorithm});
        const auto place = prepared.search(candidate);
        REQUIRE(place.has_value());
        CHECK(place->at == planted);
        CHECK(place->error == Approx(0).margin(0.05));
      }
    }
  }
}

TEST_CASE("coarse to fine nearly always reaches the exhaustive optimum on unrelated scenes") {
  int within = 0, count = 0;
  for (unsigned seed = 0; seed < 12; ++seed) {
    const image<3> query = random_scene(150, 200, 100 + seed);
    const image<3> candidate = random_scene(170, 190, 200 + seed);
    const mask hole = box_hole(150, 200, 50, 70, 100, 130);
    const auto fast = context_query(query, hole, 25, {}).search(candidate);
    const auto full =
        context_query(query, hole, 25, {.algorithm = context_algorithm::direct}).search(candidate);
    REQUIRE(fast.has_value());
    REQUIRE(full.has_value());
    CHECK(fast->cost >= full->cost * 0.999);
    within += fast->cost <= full->cost * 1.02 ? 1 : 0;
    ++count;
  }
  CHECK(within >= count - 1);
}

TEST_CASE("the candidate covers the hole and enough of the band, or has no place") {
  const image<3> query = random_scene(100, 100, 1);
  const mask hole = box_hole(100, 100, 30, 30, 70, 70);
  const context_query prepared(query, hole, 20);
  CHECK_FALSE(prepared.search(random_scene(39, 100, 2)).has_value());
  CHECK_FALSE(prepared.search(random_scene(45, 45, 2)).has_value());
  const auto place = prepared.search(random_scene(80, 78, 2));
  REQUIRE(place.has_value());
  CHECK(prepared.allows(place->at, 80, 78));
  CHECK(place->at.y <= 30);
  CHECK(place->at.y + 80 >= 70);
  for (int height = 60; height < 90; ++height) {  // found whenever there is one
    bool any = false;
    for (int y = -100; y < 100; ++y) {
      for (int x = -100; x < 100; ++x) any = any || prepared.allows({y, x}, height, 77);
    }
    CHECK(prepared.search(random_scene(height, 77, 3)).has_value() == any);
  }
}

TEST_CASE("a hole without a band has no place to compare") {
  image<3> query = random_scene(20, 20, 1);
  mask hole(20, 20, 1);
  hole(0, 0) = 0;
  for (int i = 1; i < 20; ++i) CHECK_NOTHROW(context_query(query, hole, 3));
}

TEST_CASE("what lies in the hole is never read") {
  image<3> query = random_scene(90, 90, 1);
  const mask hole = box_hole(90, 90, 30, 30, 60, 60);
  const image<3> candidate = random_scene(90, 90, 2);
  const auto before = context_query(query, hole, 20).search(candidate);
  for (std::size_t i = 0; i < hole.values().size(); ++i) {
    if (hole.values()[i] != 0) query.values()[3 * i] = std::numeric_limits<float>::quiet_NaN();
  }
  const auto after = context_query(query, hole, 20).search(candidate);
  REQUIRE(before.has_value());
  REQUIRE(after.has_value());
  CHECK(before->at == after->at);
  CHECK(before->cost == after->cost);
}

TEST_CASE("offsets cost as much as the options say") {
  const image<3> query = random_scene(100, 100, 1);
  const mask hole = box_hole(100, 100, 40, 40, 60, 60);
  const image<3> candidate = random_scene(120, 110, 2);
  const auto penalty = [&](double offset_scale) {
    const auto place = context_query(query, hole, 20, {.offset_scale = offset_scale}).search(candidate);
    REQUIRE(place.has_value());
    return std::pair(place->cost / place->error, place->offset);
  };
  const auto [ours, offset] = penalty(100);
  CHECK(ours == Approx(1 + offset / 100));
  CHECK(penalty(std::numeric_limits<double>::infinity()).first == Approx(1));
  const auto [published, zero] = penalty(0);
  CHECK(published == Approx(zero).margin(1e-9));
}

TEST_CASE("context search refuses what makes no sense") {
  const image<3> query(20, 30);
  const mask hole = box_hole(20, 30, 5, 5, 10, 10);
  CHECK_THROWS_AS(context_query(query, mask(20, 31), 5), value_error);
  CHECK_THROWS_AS(context_query(query, mask(20, 30), 5), value_error);
  CHECK_THROWS_AS(context_query(query, mask(20, 30, 1), 5), value_error);
  CHECK_THROWS_AS(context_query(query, hole, 0), value_error);
  CHECK_THROWS_AS(context_query(query, hole, std::numeric_limits<float>::quiet_NaN()), value_error);
  CHECK_THROWS_AS(context_query(query, hole, 5, {.coverage = 0}), value_error);
  CHECK_THROWS_AS(context_query(query, hole, 5, {.offset_scale = -1}), value_error);
}

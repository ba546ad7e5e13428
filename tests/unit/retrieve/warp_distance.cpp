#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include <lookalike/core/random.hpp>
#include <lookalike/retrieve/shift_distance.hpp>
#include <lookalike/retrieve/tiny_image.hpp>
#include <lookalike/retrieve/warp_distance.hpp>

namespace {

using namespace lookalike;

/// Smooth random planes: waves of several directions, normalized as tiny images are.
std::vector<float> scene(std::uint64_t seed, const planes_extent& extent = {}, int waves = 12) {
  random_sequence random(seed);
  std::vector<float> values(static_cast<std::size_t>(extent.size()), 0.0f);
  for (int wave = 0; wave < waves; ++wave) {
    const double fy = random.uniform(-0.45, 0.45), fx = random.uniform(-0.45, 0.45);
    const double phase = random.uniform(0, 6.28);
    const double falloff = 1 / (0.1 + fy * fy + fx * fx);
    for (int p = 0; p < extent.planes; ++p) {
      const double strength = falloff * random.normal();
      for (int y = 0; y < extent.height; ++y)
        for (int x = 0; x < extent.width; ++x)
          values[static_cast<std::size_t>((p * extent.height + y) * extent.width + x)] +=
              static_cast<float>(strength * std::cos(fy * y + fx * x + phase));
    }
  }
  normalize_picture(values);
  return values;
}

double ssd(std::span<const float> a, std::span<const float> b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    sum += (static_cast<double>(a[i]) - static_cast<double>(b[i])) *
           (static_cast<double>(a[i]) - static_cast<double>(b[i]));
  }
  return sum;
}

/// D_shift of an already warped picture, as its definition says.
double shifted_ssd(std::span<const float> a, std::span<const float> b, int window,
                   const planes_extent& extent) {
  double total = 0;
  const auto at = [&](std::span<const float> of, int p, int y, int x) {
    y = std::clamp(y, 0, extent.height - 1);
    x = std::clamp(x, 0, extent.width - 1);
    return static_cast<double>(of[static_cast<std::size_t>((p * extent.height + y) * extent.width + x)]);
  };
  for (int y = 0; y < extent.height; ++y) {
    for (int x = 0; x < extent.width; ++x) {
      double least = std::numeric_limits<double>::infinity();
      for (int dy = -window; dy <= window; ++dy) {
        for (int dx = -window; dx <= window; ++dx) {
          double sum = 0;
          for (int p = 0; p < extent.planes; ++p) {
            const double difference = at(a, p, y, x) - at(b, p, y + dy, x + dx);
            sum += difference * difference;
          }
          least = std::min(least, sum);
        }
      }
      total += least;
    }
  }
  return total;
}

}  // namespace

TEST_CASE("no distance is above the one that allows less, and each is what its warp gives") {
  for (const planes_extent extent : {planes_extent{}, planes_extent{1, 28, 28}, planes_extent{2, 12, 17}}) {
    for (std::uint64_t seed = 0; seed < 40; ++seed) {
      const auto a = scene(2 * seed, extent), b = scene(2 * seed + 1, extent);
      const double plain = ssd(a, b);
      const warp_match warp = warp_distance(a, b, {}, extent);
      const warp_match shift = shift_distance(a, b, {}, extent);
      INFO("seed " << seed << ", " << extent.height << " x " << extent.width);
      CHECK(warp.squared_distance <= plain * (1 + 1e-6));
      CHECK(shift.squared_distance <= warp.squared_distance);
      const auto moved = warped(b, warp.warp, extent);
      CHECK(warp.squared_distance == Approx(ssd(a, moved)).epsilon(1e-4));
      CHECK(shift.squared_distance == Approx(shifted_ssd(a, moved, 2, extent)).epsilon(1e-4));
      CHECK(std::abs(warp.warp.down) <= 3);
      CHECK(std::abs(warp.warp.right) <= 3);
      CHECK(warp.warp.scale <= 1.2001f);
      CHECK(warp.warp.scale >= 0.8333f);
    }
  }
}

TEST_CASE("a planted warp is recovered") {
  random_sequence random(5);
  int recovered = 0;
  constexpr int count = 60;
  for (int i = 0; i < count; ++i) {
    const auto b = scene(1000 + static_cast<std::uint64_t>(i));
    const picture_warp planted{static_cast<float>(random.uniform(-2.8, 2.8)),
                               static_cast<float>(random.uniform(-2.8, 2.8)),
                               static_cast<float>(random.uniform(0.86, 1.17)), i % 2 == 1};
    const auto a = warped(b, planted);
    const warp_match found = warp_distance(a, b);
    const bool right = found.warp.mirrored == planted.mirrored &&
                       std::abs(found.warp.down - planted.down) < 0.05f &&
                       std::abs(found.warp.right - planted.right) < 0.05f &&
                       std::abs(found.warp.scale - planted.scale) < 0.01f;
    recovered += right ? 1 : 0;
    if (right) CHECK(found.squared_distance < 1e-3f);
    CHECK(shift_distance(a, b).squared_distance <= found.squared_distance);
  }
  CHECK(recovered >= count - 1);
}

TEST_CASE("whole translations and mirroring alone are recovered exactly") {
  const auto b = scene(77);
  for (const picture_warp planted : {picture_warp{0, 0, 1, true}, picture_warp{3, 0, 1, false},
                                     picture_warp{0, -3, 1, true}, picture_warp{-2, 1, 1, false}}) {
    const warp_match found = warp_distance(warped(b, planted), b);
    CHECK(found.warp.mirrored == planted.mirrored);
    CHECK(found.warp.down == Approx(planted.down).margin(0.01));
    CHECK(found.warp.right == Approx(planted.right).margin(0.01));
    CHECK(found.warp.scale == Approx(1).margin(0.002));
    CHECK(found.squared_distance < 1e-5f);
  }
  const warp_match same = warp_distance(b, b);
  CHECK(same.squared_distance == 0);
  CHECK(same.warp.scale == 1);
  CHECK_FALSE(same.warp.mirrored);
}

TEST_CASE("what is not allowed is not done") {
  const auto b = scene(8);
  const auto a = warped(b, {2, -2, 1.1f, true});
  const warp_match still = warp_distance(a, b, {.translation = 0, .scale = 1, .mirror = false});
  CHECK(still.squared_distance == Approx(ssd(a, b)).epsilon(1e-5));
  const warp_match moved = warp_distance(a, b, {.scale = 1});
  CHECK(moved.warp.scale == 1);
  CHECK(moved.squared_distance < still.squared_distance);
  CHECK_FALSE(warp_distance(a, b, {.mirror = false}).warp.mirrored);
  CHECK(shift_distance(a, b, {.window = 0}).squared_distance ==
        Approx(warp_distance(a, b).squared_distance).margin(1e-6));
}

TEST_CASE("pixels shift by themselves, each as far as the window reaches") {
  // Two planes whose halves moved in different directions: no warp explains that, shifts do.
  const auto b = scene(31);
  const auto left = warped(b, {0, 2, 1, false}), right = warped(b, {1, -2, 1, false});
  std::vector<float> a = left;
  for (std::size_t i = 0; i < a.size(); ++i)
    if (i % 32 >= 16) a[i] = right[i];
  const warp_options still{.translation = 0, .scale = 1, .mirror = false};
  CHECK(shift_distance(a, b, {.window = 2, .warp = still}).squared_distance < 1e-6f);
  CHECK(shift_distance(a, b, {.window = 1, .warp = still}).squared_distance > 1e-3f);
}

TEST_CASE("constant pictures, and what cannot be compared") {
  const std::vector<float> zero(3072, 0.0f);
  const auto a = scene(3);
  CHECK(warp_distance(zero, zero).squared_distance == 0);
  CHECK(warp_distance(a, zero).squared_distance == Approx(1).epsilon(1e-5));
  CHECK(shift_distance(zero, a).squared_distance <= 1.0001f);
  auto broken = a;
  broken[7] = std::numeric_limits<float>::quiet_NaN();
  CHECK_THROWS_WITH(warp_distance(a, broken),
                    "warp_distance: given a number that is not finite, wanted finite ones");
  broken[7] = std::numeric_limits<float>::infinity();
  CHECK_THROWS_AS(shift_distance(broken, a), value_error);
  CHECK_THROWS_WITH(warp_distance(a, std::vector<float>(10)),
                    "warp_distance: given a picture of 10 numbers, wanted 3 x 32 x 32");
  CHECK_THROWS_AS(warp_distance(a, a, {.translation = -1}), value_error);
  CHECK_THROWS_AS(warp_distance(a, a, {.scale = 0.8f}), value_error);
  CHECK_THROWS_AS(shift_distance(a, a, {.window = 9}), value_error);
  CHECK_THROWS_AS(warp_distance({}, {}, {}, {3, 0, 0}), value_error);
  CHECK_THROWS_AS(warped(a, {.scale = 0}), value_error);
}

#include <cmath>
#include <limits>
#include <random>
#include <string>

#include <catch2/catch.hpp>

#include <lookalike/image/poisson_equation.hpp>

#include "direct_poisson.hpp"

using namespace lookalike;

namespace {

template <int Channels>
image<Channels> noise(int height, int width, float low, float high, std::mt19937& chance) {
  image<Channels> picture(height, width);
  for (float& v : picture.values()) {
    v = low + (high - low) * static_cast<float>(chance() % 65536u) / 65536.0f;
  }
  return picture;
}

template <class Inside>
mask where(int height, int width, const Inside& inside) {
  mask result(height, width);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) result(y, x) = inside(y, x) ? 1 : 0;
  }
  return result;
}

/// Largest difference from the direct solution, and the range of that.
struct deviation {
  double error = 0;
  double range = 0;
};

template <int Channels>
deviation against_direct(const image<Channels>& picture, const image<Channels>& f, const mask& unknown,
                         const poisson_equation_options& options = {}) {
  image<Channels> u = picture;
  for (std::size_t i = 0; i < u.values().size(); ++i) {
    if (unknown.values()[i / Channels] != 0) u.values()[i] = 0.3f;
  }
  const image<Channels> before = u;
  solve_poisson(u, f, unknown, options);
  const auto truth = test::direct_poisson<Channels>(
      unknown, [&](int y, int x, int c) { return double{picture(y, x, c)}; },
      [&](int y, int x, int c) { return -double{f(y, x, c)}; }, [](int, int) { return 0.0; });
  deviation found;
  for (std::size_t i = 0; i < u.values().size(); ++i) {
    if (unknown.values()[i / Channels] == 0) {
      REQUIRE(u.values()[i] == before.values()[i]);
    } else {
      found.error = std::max(found.error, std::abs(u.values()[i] - truth.values()[i]));
      found.range = std::max(found.range, std::abs(truth.values()[i] - 0.3));
    }
  }
  return found;
}

}  // namespace

TEST_CASE("the solution equals a direct one in double precision on domains of any shape",
          "[image][poisson_equation]") {
  std::mt19937 chance(1);
  struct domain {
    std::string name;
    int height, width;
    mask unknown;
  };
  std::vector<domain> domains;
  const auto add = [&](const char* name, int height, int width, const auto& inside) {
    domains.push_back({name, height, width, where(height, width, inside)});
  };
  add("one pixel", 20, 30, [](int y, int x) { return y == 5 && x == 7; });
  add("one pixel in the corner", 20, 30, [](int y, int x) { return y == 19 && x == 29; });
  add("rectangle", 120, 161, [](int y, int x) { return y > 20 && y < 90 && x > 31 && x < 130; });
  add("disk at the border", 130, 100, [](int y, int x) { return std::hypot(y - 3, x - 95) < 60; });
  add("annulus", 100, 100, [](int y, int x) { return std::abs(std::hypot(y - 50, x - 50) - 30) < 8; });
  add("lines a pixel wide", 90, 110, [](int y, int x) { return (y % 7 == 3 && x % 50 != 0) || x == 13; });
  add("diagonal", 64, 64, [](int y, int x) { return y == x || y == x + 1; });
  add("scattered", 80, 90, [&](int, int) { return chance() % 2u == 0; });
  add("islands of the known", 100, 130, [&](int, int) { return chance() % 400u != 0; });
  add("all but one pixel", 70, 90, [](int y, int x) { return y != 20 || x != 30; });
  add("all but the border", 101, 75, [](int y, int x) { return y > 0 && x > 0 && y < 100 && x < 74; });
  add("one row", 1, 300, [](int, int x) { return x > 3 && x < 290; });
  add("one column to its end", 300, 1, [](int y, int) { return y > 3; });
  add("a comb", 60, 80, [](int y, int x) { return y == 30 || (x % 2 == 0 && y > 5 && y < 55); });

  for (const domain& d : domains) {
    INFO(d.name);
    const image<3> picture = noise<3>(d.height, d.width, 0, 1, chance);
    const deviation membrane = against_direct(picture, image<3>(d.height, d.width), d.unknown);
    CHECK(membrane.error < 1e-4 * membrane.range);
    const image<3> f = noise<3>(d.height, d.width, -0.1f, 0.1f, chance);
    const deviation loaded = against_direct(picture, f, d.unknown);
    CHECK(loaded.error < 1e-4 * loaded.range);
  }
}

TEST_CASE("a stricter tolerance gives a smaller error", "[image][poisson_equation]") {
  std::mt19937 chance(2);
  const mask unknown = where(200, 240, [](int y, int x) { return std::hypot(y - 100, x - 110) < 80; });
  const image<1> picture = noise<1>(200, 240, 0, 1, chance), f = noise<1>(200, 240, -0.1f, 0.1f, chance);
  const deviation loose = against_direct(picture, f, unknown, {.tolerance = 0.1});
  const deviation usual = against_direct(picture, f, unknown);
  const deviation strict = against_direct(picture, f, unknown, {.tolerance = 1e-6});
  CHECK(loose.error > 10 * usual.error);
  CHECK(usual.error < 5e-5 * usual.range);
  CHECK(strict.error < 2e-6 * strict.range);
}

TEST_CASE("the solution does not depend on the scale of values", "[image][poisson_equation]") {
  std::mt19937 chance(3);
  const mask unknown = where(60, 60, [](int y, int x) { return y > 10 && x > 10 && y < 50; });
  image<1> u = noise<1>(60, 60, 0, 1, chance), f = noise<1>(60, 60, -1, 1, chance);
  image<1> large = u, large_f = f;
  for (float& v : large.values()) v *= 4096;
  for (float& v : large_f.values()) v *= 4096;
  solve_poisson(u, f, unknown);
  solve_poisson(large, large_f, unknown);
  for (std::size_t i = 0; i < u.values().size(); ++i) REQUIRE(large.values()[i] == 4096 * u.values()[i]);
}

TEST_CASE("without known pixels the mean stays, and f counts less its mean", "[image][poisson_equation]") {
  // The truth: the same equation with one pixel held, shifted to the same mean.
  std::mt19937 chance(4);
  const int height = 50, width = 67;
  const image<1> start = noise<1>(height, width, 0, 1, chance), f = noise<1>(height, width, 0, 0.2f, chance);
  image<1> u = start;
  solve_poisson(u, f, mask(height, width, 1));
  double mean_f = 0, mean_start = 0, mean_truth = 0;
  for (float v : f.values()) mean_f += v / static_cast<double>(f.area());
  for (float v : start.values()) mean_start += v / static_cast<double>(f.area());
  const mask all_but_one = where(height, width, [](int y, int x) { return y + x > 0; });
  const auto truth = test::direct_poisson<1>(
      all_but_one, [](int, int, int) { return 0.0; },
      [&](int y, int x, int) { return mean_f - double{f(y, x)}; }, [](int, int) { return 0.0; });
  for (double v : truth.values()) mean_truth += v / static_cast<double>(f.area());
  double error = 0, range = 0;
  for (std::size_t i = 0; i < u.values().size(); ++i) {
    const double wanted = truth.values()[i] - mean_truth + mean_start;
    error = std::max(error, std::abs(u.values()[i] - wanted));
    range = std::max(range, std::abs(wanted));
  }
  CHECK(error < 1e-4 * range);
}

TEST_CASE("nothing unknown, a lone pixel and a perfect guess change nothing", "[image][poisson_equation]") {
  std::mt19937 chance(5);
  const image<3> picture = noise<3>(20, 20, 0, 1, chance), f = noise<3>(20, 20, 0, 1, chance);
  image<3> u = picture;
  solve_poisson(u, f, mask(20, 20));
  CHECK(u == picture);
  image<1> lone(1, 1, 0.25f);
  solve_poisson(lone, image<1>(1, 1, 3.0f), mask(1, 1, 1));
  CHECK(lone(0, 0) == 0.25f);
  image<1> plane(30, 30);
  for (int y = 0; y < 30; ++y) {
    for (int x = 0; x < 30; ++x) plane(y, x) = static_cast<float>(2 * x - 3 * y);
  }
  const image<1> before = plane;
  solve_poisson(plane, image<1>(30, 30),
                where(30, 30, [](int y, int x) { return y > 3 && x > 3 && y < 26 && x < 26; }));
  CHECK(plane == before);
}

TEST_CASE("the result is the same for any number of threads", "[image][poisson_equation]") {
  std::mt19937 chance(6);
  const mask unknown = where(150, 170, [](int y, int x) { return std::hypot(y - 70, x - 80) < 60; });
  const image<3> picture = noise<3>(150, 170, 0, 1, chance), f = noise<3>(150, 170, -0.1f, 0.1f, chance);
  image<3> alone = picture, together = picture;
  {
    const thread_scope one(1);
    solve_poisson(alone, f, unknown);
  }
  {
    const thread_scope three(3);
    solve_poisson(together, f, unknown);
  }
  CHECK(alone == together);
}

TEST_CASE("bad input to solve_poisson is refused", "[image][poisson_equation]") {
  image<1> u(8, 9, 0.5f);
  const image<1> f(8, 9);
  const mask unknown = where(8, 9, [](int y, int x) { return y == 4 && x > 2; });
  CHECK_THROWS_AS(solve_poisson(u, image<1>(8, 8), unknown), value_error);
  CHECK_THROWS_AS(solve_poisson(u, f, mask(9, 9)), value_error);
  CHECK_THROWS_AS(solve_poisson(u, f, unknown, {.tolerance = 0}), value_error);
  CHECK_THROWS_AS(solve_poisson(u, f, unknown, {.tolerance = std::nan("")}), value_error);
  CHECK_THROWS_AS(solve_poisson(u, f, unknown, {.iterations = 0}), value_error);
  u(3, 4) = std::numeric_limits<float>::quiet_NaN();
  CHECK_THROWS_AS(solve_poisson(u, f, unknown), value_error);
  u(3, 4) = 0.9f;
  CHECK_THROWS_AS(solve_poisson(u, f, unknown, {.tolerance = 1e-6, .iterations = 1}), error);
}

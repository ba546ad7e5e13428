#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>

#include <catch2/catch.hpp>

#include <lookalike/inpaint/harmonic.hpp>

#include "../image/direct_poisson.hpp"

using namespace lookalike;

namespace {

template <class Inside>
mask where(int height, int width, const Inside& inside) {
  mask result(height, width);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) result(y, x) = inside(y, x) ? 1 : 0;
  }
  return result;
}

template <int Channels>
image<Channels> noise(int height, int width, std::mt19937& chance) {
  image<Channels> picture(height, width);
  for (float& v : picture.values()) v = static_cast<float>(chance() % 65536u) / 65535.0f;
  return picture;
}

template <int Channels>
void forget(image<Channels>& picture, const mask& hole) {
  for (std::size_t i = 0; i < picture.values().size(); ++i) {
    if (hole.values()[i / Channels] != 0) picture.values()[i] = std::numeric_limits<float>::quiet_NaN();
  }
}

}  // namespace

TEST_CASE("harmonic polynomials are reproduced inside the picture", "[inpaint][harmonic]") {
  const int height = 70, width = 90;
  for (const double scale : {1.0, 1e-3, 1000.0}) {
    image<5> truth(height, width);
    double range[5] = {};
    for (int y = 0; y < height; ++y) {
      for (int x = 0; x < width; ++x) {
        const double u = (x - 40) / 45.0, v = (y - 30) / 45.0;
        const double values[5] = {0.7, u, v, u * v, u * u - v * v};
        for (int c = 0; c < 5; ++c) {
          truth(y, x, c) = static_cast<float>(scale * values[c]);
          range[c] = std::max(range[c], std::abs(scale * values[c]));
        }
      }
    }
    for (const mask& hole :
         {where(height, width, [](int y, int x) { return y > 0 && x > 0 && y < 69 && x < 89; }),
          where(height, width, [](int y, int x) { return std::hypot(y - 35, x - 40) < 30; }),
          where(height, width,
                [](int y, int x) { return (y / 9 + x / 9) % 2 == 0 && y % 69 > 0 && x % 89 > 0; }),
          where(height, width, [](int y, int x) { return y == 20 && x > 5 && x < 80; })}) {
      image<5> given = truth;
      forget(given, hole);
      const image<5> filled = harmonic_fill(given, hole, {.tolerance = 1e-6});
      const image<5> usual = harmonic_fill(given, hole);
      for (int y = 0; y < height; ++y) {
        for (int x = 0; x < width; ++x) {
          for (int c = 0; c < 5; ++c) {
            REQUIRE(std::abs(filled(y, x, c) - truth(y, x, c)) <= 1e-5 * range[c]);
            REQUIRE(std::abs(usual(y, x, c) - truth(y, x, c)) <= 1e-4 * range[c]);
            if (c == 0) REQUIRE(filled(y, x, c) == truth(y, x, c));  // a constant to the bit
          }
        }
      }
    }
  }
}

TEST_CASE("filling equals a direct solution, keeps known pixels and never reads the hole",
          "[inpaint][harmonic]") {
  std::mt19937 chance(1);
  const int height = 90, width = 110;
  image<3> picture = noise<3>(height, width, chance);
  for (const mask& hole : {where(height, width, [](int y, int x) { return y > 30 && y < 70 && x < 50; }),
                           where(height, width, [](int y, int x) { return y < 20 || x > 100; }),
                           where(height, width, [&](int, int) { return chance() % 3u == 0; }),
                           where(height, width, [](int y, int x) { return y != 89 || x != 0; })}) {
    const auto truth = test::direct_poisson<3>(
        hole, [&](int y, int x, int c) { return double{picture(y, x, c)}; },
        [](int, int, int) { return 0.0; }, [](int, int) { return 0.0; });
    image<3> given = picture;
    forget(given, hole);
    const image<3> filled = harmonic_fill(given, hole);
    for (std::size_t i = 0; i < filled.values().size(); ++i) {
      if (hole.values()[i / 3] == 0) {
        REQUIRE(filled.values()[i] == picture.values()[i]);
      } else {
        REQUIRE(std::abs(filled.values()[i] - truth.values()[i]) < 1e-4);
      }
    }
  }
}

TEST_CASE("no filled value leaves the range of those around the hole", "[inpaint][harmonic]") {
  std::mt19937 chance(2);
  for (int round = 0; round < 20; ++round) {
    image<1> picture(40, 50);
    for (float& v : picture.values()) v = chance() % 2u == 0 ? 0.0f : 1.0f;
    const unsigned share = 20u + 50u * static_cast<unsigned>(round);  // of a thousand
    const mask hole = where(40, 50, [&](int y, int x) {
      return y + x > 0 && (chance() % 1000u < share || std::hypot(y - 20, x - 25) < round);
    });
    const image<1> filled = harmonic_fill(picture, hole);
    const auto [low, high] = std::minmax_element(filled.values().begin(), filled.values().end());
    CHECK(*low >= 0.0f);
    CHECK(*high <= 1.0f);
  }
}

TEST_CASE("nothing flows across the picture's border", "[inpaint][harmonic]") {
  // A hole that spans the height between two columns: a ramp, the same in every row.
  image<1> picture(13, 21);
  for (int y = 0; y < 13; ++y) picture(y, 20) = 1;
  const mask hole = where(13, 21, [](int, int x) { return x > 0 && x < 20; });
  const image<1> filled = harmonic_fill(picture, hole);
  for (int y = 0; y < 13; ++y) {
    for (int x = 0; x < 21; ++x) CHECK(filled(y, x) == Approx(x / 20.0).margin(1e-5));
  }
  // A strip that ends at the border takes the value it starts from.
  const mask strip = where(13, 21, [](int y, int) { return y > 4; });
  const image<1> even = harmonic_fill(image<1>(13, 21, 0.3f), strip);
  CHECK(even == image<1>(13, 21, 0.3f));
}

TEST_CASE("holes apart from each other are filled as if alone", "[inpaint][harmonic]") {
  std::mt19937 chance(3);
  const image<3> picture = noise<3>(60, 80, chance);
  const mask left = where(60, 80, [](int y, int x) { return std::hypot(y - 30, x - 20) < 15; });
  const mask right = where(60, 80, [](int y, int x) { return std::hypot(y - 25, x - 60) < 12; });
  mask both = left;
  for (std::size_t i = 0; i < both.values().size(); ++i) both.values()[i] |= right.values()[i];
  const image<3> one = harmonic_fill(picture, left), two = harmonic_fill(picture, right);
  const image<3> all = harmonic_fill(picture, both);
  for (std::size_t i = 0; i < all.values().size(); ++i) {
    const float wanted = left.values()[i / 3] != 0 ? one.values()[i] : two.values()[i];
    REQUIRE(std::abs(all.values()[i] - wanted) < 1e-4f);
  }
}

TEST_CASE("bad input to harmonic_fill is refused", "[inpaint][harmonic]") {
  image<3> picture(6, 7, 0.5f);
  mask hole(6, 7);
  CHECK_THROWS_AS(harmonic_fill(picture, hole), value_error);
  CHECK_THROWS_AS(harmonic_fill(picture, mask(6, 7, 1)), value_error);
  CHECK_THROWS_AS(harmonic_fill(picture, mask(7, 6, 1)), value_error);
  CHECK_THROWS_AS(harmonic_fill(image<3>(), mask()), value_error);
  hole(2, 3) = 1;
  picture(2, 4, 1) = std::numeric_limits<float>::infinity();
  CHECK_THROWS_WITH(harmonic_fill(picture, hole), Catch::Contains("(2, 4)"));
}

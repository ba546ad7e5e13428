#include <array>
#include <cmath>
#include <random>
#include <vector>

#include <catch2/catch.hpp>

#include <lookalike/image/color_noise.hpp>

#include "scratch.hpp"

using namespace lookalike;

namespace {

double dot(const std::array<double, 3>& a, const std::array<double, 3>& b) {
  return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

/// Pictures whose colors vary a lot along gray, less from blue to red, and not at all otherwise.
std::vector<image<3>> pictures() {
  std::mt19937 engine(1);
  std::normal_distribution<double> normal;
  std::vector<image<3>> result;
  for (const int width : {30, 50}) {
    image<3> picture(40, width);
    for (int y = 0; y < 40; ++y) {
      for (int x = 0; x < width; ++x) {
        const double gray = 0.5 + 0.1 * normal(engine);
        const double difference = 0.03 * normal(engine);
        picture(y, x, 0) = static_cast<float>(gray + difference);
        picture(y, x, 1) = static_cast<float>(gray);
        picture(y, x, 2) = static_cast<float>(gray - difference);
      }
    }
    result.push_back(picture);
  }
  return result;
}

}  // namespace

TEST_CASE("components are orthonormal, explain the variance along them, and no other, largest first") {
  const auto colors = pictures();
  const color_components components = principal_colors(colors);
  for (std::size_t i = 0; i < 3; ++i) {
    for (std::size_t j = 0; j < 3; ++j)
      CHECK(dot(components.directions[i], components.directions[j]) == Approx(i == j ? 1 : 0).margin(1e-9));
    // The variance of the colors' projections, in a second pass.
    double sum = 0, squares = 0, count = 0;
    for (const image<3>& picture : colors) {
      for (std::size_t p = 0; p < picture.values().size(); p += 3) {
        double projection = 0;
        for (std::size_t c = 0; c < 3; ++c)
          projection += components.directions[i][c] * (static_cast<double>(picture.values()[p + c]) - 0.5);
        sum += projection;
        squares += projection * projection;
        ++count;
      }
    }
    const double variance = squares / count - sum / count * sum / count;
    CHECK(components.variances[i] == Approx(variance).margin(1e-9));
  }
  for (const double part : components.directions[0]) CHECK(part == Approx(1 / std::sqrt(3)).epsilon(0.02));
  CHECK(components.variances[0] == Approx(3 * 0.01).epsilon(0.1));
  CHECK(components.variances[1] == Approx(2 * 0.0009).epsilon(0.1));
  CHECK(components.variances[2] == Approx(0).margin(1e-9));
}

TEST_CASE("noise is normal along the components, in proportion to their variances") {
  const color_components components{{{{1, 0, 0}, {0, 0.6, 0.8}, {0, -0.8, 0.6}}}, {0.5, 0.2, 0.1}};
  random_sequence random(2);
  std::array<double, 3> squares{};
  double mixed = 0;
  constexpr int draws = 20000;
  for (int i = 0; i < draws; ++i) {
    const auto color = draw_color_noise(components, random, 0.1);
    std::array<double, 3> along{};
    for (std::size_t k = 0; k < 3; ++k) {
      along[k] = dot(components.directions[k], color);
      squares[k] += along[k] * along[k] / draws;
    }
    mixed += along[0] * along[1] / draws;
  }
  CHECK(std::sqrt(squares[0]) == Approx(0.05).epsilon(0.03));
  CHECK(std::sqrt(squares[1]) == Approx(0.02).epsilon(0.03));
  CHECK(std::sqrt(squares[2]) == Approx(0.01).epsilon(0.03));
  CHECK(mixed == Approx(0).margin(4e-5));
}

TEST_CASE("all pixels of a picture get the same color") {
  const image<3> picture = scratch::random_picture(6, 7, 3);
  const color_components components = principal_colors(pictures());
  random_sequence first(4);
  random_sequence second(4);
  const image<3> noisy = color_noise(picture, components, first);
  const auto color = draw_color_noise(components, second);
  CHECK(first == second);
  for (int y = 0; y < 6; ++y)
    for (int x = 0; x < 7; ++x)
      for (int c = 0; c < 3; ++c)
        CHECK(
            static_cast<double>(noisy(y, x, c)) ==
            Approx(static_cast<double>(picture(y, x, c)) + color[static_cast<std::size_t>(c)]).margin(1e-6));
  CHECK(color_noise(picture, components, first, 0) == picture);
}

TEST_CASE("no pixels have no components, and deviations are not negative") {
  CHECK_THROWS_AS(principal_colors(std::vector<image<3>>{}), value_error);
  CHECK_THROWS_AS(principal_colors(std::vector<image<3>>(2)), value_error);
  random_sequence random;
  CHECK_THROWS_AS(draw_color_noise({}, random, -1), value_error);
}

#include <algorithm>
#include <cmath>
#include <cstddef>

#include <catch2/catch.hpp>

#include <lookalike/core/random.hpp>
#include <lookalike/image/l_alpha_beta.hpp>

using namespace lookalike;

namespace {

image<3> random_colors(int height, int width) {
  image<3> picture(height, width);
  random_sequence random(4);
  for (float& value : picture.values()) value = static_cast<float>(random.uniform());
  return picture;
}

/// Equations 4 to 6 of Reinhard et al. 2001 in double precision.
std::array<double, 3> by_definition(const float* rgb) {
  const double m[3][3] = {{0.3811, 0.5783, 0.0402}, {0.1967, 0.7244, 0.0782}, {0.0241, 0.1288, 0.8444}};
  double lms[3];
  for (int i = 0; i < 3; ++i)
    lms[i] = std::log10(std::max(m[i][0] * rgb[0] + m[i][1] * rgb[1] + m[i][2] * rgb[2], 1.0 / 1024));
  return {(lms[0] + lms[1] + lms[2]) / std::sqrt(3.0), (lms[0] + lms[1] - 2 * lms[2]) / std::sqrt(6.0),
          (lms[0] - lms[1]) / std::sqrt(2.0)};
}

}  // namespace

TEST_CASE("l, alpha and beta are those of the definition, black included") {
  image<3> picture = random_colors(19, 23);
  for (int c = 0; c < 3; ++c) picture(5, 7, c) = 0;
  const image<3> converted = rgb_to_l_alpha_beta(picture);
  double most = 0;
  for (std::ptrdiff_t i = 0; i < picture.area(); ++i) {
    const auto expected = by_definition(picture.data() + 3 * i);
    for (std::ptrdiff_t c = 0; c < 3; ++c)
      most = std::max(most, std::abs(converted.data()[3 * i + c] - expected[static_cast<std::size_t>(c)]));
  }
  CHECK(most < 1e-5);
}

TEST_CASE("l, alpha and beta lead back to the picture") {
  const image<3> picture = random_colors(31, 33);
  const image<3> back = l_alpha_beta_to_rgb(rgb_to_l_alpha_beta(picture));
  for (std::size_t i = 0; i < back.values().size(); ++i)
    REQUIRE(back.values()[i] == Approx(picture.values()[i]).margin(1e-4));
}

TEST_CASE("gray has hardly any alpha and beta") {
  const image<3> gray(3, 5, 0.4f);
  for (const float value : {rgb_to_l_alpha_beta(gray)(1, 1, 1), rgb_to_l_alpha_beta(gray)(1, 1, 2)})
    CHECK(std::abs(value) < 2e-3);
}

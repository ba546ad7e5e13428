#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <catch2/catch.hpp>

#include <lookalike/core/random.hpp>
#include <lookalike/image/chroma.hpp>

using namespace lookalike;

namespace {

image<3> random_lab(int height, int width, std::uint64_t seed, double reach) {
  image<3> lab(height, width);
  random_sequence random(seed);
  for (std::ptrdiff_t i = 0; i < lab.area(); ++i) {
    lab.data()[3 * i] = static_cast<float>(random.uniform(0, 100));
    lab.data()[3 * i + 1] = static_cast<float>(random.uniform(-reach, reach));
    lab.data()[3 * i + 2] = static_cast<float>(random.uniform(-reach, reach));
  }
  return lab;
}

/// Linear sRGB of a color, in double precision, by the definition (CIE 1976, IEC 61966-2-1).
std::array<double, 3> linear_rgb(double l, double a, double b) {
  const auto inverse = [](double t) { return t > 0.2068966 ? t * t * t : (t - 16.0 / 116.0) / 7.787; };
  const double y = (l + 16) / 116;
  const double xyz[] = {0.95047 * inverse(y + a / 500), inverse(y), 1.08883 * inverse(y - b / 200)};
  const double m[3][3] = {{3.24048134, -1.53715152, -0.49853633},
                          {-0.96925495, 1.87599, 0.04155593},
                          {0.05564664, -0.20404134, 1.05731107}};
  std::array<double, 3> rgb{};
  for (std::size_t i = 0; i < 3; ++i)
    for (std::size_t j = 0; j < 3; ++j) rgb[i] += m[i][j] * xyz[j];
  return rgb;
}

/// Within the gamut, but for a part of the largest channel.
bool is_shown(double l, double a, double b, double tolerance) {
  const auto rgb = linear_rgb(l, a, b);
  const auto [least, most] = std::minmax_element(rgb.begin(), rgb.end());
  return *least >= -tolerance * (*most + 0.005) && *most <= 1 + tolerance;
}

}  // namespace

TEST_CASE("limited chroma keeps lightness bit for bit, and hue") {
  const image<3> lab = random_lab(37, 53, 1, 130);
  const image<3> limited = limit_chroma(lab);
  CHECK(lightness_of_lab(limited) == lightness_of_lab(lab));
  int changed = 0;
  for (std::ptrdiff_t i = 0; i < lab.area(); ++i) {
    const float* before = lab.data() + 3 * i;
    const float* after = limited.data() + 3 * i;
    const double factor = std::hypot(after[1], after[2]) / std::hypot(before[1], before[2]);
    CHECK(after[1] == Approx(factor * before[1]).margin(1e-4));
    CHECK(after[2] == Approx(factor * before[2]).margin(1e-4));
    CHECK(is_shown(after[0], after[1], after[2], 3e-4));
    if (factor < 1) {
      ++changed;  // and no more than needed: a little more would be too much
      const double more = 1 + 2.0 / 4096 / std::max(factor, 1.0 / 4096);
      CHECK(!is_shown(after[0], more * after[1], more * after[2], 1e-4));
    } else {
      CHECK(before[1] == after[1]);
    }
  }
  CHECK(changed > lab.area() / 2);
  CHECK(changed < lab.area());
}

TEST_CASE("colors of 8-bit sRGB pass the limit bit for bit") {
  // All colors with channels in steps of 15, and those at the faces of the cube in steps of 3.
  std::vector<float> values;
  for (int r = 0; r < 256; r += 15)
    for (int g = 0; g < 256; g += 15)
      for (int b = 0; b < 256; b += 15)
        for (const int v : {r, g, b}) values.push_back(static_cast<float>(v) / 255);
  for (int u = 0; u < 256; u += 3)
    for (int v = 0; v < 256; v += 3)
      for (const int face : {0, 255})
        for (int axis = 0; axis < 3; ++axis) {
          const int color[] = {axis == 0 ? face : u,
                               axis == 1   ? face
                               : axis == 0 ? u
                                           : v,
                               axis == 2 ? face : v};
          for (const int c : color) values.push_back(static_cast<float>(c) / 255);
        }
  image<3> rgb(1, static_cast<int>(values.size() / 3));
  std::copy(values.begin(), values.end(), rgb.values().begin());
  const image<3> lab = rgb_to_lab(rgb);
  CHECK(limit_chroma(lab) == lab);
}

TEST_CASE("lightness survives sRGB, as floats and as bytes") {
  const image<3> lab = limit_chroma(random_lab(300, 400, 2, 120));
  const image<3> rgb = lab_to_rgb(lab);
  const image<1> wanted = lightness_of_lab(lab);
  const image<1> as_floats = lightness(rgb);
  const image<1> as_bytes = lightness(to_float(to_bytes(rgb)));
  double most_as_floats = 0, most_as_bytes = 0, sum = 0;
  for (std::size_t i = 0; i < wanted.values().size(); ++i) {
    const double l = wanted.values()[i];
    most_as_floats = std::max(most_as_floats, std::abs(as_floats.values()[i] - l));
    most_as_bytes = std::max(most_as_bytes, std::abs(as_bytes.values()[i] - l));
    sum += std::abs(as_bytes.values()[i] - l);
  }
  INFO("floats " << most_as_floats << ", bytes " << most_as_bytes << ", mean "
                 << sum / static_cast<double>(wanted.area()));
  CHECK(most_as_floats < 0.05);
  CHECK(most_as_bytes < 0.3);
  CHECK(sum / static_cast<double>(wanted.area()) < 0.08);
}

TEST_CASE("a gray picture goes through lightness and back") {
  image<3> gray(16, 16);
  for (std::size_t i = 0; i < gray.values().size(); ++i) gray.values()[i] = static_cast<float>(i / 3) / 255;
  CHECK(to_bytes(gray_picture(lightness(gray))) == to_bytes(gray));
  CHECK(mean_chroma(rgb_to_lab(gray)) < 0.01);
}

TEST_CASE("lightness and chroma are what a picture is made of") {
  const image<3> lab = random_lab(9, 11, 3, 80);
  CHECK(with_chroma(lightness_of_lab(lab), chroma_of_lab(lab)) == lab);
  CHECK_THROWS_AS(with_chroma(image<1>(2, 3), image<2>(3, 2)), value_error);
  CHECK(mean_chroma(image<3>()) == 0);
  image<3> one(1, 1);
  one(0, 0, 1) = 3;
  one(0, 0, 2) = -4;
  CHECK(mean_chroma(one) == Approx(5));
}

TEST_CASE("what no color can be becomes gray, and NaN stays") {
  image<3> lab(1, 3);
  lab(0, 0, 0) = 120;
  lab(0, 0, 1) = 10;
  lab(0, 1, 0) = 0;
  lab(0, 1, 2) = -40;
  lab(0, 2, 0) = NAN;
  const image<3> limited = limit_chroma(lab);
  CHECK(limited(0, 0, 0) == 120);
  CHECK(limited(0, 0, 1) == 0);
  CHECK(std::abs(limited(0, 1, 2)) < 1);
  CHECK(std::isnan(limited(0, 2, 0)));
}

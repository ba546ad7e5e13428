#include <array>
#include <cmath>
#include <limits>
#include <vector>

#include <catch2/catch.hpp>

#include <lookalike/core/parallel.hpp>
#include <lookalike/image/color.hpp>

#include "reference.hpp"
#include "scratch.hpp"

using namespace lookalike;

namespace {

using triple = std::array<double, 3>;

/// The definitions, in double precision: IEC 61966-2-1 and CIE 15, with scikit-image's digits.
double linear_of(double value) {
  return value > 0.04045 ? std::pow((value + 0.055) / 1.055, 2.4) : value / 12.92;
}
double srgb_of(double value) {
  return value > 0.0031308 ? 1.055 * std::pow(value, 1 / 2.4) - 0.055 : value * 12.92;
}
double curve(double t) {
  return t > 0.008856 ? std::cbrt(t) : 7.787 * t + 16.0 / 116;
}
triple lab_of(const triple& rgb) {
  const double r = linear_of(rgb[0]);
  const double g = linear_of(rgb[1]);
  const double b = linear_of(rgb[2]);
  const double x = curve((0.412453 * r + 0.357580 * g + 0.180423 * b) / 0.95047);
  const double y = curve(0.212671 * r + 0.715160 * g + 0.072169 * b);
  const double z = curve((0.019334 * r + 0.119193 * g + 0.950227 * b) / 1.08883);
  return {116 * y - 16, 500 * (x - y), 200 * (y - z)};
}

/// A picture of one row with the given colors.
template <std::size_t Count>
image<3> colors(const float (&values)[Count]) {
  image<3> picture(1, Count / 3);
  std::copy(std::begin(values), std::end(values), picture.values().begin());
  return picture;
}

}  // namespace

TEST_CASE("L*a*b* agrees with scikit-image, both ways") {
  const image<3> lab = rgb_to_lab(colors(reference::rgb));
  CHECK(scratch::largest_difference(lab.values(), reference::lab) < 1e-4);
  const image<3> rgb = lab_to_rgb(colors(reference::any_lab));
  CHECK(scratch::largest_difference(rgb.values(), reference::any_rgb) < 1e-5);
}

TEST_CASE("gray agrees with scikit-image") {
  const image<1> gray = rgb_to_gray(colors(reference::rgb));
  CHECK(scratch::largest_difference(gray.values(), reference::gray) < 1e-6);
}

TEST_CASE("L*a*b* of a grid of all colors is within 1e-4 of double precision, and leads back") {
  constexpr int step = 3;  // 86 levels a channel
  double worst = 0;
  double worst_back = 0;
  for (int red = 0; red < 256; red += step) {
    image<3> picture(86, 86);
    for (int i = 0; i < 86; ++i) {
      for (int j = 0; j < 86; ++j) {
        picture(i, j, 0) = static_cast<float>(red) / 255.0f;
        picture(i, j, 1) = static_cast<float>(step * i) / 255.0f;
        picture(i, j, 2) = static_cast<float>(step * j) / 255.0f;
      }
    }
    const image<3> lab = rgb_to_lab(picture);
    const image<3> back = lab_to_rgb(lab);
    worst_back = std::max(worst_back, scratch::largest_difference(back.values(), picture.values()));
    for (int i = 0; i < 86; ++i) {
      for (int j = 0; j < 86; ++j) {
        const triple expected = lab_of({picture(i, j, 0), picture(i, j, 1), picture(i, j, 2)});
        for (std::size_t c = 0; c < 3; ++c) {
          worst = std::max(worst, std::abs(lab(i, j, static_cast<int>(c)) - expected[c]));
        }
      }
    }
  }
  CHECK(worst < 1e-4);
  CHECK(worst_back < 2e-5);
}

TEST_CASE("linear light is within float precision of the definition, through the knee and beyond 1") {
  image<1> picture(1, 20001);
  for (int i = 0; i <= 20000; ++i) picture(0, i) = static_cast<float>(i) / 16000.0f;
  const image<1> linear = srgb_to_linear(picture);
  const image<1> srgb = linear_to_srgb(picture);
  for (int i = 0; i <= 20000; ++i) {
    const double value = picture(0, i);
    const double expected = linear_of(value);
    REQUIRE(std::abs(linear(0, i) - expected) <= 1e-6 * expected + 1e-9);
    REQUIRE(std::abs(srgb(0, i) - srgb_of(value)) <= 1e-6);
    REQUIRE(std::abs(srgb_to_linear(picture(0, i)) - expected) <= 1e-6 * expected + 1e-9);
    REQUIRE(std::abs(linear_to_srgb(picture(0, i)) - srgb_of(value)) <= 1e-6);
  }
}

TEST_CASE("white, black and gray are where they should be") {
  const auto white = rgb_to_lab(std::array{1.0f, 1.0f, 1.0f});
  CHECK(white[0] == Approx(100).margin(1e-4));
  CHECK(std::abs(white[1]) < 0.01f);
  CHECK(std::abs(white[2]) < 0.01f);
  CHECK(rgb_to_lab(std::array{0.0f, 0.0f, 0.0f})[0] == Approx(0).margin(1e-4));
  CHECK(rgb_to_lab(std::array{0.5f, 0.5f, 0.5f})[0] == Approx(53.389).margin(1e-2));
}

TEST_CASE("one color converts to the same bits as within a picture, at any place and size") {
  for (int width : {1, 2, 3, 7, 8, 9, 31, 127, 128, 129, 300}) {
    const image<3> picture = scratch::random_picture(2, width, static_cast<unsigned>(width));
    const image<3> lab = rgb_to_lab(picture);
    const image<3> back = lab_to_rgb(lab, false);
    for (int y = 0; y < 2; ++y) {
      for (int x = 0; x < width; ++x) {
        const auto one = rgb_to_lab(std::array{picture(y, x, 0), picture(y, x, 1), picture(y, x, 2)});
        const auto one_back = lab_to_rgb(one, false);
        for (int c = 0; c < 3; ++c) {
          REQUIRE(one[static_cast<std::size_t>(c)] == lab(y, x, c));
          REQUIRE(one_back[static_cast<std::size_t>(c)] == back(y, x, c));
        }
      }
    }
  }
}

TEST_CASE("colors beyond sRGB are limited only if asked") {
  const std::array vivid{50.0f, 120.0f, -120.0f};
  const auto free = lab_to_rgb(vivid, false);
  CHECK((free[1] < 0.0f || free[2] > 1.0f));
  for (const float value : lab_to_rgb(vivid)) CHECK((value >= 0.0f && value <= 1.0f));
  const auto again = rgb_to_lab(free);
  for (std::size_t c = 0; c < 3; ++c) CHECK(again[c] == Approx(vivid[c]).margin(2e-3));
}

TEST_CASE("NaN stays NaN in its pixel and spreads to no other") {
  image<3> picture = scratch::random_picture(3, 11, 5);
  const image<3> clean = rgb_to_lab(picture);
  picture(1, 4, 0) = std::numeric_limits<float>::quiet_NaN();
  const image<3> lab = rgb_to_lab(picture);
  CHECK(std::isnan(lab(1, 4, 0)));
  for (int x = 0; x < 11; ++x) {
    if (x != 4) CHECK(lab(1, x, 0) == clean(1, x, 0));
  }
}

TEST_CASE("colors do not depend on the number of threads") {
  const image<3> picture = scratch::random_picture(300, 400, 6);
  const thread_scope one(1);
  const image<3> expected = rgb_to_lab(picture);
  for (int count : {2, 3, 8}) {
    const thread_scope several(count);
    CHECK(rgb_to_lab(picture) == expected);
  }
}

TEST_CASE("empty pictures convert to empty pictures") {
  CHECK(rgb_to_lab(image<3>(0, 4)).empty());
  CHECK(rgb_to_gray(image<3>()).empty());
}

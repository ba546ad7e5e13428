#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <vector>

#include <catch2/catch.hpp>

#include <lookalike/core/parallel.hpp>
#include <lookalike/image/filter.hpp>

#include "reference.hpp"
#include "scratch.hpp"

using namespace lookalike;

namespace {

image<1> plane() {
  return scratch::plane_of(reference::plane, 9, 12);
}

/// Where a border's values come from, told by walking, one pixel at a time.
int walked(int at, int extent, border beyond) {
  if (at >= 0 && at < extent) return at;
  if (beyond == border::zero) return -1;
  int position = at < 0 ? 0 : extent - 1;
  int direction = at < 0 ? 1 : -1;
  const int steps = at < 0 ? -at : at - extent + 1;
  for (int i = 0; i < steps; ++i) {
    if (beyond == border::replicate || extent == 1) continue;
    const bool stands_still = i == 0 && beyond == border::reflect;
    if (stands_still) continue;
    const int next = position + direction;
    if (next >= 0 && next < extent) {
      position = next;
    } else {
      direction = -direction;
      if (beyond == border::mirror) position += direction;
    }
  }
  return position;
}

}  // namespace

TEST_CASE("borders continue a picture as they are documented to") {
  for (const auto beyond : {border::reflect, border::mirror, border::replicate, border::zero}) {
    for (int extent = 1; extent <= 6; ++extent) {
      for (int at = -20; at < 26; ++at) {
        CAPTURE(static_cast<int>(beyond), extent, at);
        REQUIRE(inside(at, extent, beyond) == walked(at, extent, beyond));
      }
    }
  }
  static_assert(inside(-1, 4, border::reflect) == 0 && inside(-2, 4, border::reflect) == 1);
  static_assert(inside(4, 4, border::mirror) == 2 && inside(-4, 4, border::mirror) == 2);
}

TEST_CASE("Gaussian blur agrees with SciPy at every border") {
  const auto check = [](std::span<const float> expected, double sigma, border beyond) {
    CHECK(scratch::largest_difference(gaussian_blur(plane(), sigma, beyond).values(), expected) < 1e-6);
  };
  check(reference::gaussian_0_8_reflect, 0.8, border::reflect);
  check(reference::gaussian_0_8_mirror, 0.8, border::mirror);
  check(reference::gaussian_0_8_nearest, 0.8, border::replicate);
  check(reference::gaussian_0_8_constant, 0.8, border::zero);
  check(reference::gaussian_3_0_reflect, 3.0, border::reflect);
  check(reference::gaussian_3_0_mirror, 3.0, border::mirror);
  check(reference::gaussian_3_0_nearest, 3.0, border::replicate);
  check(reference::gaussian_3_0_constant, 3.0, border::zero);
}

TEST_CASE("Gaussian blur of color pictures is a double loop's, for widths around the vector's") {
  for (int width : {1, 2, 5, 10, 11, 12, 32, 43}) {
    const image<3> picture = scratch::random_picture(6, width, static_cast<unsigned>(width));
    const double sigma = 1.3;
    const int radius = 5;
    const image<3> blurred = gaussian_blur(picture, sigma);
    double total = 0;
    for (int i = -radius; i <= radius; ++i) total += std::exp(-0.5 * i * i / (sigma * sigma));
    for (int y = 0; y < 6; ++y) {
      for (int x = 0; x < width; ++x) {
        for (int c = 0; c < 3; ++c) {
          double sum = 0;
          for (int dy = -radius; dy <= radius; ++dy) {
            for (int dx = -radius; dx <= radius; ++dx) {
              const double weight = std::exp(-0.5 * (dy * dy + dx * dx) / (sigma * sigma)) / (total * total);
              sum += weight *
                     picture(walked(y + dy, 6, border::reflect), walked(x + dx, width, border::reflect), c);
            }
          }
          REQUIRE(std::abs(blurred(y, x, c) - sum) < 1e-6);
        }
      }
    }
  }
}

TEST_CASE("a sigma of 0 changes nothing, one out of range is a value error") {
  CHECK(gaussian_blur(plane(), 0) == plane());
  CHECK_THROWS_AS(gaussian_blur(plane(), -1), value_error);
  CHECK_THROWS_AS(gaussian_blur(plane(), std::numeric_limits<double>::quiet_NaN()), value_error);
  CHECK_THROWS_AS(gaussian_blur(plane(), std::numeric_limits<double>::infinity()), value_error);
  CHECK(gaussian_blur(image<3>(), 2).empty());
}

TEST_CASE("gradients agree with NumPy and SciPy") {
  const image_gradient central = gradient(plane());
  CHECK(scratch::largest_difference(central.x.values(), reference::central_x) < 1e-6);
  CHECK(scratch::largest_difference(central.y.values(), reference::central_y) < 1e-6);
  const image_gradient sobel = gradient(plane(), gradient_kernel::sobel);
  CHECK(scratch::largest_difference(sobel.x.values(), reference::sobel_x) < 1e-6);
  CHECK(scratch::largest_difference(sobel.y.values(), reference::sobel_y) < 1e-6);
}

TEST_CASE("both gradients of a ramp are its slope, and their length is the hypotenuse") {
  image<1> ramp(9, 11);
  for (int y = 0; y < 9; ++y) {
    for (int x = 0; x < 11; ++x) ramp(y, x) = 0.03f * static_cast<float>(x) - 0.04f * static_cast<float>(y);
  }
  const image<1> central = gradient_magnitude(ramp);
  for (const float value : central.values()) CHECK(value == Approx(0.05f).epsilon(1e-4));
  const image<1> sobel = gradient_magnitude(ramp, gradient_kernel::sobel);
  for (int y = 1; y < 8; ++y) {
    for (int x = 1; x < 10; ++x) CHECK(sobel(y, x) == Approx(0.05f).epsilon(1e-4));
  }
  const image<1> dot = gradient_magnitude(image<1>(1, 1, 0.7f));
  CHECK(dot(0, 0) == 0.0f);
  CHECK(gradient_magnitude(image<1>()).empty());
}

TEST_CASE("medians agree with SciPy exactly") {
  CHECK(scratch::largest_difference(median(plane(), 3).values(), reference::median_3) == 0);
  CHECK(scratch::largest_difference(median(plane(), 5).values(), reference::median_5) == 0);
  CHECK(scratch::largest_difference(median(plane(), 7).values(), reference::median_7) == 0);
}

TEST_CASE("medians are the middle of the sorted window, for any size, ties and border") {
  std::mt19937 random(4);
  for (int round = 0; round < 600; ++round) {
    const int height = 1 + static_cast<int>(random() % 9);
    const int width = 1 + static_cast<int>(random() % 21);
    const int size = 1 + 2 * static_cast<int>(random() % 4);
    const auto beyond = static_cast<border>(round % 4);
    image<1> picture = scratch::random_picture<1>(height, width, static_cast<unsigned>(round));
    if (round % 3 == 0) {
      for (float& value : picture.values()) value = std::floor(4 * value);  // many ties
    }
    const image<1> medians = median(picture, size, beyond);
    std::vector<float> window;
    for (int y = 0; y < height; ++y) {
      for (int x = 0; x < width; ++x) {
        window.clear();
        for (int dy = -size / 2; dy <= size / 2; ++dy) {
          for (int dx = -size / 2; dx <= size / 2; ++dx) {
            const int row = walked(y + dy, height, beyond);
            const int column = walked(x + dx, width, beyond);
            window.push_back(row < 0 || column < 0 ? 0.0f : picture(row, column));
          }
        }
        std::sort(window.begin(), window.end());
        CAPTURE(height, width, size, y, x);
        REQUIRE(medians(y, x) == window[window.size() / 2]);
      }
    }
  }
}

TEST_CASE("the 5x5 network is right for all 2^25 windows of zeros and ones, hence for all values") {
  // The 0-1 principle (Knuth, volume 3, 5.3.4): a network of comparisons that is right for zeros and ones is
  // right. Bit k of `pattern` is value k of the window; windows lie side by side.
  constexpr int windows = 1 << 12;
  constexpr std::size_t row_size = 5 * windows + 4 + static_cast<std::size_t>(simd::median_row_slack);
  std::vector<float> memory(11 * row_size);
  float* rows[5];
  float* scratch_rows[5];
  for (std::size_t i = 0; i < 5; ++i) {
    rows[i] = memory.data() + i * row_size;
    scratch_rows[i] = memory.data() + (5 + i) * row_size;
  }
  float* const medians = memory.data() + 10 * row_size;
  std::uint32_t wrong = 0;
  for (std::uint32_t begin = 0; begin < (1u << 25); begin += windows) {
    for (std::uint32_t i = 0; i < windows; ++i) {
      for (std::uint32_t k = 0; k < 25; ++k) {
        rows[k / 5][5 * i + k % 5] = static_cast<float>((begin + i) >> k & 1);
      }
    }
    simd::median_row<5>(rows, scratch_rows, medians, 5 * windows);
    for (std::uint32_t i = 0; i < windows; ++i) {
      const float expected = __builtin_popcount(begin + i) >= 13 ? 1.0f : 0.0f;
      wrong += medians[5 * i] != expected ? 1 : 0;
    }
  }
  CHECK(wrong == 0);
}

TEST_CASE("an even window and NaN are value errors") {
  image<1> picture = plane();
  CHECK_THROWS_AS(median(picture, 4), value_error);
  CHECK_THROWS_AS(median(picture, 0), value_error);
  CHECK_THROWS_AS(median(picture, -1), value_error);
  picture(3, 3) = std::numeric_limits<float>::quiet_NaN();
  CHECK_THROWS_AS(median(picture, 5), value_error);
  CHECK(median(image<1>(), 5).empty());
}

TEST_CASE("filters do not depend on the number of threads") {
  const image<1> picture = scratch::random_picture<1>(301, 203, 10);
  const thread_scope one(1);
  const image<1> blurred = gaussian_blur(picture, 2.5);
  const image<1> medians = median(picture, 5);
  const image<1> wide_medians = median(picture, 7);
  const image<1> slopes = gradient_magnitude(picture);
  for (int count : {2, 5}) {
    const thread_scope several(count);
    CHECK(gaussian_blur(picture, 2.5) == blurred);
    CHECK(median(picture, 5) == medians);
    CHECK(median(picture, 7) == wide_medians);
    CHECK(gradient_magnitude(picture) == slopes);
  }
}

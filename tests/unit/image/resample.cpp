#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include <catch2/catch.hpp>

#include <lookalike/core/parallel.hpp>
#include <lookalike/image/resample.hpp>

#include "reference.hpp"
#include "scratch.hpp"

using namespace lookalike;

namespace {

image<1> small_plane() {
  return scratch::plane_of(reference::plane, 9, 12);
}

double cubic(double t) {  // Keys 1981, a = -1/2
  t = std::abs(t);
  if (t <= 1) return 1.5 * t * t * t - 2.5 * t * t + 1;
  return t < 2 ? -0.5 * t * t * t + 2.5 * t * t - 4 * t + 2 : 0;
}

/// Weight of input pixel `p` in output pixel `i`, before the weights are made to sum to 1.
double weight(resampling how, bool antialias, int p, int i, int from, int to) {
  const double ratio = static_cast<double>(from) / to;
  if (how == resampling::area) {
    return std::max(0.0, std::min(p + 1.0, (i + 1) * ratio) - std::max<double>(p, i * ratio));
  }
  const double stretch = antialias && ratio > 1 ? ratio : 1;
  const double t = (p + 0.5 - (i + 0.5) * ratio) / stretch;
  return how == resampling::bicubic ? cubic(t) : std::max(0.0, 1 - std::abs(t));
}

/// The definition: every output pixel as a weighted mean over all input pixels, in double precision.
template <int Channels>
image<Channels> resize_slowly(const image<Channels>& picture, int height, int width, resampling how,
                              bool antialias) {
  image<Channels> resized(height, width);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      for (int c = 0; c < Channels; ++c) {
        double sum = 0;
        double weights = 0;
        for (int row = 0; row < picture.height(); ++row) {
          const double down = weight(how, antialias, row, y, picture.height(), height);
          if (down == 0) continue;
          for (int column = 0; column < picture.width(); ++column) {
            const double w = down * weight(how, antialias, column, x, picture.width(), width);
            sum += w * picture(row, column, c);
            weights += w;
          }
        }
        resized(y, x, c) = static_cast<float>(sum / weights);
      }
    }
  }
  return resized;
}

}  // namespace

TEST_CASE("resizing agrees with Pillow") {
  const auto compare = [](std::span<const float> expected, int height, int width, resampling how) {
    const image<1> resized = resize(small_plane(), height, width, how);
    CHECK(scratch::largest_difference(resized.values(), expected) < 2e-6);
  };
  compare(reference::box_3x4, 3, 4, resampling::area);
  compare(reference::triangle_5x7, 5, 7, resampling::bilinear);
  compare(reference::triangle_20x17, 20, 17, resampling::bilinear);
  compare(reference::triangle_2x30, 2, 30, resampling::bilinear);
  compare(reference::cubic_5x7, 5, 7, resampling::bicubic);
  compare(reference::cubic_20x17, 20, 17, resampling::bicubic);
  compare(reference::cubic_1x1, 1, 1, resampling::bicubic);
}

TEST_CASE("resizing agrees with its definition for any sizes, filters and channels") {
  std::mt19937 random(3);
  const auto extent = [&] { return 1 + static_cast<int>(random() % 24); };
  for (int round = 0; round < 2000; ++round) {
    const int height = extent();
    const int width = extent();
    const int new_height = extent();
    const int new_width = extent();
    const auto how = static_cast<resampling>(round % 3);
    const bool antialias = round % 2 == 0;
    CAPTURE(height, width, new_height, new_width, round);
    const auto check = [&](const auto& picture) {
      const auto resized = resize(picture, new_height, new_width, how, {.antialias = antialias});
      const auto expected = resize_slowly(picture, new_height, new_width, how, antialias);
      REQUIRE(same_extent(resized, expected));
      REQUIRE(scratch::largest_difference(resized.values(), expected.values()) < 3e-6);
    };
    const auto seed = static_cast<unsigned>(round);
    switch (round % 5) {
      case 0:
        check(scratch::random_picture<1>(height, width, seed));
        break;
      case 1:
        check(scratch::random_picture<2>(height, width, seed));
        break;
      case 2:
        check(scratch::random_picture<3>(height, width, seed));
        break;
      case 3:
        check(scratch::random_picture<4>(height, width, seed));
        break;
      default:
        check(scratch::random_picture<5>(height, width, seed));
        break;
    }
  }
}

TEST_CASE("area keeps the mean, whatever the ratio") {
  const image<3> picture = scratch::random_picture(37, 53, 8);
  const auto mean = [](const image<3>& of) {
    double sum = 0;
    for (const float value : of.values()) sum += static_cast<double>(value);
    return sum / static_cast<double>(of.values().size());
  };
  for (const image_size size : {image_size{5, 7}, image_size{36, 52}, image_size{1, 1}, image_size{80, 60}}) {
    const image<3> resized = resize(picture, size.height, size.width, resampling::area);
    CHECK(mean(resized) == Approx(mean(picture)).epsilon(1e-6));
  }
}

TEST_CASE("a constant stays constant, and a ramp stays a ramp where the border is far") {
  for (const auto how : {resampling::area, resampling::bilinear, resampling::bicubic}) {
    const image<3> constant(11, 13, 0.3f);
    const image<3> still_constant = resize(constant, 29, 5, how);
    for (const float value : still_constant.values()) REQUIRE(value == Approx(0.3f).margin(1e-6));
    image<1> ramp(1, 64);
    for (int x = 0; x < 64; ++x) ramp(0, x) = static_cast<float>(x) + 0.5f;  // the value is the position
    for (int width : {16, 32, 128}) {
      const image<1> resized = resize(ramp, 1, width, how);
      const int margin = width / 8;
      if (how == resampling::area && width > 64) continue;  // steps, by definition
      for (int x = margin; x < width - margin; ++x) {
        REQUIRE(resized(0, x) == Approx((x + 0.5) * 64 / width).epsilon(1e-5));
      }
    }
  }
}

TEST_CASE("the same size gives the same picture, and bytes are rounded results of floats") {
  const image<3> picture = scratch::random_picture(8, 9, 9);
  CHECK(resize(picture, 8, 9, resampling::bicubic) == picture);
  const byte_image coarse = to_bytes(picture);
  CHECK(resize(coarse, 5, 20) == to_bytes(resize(to_float(coarse), 5, 20)));
}

TEST_CASE("resizing does not depend on the number of threads") {
  const image<3> picture = scratch::random_picture(301, 403, 10);
  const thread_scope one(1);
  const image<3> expected = resize(picture, 211, 173, resampling::bicubic);
  for (int count : {2, 5}) {
    const thread_scope several(count);
    CHECK(resize(picture, 211, 173, resampling::bicubic) == expected);
  }
}

TEST_CASE("the longest side becomes what is asked, the other follows and is never lost") {
  const auto size = [](int height, int width, int side) {
    return size_of(resize_longest_side(image<1>(height, width), side));
  };
  CHECK(size(300, 400, 200) == image_size{150, 200});
  CHECK(size(400, 300, 200) == image_size{200, 150});
  CHECK(size(30, 40, 400) == image_size{300, 400});
  CHECK(size(1, 1000, 10) == image_size{1, 10});
  CHECK(size(7, 7, 7) == image_size{7, 7});
  CHECK(size_of(scale_to_fit(image<1>(300, 400), 100, 1000)) == image_size{100, 133});
  CHECK(size_of(scale_to_fit(byte_image(300, 400), 1000, 100)) == image_size{75, 100});
}

TEST_CASE("wanted sizes below one pixel and empty pictures are value errors") {
  const image<3> picture(4, 4);
  CHECK_THROWS_AS(resize(picture, 0, 4), value_error);
  CHECK_THROWS_AS(resize(picture, 4, -1), value_error);
  CHECK_THROWS_AS(resize(image<3>(), 4, 4), value_error);
  CHECK_THROWS_AS(resize_longest_side(picture, 0), value_error);
  CHECK_THROWS_AS(resize_longest_side(image<3>(0, 9), 5), value_error);
}

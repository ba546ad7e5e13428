#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <random>

#include <catch2/catch.hpp>

#include <lookalike/image/color_jitter.hpp>

#include "scratch.hpp"

using namespace lookalike;

namespace {

double luma(const image<3>& picture, int y, int x) {  // ITU-R BT.601
  return 0.299 * static_cast<double>(picture(y, x, 0)) + 0.587 * static_cast<double>(picture(y, x, 1)) +
         0.114 * static_cast<double>(picture(y, x, 2));
}

/// Mixes every value with gray(y, x), limited to [0, 1].
template <class Gray>
image<3> mixed(const image<3>& picture, double factor, const Gray& gray) {
  image<3> result(picture.height(), picture.width());
  for (int y = 0; y < picture.height(); ++y)
    for (int x = 0; x < picture.width(); ++x)
      for (int c = 0; c < 3; ++c)
        result(y, x, c) = static_cast<float>(
            std::clamp(factor * static_cast<double>(picture(y, x, c)) + (1 - factor) * gray(y, x), 0.0, 1.0));
  return result;
}

struct turned_color {
  double turn;
  std::array<float, 3> from;
  std::array<double, 3> to;
};

// Python's colorsys: hsv_to_rgb((h + turn) % 1, s, v) of rgb_to_hsv.
const turned_color turned_colors[] = {
    {1.0 / 3, {0.1f, 0.5f, 0.9f}, {0.9, 0.1, 0.5}}, {1.0 / 3, {0.8f, 0.2f, 0.3f}, {0.3, 0.8, 0.2}},
    {1.0 / 3, {0.4f, 0.4f, 0.4f}, {0.4, 0.4, 0.4}}, {1.0 / 3, {1.0f, 0.0f, 0.25f}, {0.25, 1, 0}},
    {1.0 / 3, {0.3f, 0.6f, 0.1f}, {0.1, 0.3, 0.6}}, {1.0 / 3, {0.9f, 0.85f, 0.2f}, {0.2, 0.9, 0.85}},
    {-0.1, {0.1f, 0.5f, 0.9f}, {0.1, 0.9, 0.82}},   {-0.1, {0.8f, 0.2f, 0.3f}, {0.8, 0.2, 0.66}},
    {-0.1, {1.0f, 0.0f, 0.25f}, {1, 0, 0.85}},      {-0.1, {0.3f, 0.6f, 0.1f}, {0.6, 0.6, 0.1}},
    {-0.1, {0.9f, 0.85f, 0.2f}, {0.9, 0.43, 0.2}},  {0.5, {0.1f, 0.5f, 0.9f}, {0.9, 0.5, 0.1}},
    {0.5, {0.8f, 0.2f, 0.3f}, {0.2, 0.8, 0.7}},     {0.5, {1.0f, 0.0f, 0.25f}, {0, 1, 0.75}},
    {0.5, {0.9f, 0.85f, 0.2f}, {0.2, 0.25, 0.9}},   {7.5, {0.3f, 0.6f, 0.1f}, {0.4, 0.1, 0.6}},
};

}  // namespace

TEST_CASE("brightness, contrast and saturation mix with black, the mean gray and the pixel's gray") {
  const image<3> picture = scratch::random_picture(11, 13, 1);
  double mean = 0;
  for (int y = 0; y < 11; ++y)
    for (int x = 0; x < 13; ++x) mean += luma(picture, y, x) / (11 * 13);
  for (const double factor : {0.0, 0.4, 1.0, 1.7}) {
    const auto check = [](const image<3>& found, const image<3>& expected) {
      CHECK(scratch::largest_difference(found.values(), expected.values()) < 1e-6);
    };
    check(change_color(picture, {.brightness = factor}),
          mixed(picture, factor, [](int, int) { return 0.0; }));
    check(change_color(picture, {.contrast = factor}),
          mixed(picture, factor, [&](int, int) { return mean; }));
    check(change_color(picture, {.saturation = factor}),
          mixed(picture, factor, [&](int y, int x) { return luma(picture, y, x); }));
  }
}

TEST_CASE("hues turn as Python's colorsys turns them") {
  for (const turned_color& color : turned_colors) {
    image<3> pixel(1, 1);
    for (int c = 0; c < 3; ++c) pixel(0, 0, c) = color.from[static_cast<std::size_t>(c)];
    const image<3> turned = change_color(pixel, {.hue = color.turn});
    for (int c = 0; c < 3; ++c) {
      CHECK(static_cast<double>(turned(0, 0, c)) ==
            Approx(color.to[static_cast<std::size_t>(c)]).margin(2e-6));
    }
  }
}

TEST_CASE("a turn and its opposite lead back, thirds exchange the channels") {
  const image<3> picture = scratch::random_picture(20, 20, 2);
  const image<3> back = change_color(change_color(picture, {.hue = 0.27}), {.hue = -0.27});
  CHECK(scratch::largest_difference(back.values(), picture.values()) < 1e-5);
  const image<3> third = change_color(picture, {.hue = 1.0 / 3});
  for (int i = 0; i < 20; ++i)
    for (int c = 0; c < 3; ++c) CHECK(third(i, i, (c + 1) % 3) == Approx(picture(i, i, c)).margin(1e-5));
}

TEST_CASE("changes follow one another in the order of their names") {
  const image<3> picture = scratch::random_picture(9, 9, 3);
  const color_change all{1.2, 0.7, 1.4, 0.1};
  image<3> steps = change_color(picture, {.brightness = 1.2});
  steps = change_color(steps, {.contrast = 0.7});
  steps = change_color(steps, {.saturation = 1.4});
  steps = change_color(steps, {.hue = 0.1});
  CHECK(change_color(picture, all) == steps);
  CHECK(change_color(picture, {}) == picture);
  CHECK(change_color(image<3>(), all).empty());
}

TEST_CASE("drawn changes spread over what is allowed, and depend on the seed alone") {
  random_sequence random(4);
  const color_jitter_options options{.brightness = 0.4, .contrast = 2, .saturation = 0.1, .hue = 0.05};
  color_change least{9, 9, 9, 9};
  color_change most{-9, -9, -9, -9};
  double brightness = 0;
  constexpr int draws = 2000;
  for (int i = 0; i < draws; ++i) {
    const color_change change = draw_color_change(random, options);
    least = {std::min(least.brightness, change.brightness), std::min(least.contrast, change.contrast),
             std::min(least.saturation, change.saturation), std::min(least.hue, change.hue)};
    most = {std::max(most.brightness, change.brightness), std::max(most.contrast, change.contrast),
            std::max(most.saturation, change.saturation), std::max(most.hue, change.hue)};
    brightness += change.brightness / draws;
  }
  const auto spread = [](double low, double high, double from, double to) {
    CHECK(low >= from);
    CHECK(high <= to);
    CHECK(low < from + 0.01 * (to - from));
    CHECK(high > to - 0.01 * (to - from));
  };
  spread(least.brightness, most.brightness, 0.6, 1.4);
  spread(least.contrast, most.contrast, 0, 3);
  spread(least.saturation, most.saturation, 0.9, 1.1);
  spread(least.hue, most.hue, -0.05, 0.05);
  CHECK(brightness == Approx(1).margin(0.026));

  const image<3> picture = scratch::random_picture(5, 5, 5);
  random_sequence first(6);
  random_sequence second(6);
  CHECK(color_jitter(picture, first, options) == change_color(picture, draw_color_change(second, options)));
  CHECK(draw_color_change(first, {}) == color_change{});
}

TEST_CASE("changes out of range are value errors") {
  const image<3> picture(2, 2);
  random_sequence random;
  CHECK_THROWS_AS(change_color(picture, {.brightness = -0.1}), value_error);
  CHECK_THROWS_AS(change_color(picture, {.contrast = std::numeric_limits<double>::quiet_NaN()}), value_error);
  CHECK_THROWS_AS(change_color(picture, {.saturation = -1}), value_error);
  CHECK_THROWS_AS(change_color(picture, {.hue = std::numeric_limits<double>::infinity()}), value_error);
  CHECK_THROWS_AS(draw_color_change(random, {.brightness = -1}), value_error);
  CHECK_THROWS_AS(draw_color_change(random, {.hue = 0.6}), value_error);
}

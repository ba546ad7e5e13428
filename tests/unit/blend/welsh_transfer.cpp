// Against Welsh et al. 2002 written out in double precision, pixel by pixel.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <vector>

#include <catch2/catch.hpp>

#include <lookalike/blend/welsh_transfer.hpp>
#include <lookalike/core/parallel.hpp>

using namespace lookalike;

namespace {

/// Patches of different lightness and roughness, each with a color of its own.
image<3> patches(int height, int width, std::uint64_t seed) {
  image<3> lab(height, width);
  random_sequence random(seed);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      const int patch = 3 * y / height + 3 * (2 * x / width);
      const double rough = patch % 2 == 0 ? 2 : 9;
      lab(y, x, 0) = static_cast<float>(20 + 12 * patch + rough * random.uniform(-1, 1));
      lab(y, x, 1) = static_cast<float>(10 * patch - 30 + random.uniform());
      lab(y, x, 2) = static_cast<float>(25 - 9 * patch + random.uniform());
    }
  }
  return lab;
}

double deviation_around(const std::vector<double>& light, int height, int width, int y, int x, int window) {
  const auto reflected = [](int i, int extent) {
    if (i < 0) i = -1 - i;
    return i >= extent ? 2 * extent - 1 - i : i;
  };
  double sum = 0, squares = 0;
  std::vector<double> values;
  for (int dy = -window / 2; dy <= window / 2; ++dy)
    for (int dx = -window / 2; dx <= window / 2; ++dx)
      values.push_back(
          light[static_cast<std::size_t>(reflected(y + dy, height) * width + reflected(x + dx, width))]);
  for (const double v : values) sum += v;
  for (const double v : values)
    squares +=
        (v - sum / static_cast<double>(values.size())) * (v - sum / static_cast<double>(values.size()));
  return std::sqrt(squares / static_cast<double>(values.size()));
}

std::vector<double> lightness_values(const image<3>& lab) {
  std::vector<double> values;
  for (std::ptrdiff_t i = 0; i < lab.area(); ++i) values.push_back(lab.data()[3 * i]);
  return values;
}

std::pair<double, double> moments_of(const std::vector<double>& values) {
  double sum = 0, squares = 0;
  for (const double v : values) sum += v;
  const double mean = sum / static_cast<double>(values.size());
  for (const double v : values) squares += (v - mean) * (v - mean);
  return {mean, std::sqrt(squares / static_cast<double>(values.size()))};
}

}  // namespace

TEST_CASE("every pixel takes the chroma of the sample nearest in lightness and deviation") {
  const image<3> example = patches(41, 37, 1), picture = patches(30, 45, 2);
  const welsh_options options{.samples = 60, .seed = 9};
  const image<2> chroma = welsh_transfer(lightness_of_lab(picture), example, options);

  // The places of the samples are chance; everything else is the paper's.
  random_sequence random(options.seed);
  const auto places = detail::jittered_grid(example.height(), example.width(), options.samples, random);
  std::vector<double> own = lightness_values(picture), others = lightness_values(example);
  const auto [mean, deviation] = moments_of(own);
  const auto [other_mean, other_deviation] = moments_of(others);
  for (double& v : others) v = (v - other_mean) * deviation / other_deviation + mean;
  int different = 0;
  for (int y = 0; y < picture.height(); ++y) {
    for (int x = 0; x < picture.width(); ++x) {
      const double light = own[static_cast<std::size_t>(y * picture.width() + x)];
      const double around = deviation_around(own, picture.height(), picture.width(), y, x, 5);
      double least = std::numeric_limits<double>::infinity(), chosen = 0, second = least;
      for (const auto& [sy, sx] : places) {
        const double dl = light - others[static_cast<std::size_t>(sy * example.width() + sx)];
        const double ds = around - deviation_around(others, example.height(), example.width(), sy, sx, 5);
        const double distance = 0.25 * dl * dl + 0.25 * ds * ds;
        if (distance < least) {
          second = least;
          least = distance;
          chosen = example(sy, sx, 1);
        } else {
          second = std::min(second, distance);
        }
      }
      if (second - least < 1e-4) continue;  // floats may decide otherwise
      different += chroma(y, x, 0) != static_cast<float>(chosen);
    }
  }
  CHECK(different == 0);
}

TEST_CASE("samples lie one in each cell of a grid that covers the picture") {
  random_sequence random(3);
  for (const auto& [height, width, count] :
       {std::tuple(100, 200, 200), {7, 500, 200}, {1, 1, 200}, {3, 2, 50}, {300, 4, 10}, {50, 50, 1}}) {
    const auto places = detail::jittered_grid(height, width, count, random);
    REQUIRE(!places.empty());
    CHECK(static_cast<double>(places.size()) <= 1.5 * count + 1);
    if (height * width > 4 * count && std::min(height, width) > 10)
      CHECK(static_cast<double>(places.size()) >= 0.8 * count);
    for (const auto& [y, x] : places) {
      CHECK((y >= 0 && y < height));
      CHECK((x >= 0 && x < width));
    }
  }
}

TEST_CASE("the same seed draws the same samples, for any number of threads") {
  const image<3> example = patches(60, 80, 4);
  const image<1> light = lightness_of_lab(patches(90, 110, 5));
  const image<2> once = welsh_transfer(light, example, {.seed = 1});
  set_threads(3);
  CHECK(welsh_transfer(light, example, {.seed = 1}) == once);
  set_threads(0);
  CHECK(!(welsh_transfer(light, example, {.seed = 2}) == once));
}

TEST_CASE("several examples share the samples") {
  image<3> dark(20, 20), light(20, 20);
  random_sequence random(6);
  for (std::ptrdiff_t i = 0; i < dark.area(); ++i) {
    dark.data()[3 * i] = static_cast<float>(random.uniform(10, 20));
    dark.data()[3 * i + 1] = 40;
    light.data()[3 * i] = static_cast<float>(random.uniform(80, 90));
    light.data()[3 * i + 2] = -40;
  }
  const std::vector<image<3>> both{dark, light};
  image<1> picture(1, 2, 15.0f);
  picture(0, 1) = 85;
  const image<2> chroma = welsh_transfer(picture, both, {.window = 1, .remap = false});
  CHECK(chroma(0, 0, 0) == 40);
  CHECK(chroma(0, 1, 1) == -40);
}

TEST_CASE("swatches say what is colored by what") {
  // Two textures of the same lightness, told apart by their stripes; in the example they are red and blue.
  const auto striped = [](int height, int width, bool colored, bool exchanged) {
    image<3> lab(height, width);
    for (int y = 0; y < height; ++y) {
      for (int x = 0; x < width; ++x) {
        const bool left = (x < width / 2) != exchanged;
        lab(y, x, 0) = (left ? x : y) % 3 == 0 ? 70.0f : 40.0f;
        if (colored) lab(y, x, left ? 1 : 2) = left ? 50.0f : -50.0f;
      }
    }
    return lab;
  };
  const image<3> example = striped(36, 48, true, false), query = striped(48, 60, false, true);
  const std::vector<swatch> swatches{{{4, 34, 24, 20}, {4, 3, 24, 18}}, {{4, 4, 24, 20}, {4, 28, 24, 18}}};
  const image<2> chroma = welsh_transfer(lightness_of_lab(query), example, swatches, {});
  int right = 0;
  for (int y = 3; y < query.height() - 3; ++y)
    for (int x = 3; x < query.width() - 3; ++x)
      right += chroma(y, x, 0) == (x < query.width() / 2 ? 0.0f : 50.0f) ? 1 : 0;
  CHECK(right > 0.9 * (query.height() - 6) * (query.width() - 6));

  const image<1> light = lightness_of_lab(query);
  const std::vector<swatch> outside{{{40, 0, 24, 20}, {4, 3, 24, 18}}}, empty{{{4, 4, 0, 20}, {4, 3, 2, 2}}};
  CHECK_THROWS_AS(welsh_transfer(light, example, outside), value_error);
  CHECK_THROWS_AS(welsh_transfer(light, example, empty), value_error);
  CHECK_THROWS_AS(welsh_transfer(light, example, std::vector<swatch>{}), value_error);
}

TEST_CASE("constant and tiny pictures are colored, too") {
  const image<3> example = patches(20, 20, 7);
  for (const auto& [height, width] : {std::pair(1, 1), {1, 7}, {9, 2}, {12, 12}}) {
    const image<2> chroma = welsh_transfer(image<1>(height, width, 50.0f), example);
    CHECK(chroma.height() == height);
    for (const float value : chroma.values()) CHECK(std::isfinite(value));
  }
  image<3> constant(5, 5, 12.0f);
  const image<2> chroma = welsh_transfer(lightness_of_lab(example), constant);
  for (const float value : chroma.values()) CHECK(value == 12);
}

TEST_CASE("Welsh's transfer refuses bad input") {
  const image<3> example = patches(8, 8, 8);
  const image<1> light(4, 4, 30.0f);
  image<1> bad = light;
  bad(1, 1) = NAN;
  image<3> bad_example = example;
  bad_example(0, 0, 2) = INFINITY;
  CHECK_THROWS_AS(welsh_transfer(image<1>(), example), value_error);
  CHECK_THROWS_AS(welsh_transfer(light, image<3>()), value_error);
  CHECK_THROWS_AS(welsh_transfer(light, std::vector<image<3>>{}), value_error);
  CHECK_THROWS_AS(welsh_transfer(bad, example), value_error);
  CHECK_THROWS_AS(welsh_transfer(light, bad_example), value_error);
  CHECK_THROWS_AS(welsh_transfer(light, example, {.samples = 0}), value_error);
  CHECK_THROWS_AS(welsh_transfer(light, example, {.window = 4}), value_error);
  CHECK_THROWS_AS(welsh_transfer(light, example, {.luminance_weight = 1.5}), value_error);
  CHECK_THROWS_AS(welsh_transfer(light, example, {.luminance_weight = NAN}), value_error);
}

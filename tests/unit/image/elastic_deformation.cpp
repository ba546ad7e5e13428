#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <limits>
#include <random>
#include <vector>

#include <catch2/catch.hpp>

#include <lookalike/image/color.hpp>
#include <lookalike/image/elastic_deformation.hpp>
#include <lookalike/image/mask.hpp>
#include <lookalike/image/read.hpp>
#include <lookalike/image/size.hpp>

#include "scratch.hpp"

using namespace lookalike;

namespace {

double keys(double t) {  // Keys 1981, a = -1/2
  t = std::abs(t);
  if (t <= 1) return 1.5 * t * t * t - 2.5 * t * t + 1;
  return t < 2 ? -0.5 * t * t * t + 2.5 * t * t - 4 * t + 2 : 0;
}
double triangle(double t) {
  return std::max(0.0, 1 - std::abs(t));
}

/// The definition: all pixels of the picture continued beyond its border, weighted by their distance.
template <int Channels>
double sampled(const image<Channels>& picture, double row, double column, int c, resampling how,
               border beyond) {
  const auto weight = [&](double t) { return how == resampling::bicubic ? keys(t) : triangle(t); };
  double sum = 0;
  const int top = static_cast<int>(std::floor(row));
  const int left = static_cast<int>(std::floor(column));
  for (int y = top - 3; y <= top + 3; ++y) {
    for (int x = left - 3; x <= left + 3; ++x) {
      const int source_y = inside(y, picture.height(), beyond);
      const int source_x = inside(x, picture.width(), beyond);
      if (source_y < 0 || source_x < 0) continue;
      sum += weight(y - row) * weight(x - column) * static_cast<double>(picture(source_y, source_x, c));
    }
  }
  return sum;
}

displacement_field random_field(int height, int width, double reach, unsigned seed) {
  displacement_field field(height, width);
  std::mt19937 random(seed);
  std::uniform_real_distribution<float> uniform(static_cast<float>(-reach), static_cast<float>(reach));
  for (float& value : field.values()) value = uniform(random);
  return field;
}

displacement_field shift(int height, int width, float rows, float columns) {
  displacement_field field(height, width);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      field(y, x, 0) = rows;
      field(y, x, 1) = columns;
    }
  }
  return field;
}

template <int Channels>
void check_deform() {
  for (unsigned round = 0; round < 60; ++round) {
    const int height = 1 + static_cast<int>(round % 9);
    const int width = 1 + static_cast<int>(round * 5 % 13);
    const auto picture = scratch::random_picture<Channels>(height, width, round);
    const displacement_field field = random_field(height, width, round % 2 == 0 ? 2 : 40, round);
    for (const auto how : {resampling::bilinear, resampling::bicubic}) {
      for (const auto beyond : {border::reflect, border::mirror, border::replicate, border::zero}) {
        const auto deformed = deform(picture, field, {.how = how, .beyond = beyond});
        for (int y = 0; y < height; ++y) {
          for (int x = 0; x < width; ++x) {
            for (int c = 0; c < Channels; ++c) {
              const double expected = sampled(picture, y + static_cast<double>(field(y, x, 0)),
                                              x + static_cast<double>(field(y, x, 1)), c, how, beyond);
              REQUIRE(static_cast<double>(deformed(y, x, c)) == Approx(expected).margin(2e-5));
            }
          }
        }
      }
    }
  }
}

}  // namespace

TEST_CASE("deformed pictures agree with their definition for any displacement, filter and border") {
  check_deform<1>();
  check_deform<3>();
}

TEST_CASE("labels come from the nearest pixel, unmixed, for any displacement and border") {
  for (unsigned round = 0; round < 100; ++round) {
    const int height = 1 + static_cast<int>(round % 7);
    const int width = 1 + static_cast<int>(round * 3 % 11);
    image<1, std::int32_t> labels(height, width);
    for (std::size_t i = 0; i < labels.values().size(); ++i)
      labels.values()[i] = 100 + static_cast<std::int32_t>(i);
    const displacement_field field = random_field(height, width, 20, round);
    for (const auto beyond : {border::reflect, border::mirror, border::replicate, border::zero}) {
      const auto deformed = deform_labels(labels, field, beyond);
      for (int y = 0; y < height; ++y) {
        for (int x = 0; x < width; ++x) {
          const int row =
              inside(static_cast<int>(std::lround(y + static_cast<double>(field(y, x, 0)))), height, beyond);
          const int column =
              inside(static_cast<int>(std::lround(x + static_cast<double>(field(y, x, 1)))), width, beyond);
          REQUIRE(deformed(y, x) == (row < 0 || column < 0 ? 0 : labels(row, column)));
        }
      }
    }
  }
}

TEST_CASE("no displacement changes nothing, and whole pixels move pictures and labels exactly") {
  const image<3> picture = scratch::random_picture(20, 17, 1);
  const mask labels = scratch::random_mask(20, 17, 0.4, 2);
  for (const auto how : {resampling::bilinear, resampling::bicubic}) {
    CHECK(deform(picture, displacement_field(20, 17), {.how = how}) == picture);
    const image<3> moved = deform(picture, shift(20, 17, 3, -25), {.how = how});
    const mask moved_labels = deform_labels(labels, shift(20, 17, 3, -25));
    for (int y = 0; y < 20; ++y) {
      for (int x = 0; x < 17; ++x) {
        const int row = inside(y + 3, 20, border::mirror);
        const int column = inside(x - 25, 17, border::mirror);
        REQUIRE(moved(y, x, 1) == picture(row, column, 1));
        REQUIRE(moved_labels(y, x) == labels(row, column));
      }
    }
  }
  CHECK(deform_labels(labels, displacement_field(20, 17)) == labels);
}

TEST_CASE("a picture and its labels move together") {
  constexpr int height = 90;
  constexpr int width = 120;
  image<1> picture(height, width);
  image<1, std::int32_t> labels(height, width);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      picture(y, x) = static_cast<float>(3 * y + x);
      labels(y, x) = 3 * y + x;
    }
  }
  random_sequence random(4);
  const displacement_field field = draw_elastic_deformation(height, width, random);
  const image<1> deformed = deform(picture, field);
  const auto deformed_labels = deform_labels(labels, field);
  double largest_move = 0;
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      // half a pixel down and half a pixel across
      REQUIRE(std::abs(deformed(y, x) - static_cast<float>(deformed_labels(y, x))) <= 2.001f);
      largest_move = std::max(largest_move, std::abs(static_cast<double>(deformed(y, x) - picture(y, x))));
    }
  }
  CHECK(largest_move > 10);
}

TEST_CASE("fields pass through the grid's vectors, and are linear where those are") {
  std::mt19937 engine(5);
  std::normal_distribution<float> normal(0, 10);
  image<2> grid(3, 4);
  for (float& value : grid.values()) value = normal(engine);
  const displacement_field field = interpolate_displacements(grid, 41, 31);
  for (int i = 0; i < 3; ++i)
    for (int j = 0; j < 4; ++j)
      for (int c = 0; c < 2; ++c) CHECK(field(20 * i, 10 * j, c) == Approx(grid(i, j, c)).margin(1e-4));

  for (int i = 0; i < 3; ++i) {
    for (int j = 0; j < 4; ++j) {
      grid(i, j, 0) = static_cast<float>(2 + 20 * i - 10 * j);
      grid(i, j, 1) = static_cast<float>(7 - 5 * i);
    }
  }
  const displacement_field linear = interpolate_displacements(grid, 41, 31);
  for (int y = 0; y < 41; ++y) {
    for (int x = 0; x < 31; ++x) {
      REQUIRE(static_cast<double>(linear(y, x, 0)) == Approx(2 + y - x).margin(1e-4));
      REQUIRE(static_cast<double>(linear(y, x, 1)) == Approx(7 - 0.25 * y).margin(1e-4));
    }
  }
}

TEST_CASE("fields are the grid's bicubic interpolation, continued on lines beyond the border") {
  std::mt19937 engine(6);
  std::normal_distribution<double> normal(0, 10);
  for (const auto& size : {image_size{3, 3}, {2, 5}, {4, 2}, {1, 3}, {6, 1}}) {
    const int rows = size.height;
    const int columns = size.width;
    image<2> grid(rows, columns);
    for (float& value : grid.values()) value = static_cast<float>(normal(engine));
    // The grid with as many more nodes on each side as the filter reaches.
    const auto continued = [&](auto&& self, int i, int j, int c) -> double {
      if (rows > 1 && i < 0) return 2 * self(self, 0, j, c) - self(self, -i, j, c);
      if (rows > 1 && i >= rows) return 2 * self(self, rows - 1, j, c) - self(self, 2 * rows - 2 - i, j, c);
      if (columns > 1 && j < 0) return 2 * self(self, i, 0, c) - self(self, i, -j, c);
      if (columns > 1 && j >= columns)
        return 2 * self(self, i, columns - 1, c) - self(self, i, 2 * columns - 2 - j, c);
      return static_cast<double>(grid(rows > 1 ? i : 0, columns > 1 ? j : 0, c));
    };
    constexpr int height = 23;
    constexpr int width = 37;
    const displacement_field field = interpolate_displacements(grid, height, width);
    for (int y = 0; y < height; ++y) {
      for (int x = 0; x < width; ++x) {
        const double row = static_cast<double>(y) * (rows - 1) / (height - 1);
        const double column = static_cast<double>(x) * (columns - 1) / (width - 1);
        for (int c = 0; c < 2; ++c) {
          double sum = 0;
          for (int i = static_cast<int>(row) - 1; i <= static_cast<int>(row) + 2; ++i)
            for (int j = static_cast<int>(column) - 1; j <= static_cast<int>(column) + 2; ++j)
              if (keys(row - i) * keys(column - j) != 0)  // none beyond the last node's neighbor
                sum += keys(row - i) * keys(column - j) * continued(continued, i, j, c);
          REQUIRE(static_cast<double>(field(y, x, c)) == Approx(sum).margin(1e-4));
        }
      }
    }
  }
}

TEST_CASE("the same seed gives the same field; vectors have the deviation asked for") {
  const auto drawn = [](std::uint64_t seed) {
    random_sequence random(seed);
    return draw_elastic_deformation(33, 47, random);
  };
  CHECK(drawn(1) == drawn(1));
  CHECK_FALSE(drawn(1) == drawn(2));

  // The corners of the picture are vectors of the grid.
  random_sequence random(9);
  double sum = 0;
  double squares = 0;
  constexpr int rounds = 2000;
  for (int i = 0; i < rounds; ++i) {
    const displacement_field field = draw_elastic_deformation(3, 3, random, {.grid = 3, .deviation = 10});
    for (const float value : field.values()) {
      sum += static_cast<double>(value);
      squares += static_cast<double>(value) * static_cast<double>(value);
    }
  }
  CHECK(sum / (18 * rounds) == Approx(0).margin(0.25));  // 5 standard errors
  CHECK(std::sqrt(squares / (18 * rounds)) == Approx(10).margin(0.2));
}

TEST_CASE("fields of another extent, impossible displacements and options out of range are value errors") {
  const image<1> picture(8, 9);
  CHECK_THROWS_AS(deform(picture, displacement_field(9, 8)), value_error);
  CHECK_THROWS_AS(deform(picture, displacement_field(8, 9), {.how = resampling::area}), value_error);
  for (const float bad :
       {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity(), -2e6f}) {
    displacement_field field(8, 9);
    field(3, 3, 1) = bad;
    CHECK_THROWS_AS(deform(picture, field), value_error);
    CHECK_THROWS_AS(deform_labels(mask(8, 9), field), value_error);
  }
  random_sequence random;
  CHECK_THROWS_AS(draw_elastic_deformation(8, 9, random, {.grid = 0}), value_error);
  CHECK_THROWS_AS(draw_elastic_deformation(8, 9, random, {.deviation = -1}), value_error);
  CHECK_THROWS_AS(interpolate_displacements(image<2>(), 8, 9), value_error);
  CHECK(deform(image<1>(), displacement_field()).empty());
}

TEST_CASE("real sections and their labels deform alike") {
  const char* const data = std::getenv("LOOKALIKE_DATA");
  const auto folder = std::filesystem::path(data == nullptr ? "" : data) / "membrane";
  if (data == nullptr || !std::filesystem::exists(folder / "image" / "0.png")) {
    WARN("skipped: LOOKALIKE_DATA names no folder with membrane/image/0.png");
    return;
  }
  // Membranes are dark: after any deformation, labels must still tell dark from light as they did.
  const auto contrast = [](const image<1>& picture, const mask& labels) {
    double light = 0, dark = 0, light_count = 0, dark_count = 0;
    for (std::size_t i = 0; i < labels.values().size(); ++i) {
      const bool cell = labels.values()[i] != 0;
      (cell ? light : dark) += static_cast<double>(picture.values()[i]);
      ++(cell ? light_count : dark_count);
    }
    return light / light_count - dark / dark_count;
  };
  const image<1> picture = rgb_to_gray(read_image(folder / "image" / "0.png"));
  const mask labels = read_mask(folder / "label" / "0.png");
  REQUIRE(picture.height() == 512);
  REQUIRE(same_extent(picture, labels));
  const double before = contrast(picture, labels);
  CHECK(before > 0.1);
  random_sequence random(12);
  const displacement_field field = draw_elastic_deformation(512, 512, random);
  CHECK(contrast(deform(picture, field), deform_labels(labels, field)) == Approx(before).epsilon(0.15));
  CHECK(contrast(deform(picture, field), labels) < 0.5 * before);
}

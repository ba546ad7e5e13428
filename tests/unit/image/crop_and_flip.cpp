#include <cstdint>
#include <map>
#include <random>
#include <tuple>
#include <vector>

#include <catch2/catch.hpp>

#include <lookalike/image/crop_and_flip.hpp>

using namespace lookalike;

namespace {

template <class Value>
tensor<Value> random_pictures(int batch, int channels, int height, int width) {
  tensor<Value> pictures(batch, channels, height, width);
  std::mt19937 random(7);
  for (Value& value : pictures) value = static_cast<Value>(random() % 256);
  return pictures;
}

normalization random_normalization(int channels, int height, int width, bool of_places, bool scale_too) {
  std::mt19937 random(8);
  const auto numbers = [&](bool places) {
    tensor<float> result(1, channels, places ? height : 1, places ? width : 1);
    for (float& value : result) value = 1.0f + static_cast<float>(random() % 100) / 64.0f;
    return result;
  };
  return {numbers(of_places), numbers(of_places && scale_too)};
}

/// The definition, value by value.
template <class Value>
float expected_value(const tensor<Value>& pictures, std::int64_t n, const crop_and_flip& place,
                     const normalization& norm, std::int64_t c, std::int64_t y, std::int64_t x,
                     std::int64_t width) {
  const std::int64_t row = place.y + y;
  const std::int64_t column = place.x + (place.flipped ? width - 1 - x : x);
  if (row < 0 || row >= pictures.height() || column < 0 || column >= pictures.width()) return 0;
  const auto at = [&](const tensor<float>& numbers) {
    return numbers.height() > 1 ? numbers(0, c, row, column) : numbers(0, c);
  };
  return (static_cast<float>(pictures(n, c, row, column)) - at(norm.mean)) * at(norm.scale);
}

template <class Value>
void check_all_places() {
  const auto pictures = random_pictures<Value>(2, 3, 6, 5);
  for (const auto& [of_places, scale_too] : {std::pair{false, false}, {true, false}, {true, true}}) {
    const normalization norm = random_normalization(3, 6, 5, of_places, scale_too);
    for (const auto& [height, width] : {std::pair{6, 5}, {3, 4}, {9, 11}}) {
      tensor<float> out(1, 3, height, width);
      for (int y = -13; y <= 8; ++y) {
        for (int x = -13; x <= 8; ++x) {
          for (const bool flipped : {false, true}) {
            for (float& value : out) value = -99;
            const crop_and_flip place{y, x, flipped};
            write_crop_and_flip<Value>(sample_of(pictures.view(), 1), place, norm, out);
            bool same = true;
            for (int c = 0; c < 3; ++c)
              for (int row = 0; row < height; ++row)
                for (int column = 0; column < width; ++column)
                  same &= out(0, c, row, column) ==
                          expected_value(pictures, 1, place, norm, c, row, column, width);
            REQUIRE(same);
          }
        }
      }
    }
  }
}

}  // namespace

TEST_CASE("parts of pictures agree with the definition wherever they lie, of bytes and of floats") {
  check_all_places<std::uint8_t>();
  check_all_places<float>();
}

TEST_CASE("places are equally likely, each mirrored half of the time") {
  random_sequence random(3);
  std::map<std::tuple<int, int, bool>, int> counts;
  constexpr int draws = 40000;
  for (int i = 0; i < draws; ++i) {
    const crop_and_flip place = draw_crop_and_flip(6, 5, 6, 4, random, {.padding = 1});
    ++counts[{place.y, place.x, place.flipped}];
  }
  // rows -1 ... 1, columns -1 ... 2, two ways: 24 cases, each within 5 standard deviations of its mean
  REQUIRE(counts.size() == 24);
  for (const auto& [place, count] : counts) {
    CHECK(std::get<0>(place) >= -1);
    CHECK(std::get<0>(place) <= 1);
    CHECK(std::get<1>(place) >= -1);
    CHECK(std::get<1>(place) <= 2);
    CHECK(count == Approx(draws / 24.0).margin(200));
  }
  for (int i = 0; i < 50; ++i) {
    CHECK(draw_crop_and_flip(4, 4, 4, 4, random, {.padding = 0, .flip = false}) == crop_and_flip{});
  }
  CHECK_THROWS_AS(draw_crop_and_flip(4, 4, 7, 4, random, {.padding = 1}), value_error);
  CHECK_THROWS_AS(draw_crop_and_flip(4, 4, 4, 4, random, {.padding = -1}), value_error);
}

TEST_CASE("a batch has the pictures asked for, each augmented as its index and the seed say") {
  const auto pictures = random_pictures<std::uint8_t>(20, 3, 8, 8);
  const normalization norm = random_normalization(3, 8, 8, true, false);
  const std::vector<std::int64_t> indices{4, 19, 0, 4};
  tensor<float> batch(4, 3, 8, 8);
  augment_batch<std::uint8_t>(pictures, indices, norm, 11, batch);
  for (int slot = 0; slot < 4; ++slot) {
    const std::int64_t index = indices[static_cast<std::size_t>(slot)];
    random_sequence random(11, static_cast<std::uint64_t>(index));
    const crop_and_flip place = draw_crop_and_flip(8, 8, 8, 8, random);
    for (int c = 0; c < 3; ++c)
      for (int y = 0; y < 8; ++y)
        for (int x = 0; x < 8; ++x)
          REQUIRE(batch(slot, c, y, x) == expected_value(pictures, index, place, norm, c, y, x, 8));
  }
  tensor<float> again(2, 3, 8, 8);
  augment_batch<std::uint8_t>(pictures, std::vector<std::int64_t>{19, 4}, norm, 11, again);
  CHECK(again(0, 2, 3, 3) == batch(1, 2, 3, 3));
  CHECK(again(1, 1, 5, 2) == batch(0, 1, 5, 2));
}

TEST_CASE("strided batches are read and written in place") {
  const auto pictures = random_pictures<std::uint8_t>(1, 3, 4, 4);
  // The same numbers, channels last.
  std::vector<std::uint8_t> interleaved(48);
  for (std::size_t c = 0; c < 3; ++c)
    for (std::size_t p = 0; p < 16; ++p) interleaved[3 * p + c] = pictures.data()[16 * c + p];
  const tensor_view<const std::uint8_t> view{interleaved.data(), {1, 3, 4, 4}, {48, 1, 12, 3}};
  const normalization norm = uniform_normalization(3);
  const crop_and_flip place{-1, 1, true};
  tensor<float> expected(1, 3, 4, 4);
  write_crop_and_flip<std::uint8_t>(pictures, place, norm, expected);
  std::vector<float> out(48);
  const tensor_view<float> out_view{out.data(), {1, 3, 4, 4}, {48, 1, 12, 3}};
  write_crop_and_flip<std::uint8_t>(view, place, norm, out_view);
  CHECK(tensor<float>(out_view) == expected);
}

TEST_CASE("extents that disagree and indices that are not there are value errors") {
  const auto pictures = random_pictures<std::uint8_t>(2, 3, 8, 8);
  tensor<float> batch(1, 3, 8, 8);
  const normalization norm = uniform_normalization(3);
  const auto augment = [&](std::vector<std::int64_t> indices, const normalization& with, tensor<float>& to) {
    augment_batch<std::uint8_t>(pictures, indices, with, 0, to);
  };
  CHECK_THROWS_AS(augment({2}, norm, batch), value_error);
  CHECK_THROWS_AS(augment({-1}, norm, batch), value_error);
  CHECK_THROWS_AS(augment({0, 1}, norm, batch), value_error);
  CHECK_THROWS_AS(augment({0}, uniform_normalization(1), batch), value_error);
  tensor<float> gray(1, 1, 8, 8);
  CHECK_THROWS_AS(augment({0}, norm, gray), value_error);
  augment({1}, norm, batch);
}

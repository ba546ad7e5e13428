#pragma once

/// \file
/// Helpers of the tests of pictures: a folder that vanishes, bytes from digits, random pictures.

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <lookalike/image/image.hpp>
#include <lookalike/image/mask.hpp>

#include "../scratch_folder.hpp"

namespace scratch {

using folder = test::scratch_folder;

inline std::vector<std::byte> bytes_of(std::string_view digits) {
  const auto value = [](char digit) { return digit <= '9' ? digit - '0' : digit - 'a' + 10; };
  std::vector<std::byte> bytes(digits.size() / 2);
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    bytes[i] = static_cast<std::byte>(16 * value(digits[2 * i]) + value(digits[2 * i + 1]));
  }
  return bytes;
}

template <int Channels = 3>
lookalike::image<Channels> random_picture(int height, int width, unsigned seed) {
  lookalike::image<Channels> picture(height, width);
  std::mt19937 random(seed);
  std::uniform_real_distribution<float> uniform(0.0f, 1.0f);
  for (float& value : picture.values()) value = uniform(random);
  return picture;
}

inline lookalike::mask random_mask(int height, int width, double density, unsigned seed) {
  lookalike::mask hole(height, width);
  std::mt19937 random(seed);
  std::bernoulli_distribution missing(density);
  for (std::uint8_t& value : hole.values()) value = missing(random) ? 255 : 0;
  return hole;
}

inline double largest_difference(std::span<const float> a, std::span<const float> b) {
  REQUIRE(a.size() == b.size());
  double largest = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double difference = std::abs(static_cast<double>(a[i]) - static_cast<double>(b[i]));
    if (!(difference <= largest)) largest = difference;  // NaN stays
  }
  return largest;
}

/// A picture of one channel with given values, row after row.
inline lookalike::image<1> plane_of(std::span<const float> values, int height, int width) {
  lookalike::image<1> picture(height, width);
  REQUIRE(values.size() == picture.values().size());
  std::copy(values.begin(), values.end(), picture.values().begin());
  return picture;
}

}  // namespace scratch

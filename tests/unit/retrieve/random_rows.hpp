#pragma once

/// \file
/// Vectors and small pictures of random numbers, for the tests of look-up.

#include <cstdint>
#include <vector>

#include <lookalike/core/random.hpp>
#include <lookalike/core/tensor.hpp>

namespace test {

/// Normally distributed numbers around `offset`.
inline lookalike::tensor<float> random_rows(std::int64_t count, std::int64_t dimension, std::uint64_t seed,
                                            double scale = 1, double offset = 0) {
  lookalike::tensor<float> rows(count, dimension);
  lookalike::random_sequence random(seed);
  for (float& value : rows) value = static_cast<float>(offset + scale * random.normal());
  return rows;
}

inline std::vector<float> row_of(const lookalike::tensor<float>& rows, std::int64_t i) {
  const std::int64_t dimension = rows.size() / rows.batch();
  return {rows.data() + i * dimension, rows.data() + (i + 1) * dimension};
}

/// Colors of `count` pictures, side x side.
inline lookalike::tensor<std::uint8_t> random_pictures(std::int64_t count, std::int64_t side,
                                                       std::uint64_t seed) {
  lookalike::tensor<std::uint8_t> pictures(count, 3, side, side);
  lookalike::random_sequence random(seed);
  for (std::uint8_t& value : pictures) value = static_cast<std::uint8_t>(random.integer(256));
  return pictures;
}

}  // namespace test

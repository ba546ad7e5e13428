#pragma once

/// \file
/// The standard deviation of what surrounds each pixel of a row.

#include <cmath>
#include <cstddef>

#include <xsimd/xsimd.hpp>

#include <lookalike/simd/instruction_set.hpp>

namespace lookalike::simd::inline LOOKALIKE_SIMD_NAMESPACE {

/// deviations[x], for x < width, is the standard deviation (of the population) of the `size` x `size` values
/// rows[0..size)[x..x + size). First the mean, then what differs from it: no cancellation in flat windows.
inline void window_deviations(const float* const* rows, int size, float* deviations, std::ptrdiff_t width) {
  using floats = xsimd::batch<float>;
  constexpr auto lanes = static_cast<std::ptrdiff_t>(floats::size);
  const float share = 1.0f / static_cast<float>(size * size);
  std::ptrdiff_t x = 0;
  for (; x + lanes <= width; x += lanes) {
    floats sum(0.0f);
    for (int dy = 0; dy < size; ++dy)
      for (int dx = 0; dx < size; ++dx) sum += floats::load_unaligned(rows[dy] + x + dx);
    const floats mean = sum * floats(share);
    floats squares(0.0f);
    for (int dy = 0; dy < size; ++dy) {
      for (int dx = 0; dx < size; ++dx) {
        const floats difference = floats::load_unaligned(rows[dy] + x + dx) - mean;
        squares = xsimd::fma(difference, difference, squares);
      }
    }
    xsimd::sqrt(squares * floats(share)).store_unaligned(deviations + x);
  }
  for (; x < width; ++x) {
    float sum = 0;
    for (int dy = 0; dy < size; ++dy)
      for (int dx = 0; dx < size; ++dx) sum += rows[dy][x + dx];
    const float mean = sum * share;
    float squares = 0;
    for (int dy = 0; dy < size; ++dy) {
      for (int dx = 0; dx < size; ++dx) {
        const float difference = rows[dy][x + dx] - mean;
        squares = xsimd::fma(difference, difference, squares);
      }
    }
    deviations[x] = std::sqrt(squares * share);
  }
}

}  // namespace lookalike::simd::inline LOOKALIKE_SIMD_NAMESPACE

#pragma once

/// \file
/// Weighted sums of rows of floats: what separable filters and resampling come down to.

#include <cstddef>

#include <xsimd/xsimd.hpp>

#include <lookalike/simd/instruction_set.hpp>

namespace lookalike::simd::inline LOOKALIKE_SIMD_NAMESPACE {

/// out[i] = sum over k < taps of weights[k] * rows[k][i], for i < count. The sum runs in the order of k.
inline void weighted_sum_of_rows(const float* const* rows, const float* weights, int taps, float* out,
                                 std::ptrdiff_t count) {
  using floats = xsimd::batch<float>;
  constexpr auto lanes = static_cast<std::ptrdiff_t>(floats::size);
  std::ptrdiff_t i = 0;
  for (; i + 4 * lanes <= count; i += 4 * lanes) {
    floats sums[4] = {floats(0.0f), floats(0.0f), floats(0.0f), floats(0.0f)};
    for (int k = 0; k < taps; ++k) {
      const floats weight(weights[k]);
      const float* row = rows[k] + i;
      for (int u = 0; u < 4; ++u)
        sums[u] = xsimd::fma(weight, floats::load_unaligned(row + u * lanes), sums[u]);
    }
    for (int u = 0; u < 4; ++u) sums[u].store_unaligned(out + i + u * lanes);
  }
  for (; i + lanes <= count; i += lanes) {
    floats sum(0.0f);
    for (int k = 0; k < taps; ++k) {
      sum = xsimd::fma(floats(weights[k]), floats::load_unaligned(rows[k] + i), sum);
    }
    sum.store_unaligned(out + i);
  }
  for (; i < count; ++i) {
    float sum = 0;
    for (int k = 0; k < taps; ++k) sum = xsimd::fma(weights[k], rows[k][i], sum);
    out[i] = sum;
  }
}

/// out[i] = sum over k < taps of weights[k] * row[i + k * stride], for i < count: a filter along a row whose
/// pixels have `stride` channels.
inline void filter_row(const float* row, std::ptrdiff_t stride, const float* weights, int taps, float* out,
                       std::ptrdiff_t count) {
  using floats = xsimd::batch<float>;
  constexpr auto lanes = static_cast<std::ptrdiff_t>(floats::size);
  std::ptrdiff_t i = 0;
  for (; i + 4 * lanes <= count; i += 4 * lanes) {
    floats sums[4] = {floats(0.0f), floats(0.0f), floats(0.0f), floats(0.0f)};
    const float* from = row + i;
    for (int k = 0; k < taps; ++k, from += stride) {
      const floats weight(weights[k]);
      for (int u = 0; u < 4; ++u) {
        sums[u] = xsimd::fma(weight, floats::load_unaligned(from + u * lanes), sums[u]);
      }
    }
    for (int u = 0; u < 4; ++u) sums[u].store_unaligned(out + i + u * lanes);
  }
  for (; i < count; ++i) {
    float sum = 0;
    for (int k = 0; k < taps; ++k) sum = xsimd::fma(weights[k], row[i + k * stride], sum);
    out[i] = sum;
  }
}

}  // namespace lookalike::simd::inline LOOKALIKE_SIMD_NAMESPACE

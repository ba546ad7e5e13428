#pragma once

/// \file
/// Weighted sums of rows of floats, or of bytes as floats in [0, 1]: what separable filters and resampling
/// come down to.

#include <cstddef>
#include <cstdint>

#include <lookalike/simd/detail/xsimd.hpp>
#include <lookalike/simd/instruction_set.hpp>

namespace lookalike::simd::inline LOOKALIKE_SIMD_NAMESPACE {

namespace rows_detail {

inline float as_float(float value) {
  return value;
}
inline float as_float(std::uint8_t value) {
  return static_cast<float>(value) * (1.0f / 255.0f);
}
inline xsimd::batch<float> load(const float* from) {
  return xsimd::batch<float>::load_unaligned(from);
}
inline xsimd::batch<float> load(const std::uint8_t* from) {
  // Through integers: compilers make one instruction of each loop.
  constexpr std::size_t lanes = xsimd::batch<float>::size;
  alignas(64) std::int32_t widened[lanes];
  for (std::size_t i = 0; i < lanes; ++i) widened[i] = from[i];
  return xsimd::to_float(xsimd::batch<std::int32_t>::load_aligned(widened)) *
         xsimd::batch<float>(1.0f / 255.0f);
}

/// out[i] = sum over k < taps of weights[k] * source(k)[i], for i < count, in the order of k.
template <class Source>
inline void weighted_sum(const Source& source, const float* weights, int taps, float* out,
                         std::ptrdiff_t count) {
  using floats = xsimd::batch<float>;
  constexpr auto lanes = static_cast<std::ptrdiff_t>(floats::size);
  std::ptrdiff_t i = 0;
  for (; i + 4 * lanes <= count; i += 4 * lanes) {
    floats first(0.0f);
    floats second(0.0f);
    floats third(0.0f);
    floats fourth(0.0f);
    for (int k = 0; k < taps; ++k) {
      const floats weight(weights[k]);
      const auto* from = source(k) + i;
      first = xsimd::fma(weight, load(from), first);
      second = xsimd::fma(weight, load(from + lanes), second);
      third = xsimd::fma(weight, load(from + 2 * lanes), third);
      fourth = xsimd::fma(weight, load(from + 3 * lanes), fourth);
    }
    first.store_unaligned(out + i);
    second.store_unaligned(out + i + lanes);
    third.store_unaligned(out + i + 2 * lanes);
    fourth.store_unaligned(out + i + 3 * lanes);
  }
  for (; i + lanes <= count; i += lanes) {
    floats sum(0.0f);
    for (int k = 0; k < taps; ++k) sum = xsimd::fma(floats(weights[k]), load(source(k) + i), sum);
    sum.store_unaligned(out + i);
  }
  for (; i < count; ++i) {
    float sum = 0;
    for (int k = 0; k < taps; ++k) sum = xsimd::fma(weights[k], as_float(source(k)[i]), sum);
    out[i] = sum;
  }
}

}  // namespace rows_detail

/// out[i] = sum over k < taps of weights[k] * rows[k][i], for i < count; bytes count as 0 to 1.
template <class Value>
inline void weighted_sum_of_rows(const Value* const* rows, const float* weights, int taps, float* out,
                                 std::ptrdiff_t count) {
  rows_detail::weighted_sum([rows](int k) { return rows[k]; }, weights, taps, out, count);
}

/// out[i] = sum over k < taps of weights[k] * row[i + k * stride], for i < count: a filter along a row whose
/// pixels have `stride` channels.
inline void filter_row(const float* row, std::ptrdiff_t stride, const float* weights, int taps, float* out,
                       std::ptrdiff_t count) {
  rows_detail::weighted_sum([row, stride](int k) { return row + k * stride; }, weights, taps, out, count);
}

}  // namespace lookalike::simd::inline LOOKALIKE_SIMD_NAMESPACE

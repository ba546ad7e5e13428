#pragma once

/// \file
/// The sums behind a weighted correlation, or squared distance, of bytes with a vector of floats.

#include <cstddef>
#include <cstdint>

#include <lookalike/simd/detail/xsimd.hpp>
#include <lookalike/simd/instruction_set.hpp>

namespace lookalike::simd::inline LOOKALIKE_SIMD_NAMESPACE {

/// Over all i: sum of w[i] b[i], of w[i] b[i]^2, and of w[i] a[i] b[i].
struct byte_sums {
  double b = 0;
  double bb = 0;
  double ab = 0;
};

/// `weights` w and `weighted` w a, with `count` floats each; `bytes` b.
inline byte_sums weighted_byte_sums(std::ptrdiff_t count, const float* weights, const float* weighted,
                                    const std::uint8_t* bytes) {
  using batch = xsimd::batch<float>;
  constexpr auto lanes = static_cast<std::ptrdiff_t>(batch::size);
  constexpr std::ptrdiff_t run = 32 * lanes;  // short enough for float sums of bytes squared
  byte_sums sums;
  std::ptrdiff_t i = 0;
  while (i + lanes <= count) {
    batch b_sum(0.0f), bb_sum(0.0f), ab_sum(0.0f);
    const std::ptrdiff_t end = i + run < count ? i + run : count;
    for (; i + lanes <= end; i += lanes) {
      alignas(64) float converted[lanes];
      for (std::ptrdiff_t lane = 0; lane < lanes; ++lane)
        converted[lane] = static_cast<float>(bytes[i + lane]);
      const batch b = batch::load_aligned(converted);
      const batch wb = b * batch::load_unaligned(weights + i);
      b_sum += wb;
      bb_sum = xsimd::fma(wb, b, bb_sum);
      ab_sum = xsimd::fma(b, batch::load_unaligned(weighted + i), ab_sum);
    }
    sums.b += static_cast<double>(xsimd::hadd(b_sum));
    sums.bb += static_cast<double>(xsimd::hadd(bb_sum));
    sums.ab += static_cast<double>(xsimd::hadd(ab_sum));
  }
  for (; i < count; ++i) {
    const double b = static_cast<double>(bytes[i]);
    sums.b += static_cast<double>(weights[i]) * b;
    sums.bb += static_cast<double>(weights[i]) * b * b;
    sums.ab += static_cast<double>(weighted[i]) * b;
  }
  return sums;
}

}  // namespace lookalike::simd::inline LOOKALIKE_SIMD_NAMESPACE

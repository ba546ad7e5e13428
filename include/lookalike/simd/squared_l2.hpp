#pragma once

/// \file
/// The squared Euclidean distance of two runs of floats: the hot loop of context matching.

#include <cstddef>

#include <lookalike/simd/detail/xsimd.hpp>
#include <lookalike/simd/instruction_set.hpp>

namespace lookalike::simd::inline LOOKALIKE_SIMD_NAMESPACE {

/// Sum over i < count of (a[i] - b[i])^2. The pointers need no alignment. Four accumulators hide the latency
/// of the multiply-add; the sum's error grows with count / 32, so callers add runs of a few thousand up in
/// double precision.
inline float squared_l2(const float* a, const float* b, std::size_t count) {
  using batch = xsimd::batch<float>;
  constexpr std::size_t lanes = batch::size;
  batch sums[4] = {batch(0.0f), batch(0.0f), batch(0.0f), batch(0.0f)};
  std::size_t i = 0;
  for (; i + 4 * lanes <= count; i += 4 * lanes) {
    for (std::size_t k = 0; k < 4; ++k) {
      const batch difference =
          batch::load_unaligned(a + i + k * lanes) - batch::load_unaligned(b + i + k * lanes);
      sums[k] = xsimd::fma(difference, difference, sums[k]);
    }
  }
  for (; i + lanes <= count; i += lanes) {
    const batch difference = batch::load_unaligned(a + i) - batch::load_unaligned(b + i);
    sums[0] = xsimd::fma(difference, difference, sums[0]);
  }
  float sum = xsimd::hadd((sums[0] + sums[1]) + (sums[2] + sums[3]));
  for (; i < count; ++i) sum += (a[i] - b[i]) * (a[i] - b[i]);
  return sum;
}

}  // namespace lookalike::simd::inline LOOKALIKE_SIMD_NAMESPACE

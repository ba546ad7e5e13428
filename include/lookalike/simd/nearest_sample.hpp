#pragma once

/// \file
/// For every pixel of a row the nearest of a few samples, in a handful of features: many pixels at a time
/// against one sample after another, so that nothing but the samples is read twice.

#include <cstddef>
#include <cstdint>
#include <limits>

#include <xsimd/xsimd.hpp>

#include <lookalike/simd/instruction_set.hpp>

namespace lookalike::simd::inline LOOKALIKE_SIMD_NAMESPACE {

/// nearest[i], for i < count, is the sample s that minimizes the sum over d < features of
/// (rows[d][i] - samples[s * features + d])^2; the first of equal ones, and 0 where none is a number. `rows`
/// may overlap. At most 2^24 samples.
inline void nearest_samples(const float* const* rows, int features, const float* samples, int sample_count,
                            std::int32_t* nearest, std::ptrdiff_t count) {
  using floats = xsimd::batch<float>;
  constexpr auto lanes = static_cast<std::ptrdiff_t>(floats::size);
  std::ptrdiff_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    floats least(std::numeric_limits<float>::infinity());
    floats best(0.0f);  // its number, exact as a float
    const float* sample = samples;
    for (std::int32_t s = 0; s < sample_count; ++s) {
      floats distance(0.0f);
      for (int d = 0; d < features; ++d, ++sample) {
        const floats difference = floats::load_unaligned(rows[d] + i) - floats(*sample);
        distance = xsimd::fma(difference, difference, distance);
      }
      const auto nearer = distance < least;
      least = xsimd::select(nearer, distance, least);
      best = xsimd::select(nearer, floats(static_cast<float>(s)), best);
    }
    xsimd::to_int(best).store_unaligned(nearest + i);
  }
  for (; i < count; ++i) {
    float least = std::numeric_limits<float>::infinity();
    nearest[i] = 0;
    const float* sample = samples;
    for (std::int32_t s = 0; s < sample_count; ++s) {
      float distance = 0;
      for (int d = 0; d < features; ++d, ++sample) {
        const float difference = rows[d][i] - *sample;
        distance = xsimd::fma(difference, difference, distance);
      }
      if (distance < least) {
        least = distance;
        nearest[i] = s;
      }
    }
  }
}

}  // namespace lookalike::simd::inline LOOKALIKE_SIMD_NAMESPACE

#pragma once

/// \file
/// Resampling along a row: every output pixel is a weighted sum of neighboring input pixels.

#include <cstddef>

#include <lookalike/simd/detail/xsimd.hpp>
#include <lookalike/simd/instruction_set.hpp>

namespace lookalike::simd::inline LOOKALIKE_SIMD_NAMESPACE {

/// Floats that `row` of `resample_row` must have behind its last pixel.
constexpr int resample_row_slack = 4;

/// Output pixel x, for x < width, is the sum over k < taps of weights[x * taps + k] times input pixel
/// firsts[x] + k. Pixels have `Channels` floats. `row` must be readable for `resample_row_slack` floats
/// beyond the last pixel used.
template <int Channels>
inline void resample_row(const float* row, const int* firsts, const float* weights, int taps, float* out,
                         int width) {
  if constexpr (Channels >= 2 && Channels <= 4) {
    // A pixel and what follows it, in one register of four floats.
    using pixel = xsimd::make_sized_batch_t<float, 4>;
    for (int x = 0; x < width; ++x, weights += taps, out += Channels) {
      const float* from = row + static_cast<std::ptrdiff_t>(firsts[x]) * Channels;
      pixel even(0.0f);
      pixel odd(0.0f);
      int k = 0;
      for (; k + 2 <= taps; k += 2, from += 2 * Channels) {
        even = xsimd::fma(pixel(weights[k]), pixel::load_unaligned(from), even);
        odd = xsimd::fma(pixel(weights[k + 1]), pixel::load_unaligned(from + Channels), odd);
      }
      if (k < taps) even = xsimd::fma(pixel(weights[k]), pixel::load_unaligned(from), even);
      alignas(16) float sum[4];
      (even + odd).store_aligned(sum);
      for (int c = 0; c < Channels; ++c) out[c] = sum[c];
    }
  } else {
    for (int x = 0; x < width; ++x, weights += taps, out += Channels) {
      const float* from = row + static_cast<std::ptrdiff_t>(firsts[x]) * Channels;
      float sum[Channels] = {};
      for (int k = 0; k < taps; ++k) {
        for (int c = 0; c < Channels; ++c) sum[c] = xsimd::fma(weights[k], from[k * Channels + c], sum[c]);
      }
      for (int c = 0; c < Channels; ++c) out[c] = sum[c];
    }
  }
}

}  // namespace lookalike::simd::inline LOOKALIKE_SIMD_NAMESPACE

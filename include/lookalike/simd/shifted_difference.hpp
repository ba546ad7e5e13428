#pragma once

/// \file
/// The hot loop of the distance in which every pixel may choose its own shift.

#include <algorithm>
#include <cstddef>
#include <limits>

#include <lookalike/simd/detail/xsimd.hpp>
#include <lookalike/simd/instruction_set.hpp>
#include <lookalike/simd/warp.hpp>

namespace lookalike::simd::inline LOOKALIKE_SIMD_NAMESPACE {

/// Sum over the pixels (y, x) of the least, over |dy|, |dx| <= window, of the sum over planes of
/// (fixed(y, x) - moving(y + dy, x + dx))^2. `moving` holds `window` rows and columns beyond each border, and
/// both a register's width more to the right.
inline double shifted_squared_l2(int window, const warp_planes<const float>& fixed,
                                 const warp_planes<const float>& moving) {
  using batch = xsimd::batch<float>;
  constexpr int lanes = static_cast<int>(batch::size);
  constexpr int planes_at_once = 3;
  batch total(0.0f);
  float rest = 0;
  for (int y = 0; y < fixed.height; ++y) {
    for (int x = 0; x < fixed.width; x += lanes) {
      const float* const here = fixed.data + y * fixed.row_stride + x;
      const float* const there = moving.data + y * moving.row_stride + x;
      batch least(std::numeric_limits<float>::max());
      if (fixed.planes == planes_at_once) {  // color: what is compared stays in registers
        const batch red = batch::load_unaligned(here);
        const batch green = batch::load_unaligned(here + fixed.plane_stride);
        const batch blue = batch::load_unaligned(here + 2 * fixed.plane_stride);
        for (int dy = -window; dy <= window; ++dy) {
          const float* const row = there + dy * moving.row_stride;
          for (int dx = -window; dx <= window; ++dx) {
            const batch r = red - batch::load_unaligned(row + dx);
            const batch g = green - batch::load_unaligned(row + dx + moving.plane_stride);
            const batch b = blue - batch::load_unaligned(row + dx + 2 * moving.plane_stride);
            least = xsimd::min(least, xsimd::fma(r, r, xsimd::fma(g, g, b * b)));
          }
        }
      } else {
        for (int dy = -window; dy <= window; ++dy) {
          for (int dx = -window; dx <= window; ++dx) {
            batch sum(0.0f);
            for (int plane = 0; plane < fixed.planes; ++plane) {
              const batch difference =
                  batch::load_unaligned(here + plane * fixed.plane_stride) -
                  batch::load_unaligned(there + plane * moving.plane_stride + dy * moving.row_stride + dx);
              sum = xsimd::fma(difference, difference, sum);
            }
            least = xsimd::min(least, sum);
          }
        }
      }
      const int count = std::min(lanes, fixed.width - x);
      if (count == lanes) {
        total += least;
      } else {
        alignas(64) float values[lanes];
        least.store_aligned(values);
        for (int lane = 0; lane < count; ++lane) rest += values[lane];
      }
    }
  }
  return static_cast<double>(xsimd::hadd(total)) + static_cast<double>(rest);
}

}  // namespace lookalike::simd::inline LOOKALIKE_SIMD_NAMESPACE

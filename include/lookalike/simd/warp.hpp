#pragma once

/// \file
/// The hot loop of warping one small picture onto another by translation and scale: read it between its
/// pixels (bilinearly), and add up the squared differences and what Gauss and Newton's method needs.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

#include <lookalike/core/memory.hpp>
#include <lookalike/simd/detail/xsimd.hpp>
#include <lookalike/simd/instruction_set.hpp>

namespace lookalike::simd::inline LOOKALIKE_SIMD_NAMESPACE {

/// Planes of a small picture with room at the sides of every row: `data` is pixel (0, 0) of the first plane.
template <class Scalar>
struct warp_planes {
  Scalar* data = nullptr;
  int planes = 0;
  int height = 0;
  int width = 0;
  std::ptrdiff_t row_stride = 0;
  std::ptrdiff_t plane_stride = 0;

  constexpr operator warp_planes<const Scalar>() const requires(!std::is_const_v<Scalar>) {
    return {data, planes, height, width, row_stride, plane_stride};
  }
};

/// Of a warp with parameters (right, down, step): sum of r^2, J^T r and the upper triangle of J^T J, where r
/// is the warped picture less the fixed one.
struct warp_sums {
  double squared = 0;
  double gradient[3] = {};
  double normal[6] = {};  // (0,0) (0,1) (0,2) (1,1) (1,2) (2,2)
};

/// Where a warp reads: pixel (y, x) at (cy + (y - cy) step + down, cx + (x - cx) step + right), c the
/// center. Each register of columns is read as a few neighboring registers with weights, so that nothing has
/// to be gathered; what lies beyond `width` has weight 0.
class warp_columns {
 public:
  using batch = xsimd::batch<float>;
  static constexpr int lanes = static_cast<int>(batch::size);

  void set(int width, float right, float step) {
    registers = (width + lanes - 1) / lanes;
    const float center = 0.5f * static_cast<float>(width - 1);
    positions_.resize(static_cast<std::size_t>(registers * lanes));
    first.resize(static_cast<std::size_t>(registers));
    taps = 2;
    // A lane reads at its own number beyond where its register begins, give or take a few.
    const auto whole_at = [&](int x) {
      return static_cast<int>(std::floor(positions_[static_cast<std::size_t>(x)]));
    };
    for (int r = 0; r < registers; ++r) {
      const int begin = r * lanes;
      const int end = std::min(width, begin + lanes);
      for (int x = begin; x < end; ++x) {
        positions_[static_cast<std::size_t>(x)] = center + (static_cast<float>(x) - center) * step + right;
      }
      int least = whole_at(begin), most = least;
      for (int x = begin + 1; x < end; ++x) {
        least = std::min(least, whole_at(x) - (x - begin));
        most = std::max(most, whole_at(x) - (x - begin));
      }
      first[static_cast<std::size_t>(r)] = least;
      taps = std::max(taps, most - least + 2);
    }
    const auto size = static_cast<std::size_t>(registers * taps * lanes);
    weights.assign(size, 0.0f);
    slopes.assign(size, 0.0f);
    offsets.assign(static_cast<std::size_t>(registers * lanes), 0.0f);
    for (int x = 0; x < width; ++x) {
      const int r = x / lanes;
      const float position = positions_[static_cast<std::size_t>(x)];
      const float whole = std::floor(position);
      const int tap = static_cast<int>(whole) - first[static_cast<std::size_t>(r)] - x % lanes;
      const auto left = static_cast<std::size_t>((r * taps + tap) * lanes + x % lanes);
      weights[left] = 1 - (position - whole);
      weights[left + lanes] = position - whole;
      slopes[left] = -1;
      slopes[left + lanes] = 1;
      offsets[static_cast<std::size_t>(x)] = static_cast<float>(x) - center;
    }
  }

  int registers = 0;
  int taps = 0;
  std::vector<int> first;         // column where a register begins to be read
  aligned_vector<float> weights;  // registers x taps x lanes
  aligned_vector<float> slopes;   // the same for the derivative along a row
  aligned_vector<float> offsets;  // of each column from the center

 private:
  std::vector<float> positions_;
};

/// Calls `visit(plane, y, register, value, down_slope, right_slope)` for all registers of the warped picture.
/// Rows beyond the border repeat it; `moving` holds as many columns beyond it as the warp reads.
template <bool Slopes, class Visit>
inline void for_each_warped(const warp_columns& columns, float down, float step,
                            const warp_planes<const float>& moving, const Visit& visit) {
  using batch = warp_columns::batch;
  constexpr auto lanes = static_cast<std::ptrdiff_t>(batch::size);
  const float center = 0.5f * static_cast<float>(moving.height - 1);
  for (int y = 0; y < moving.height; ++y) {
    const float position = center + (static_cast<float>(y) - center) * step + down;
    const float whole = std::floor(position);
    const int upper = std::clamp(static_cast<int>(whole), 0, moving.height - 1);
    const int lower = std::clamp(static_cast<int>(whole) + 1, 0, moving.height - 1);
    const batch fraction(position - whole);
    for (int plane = 0; plane < moving.planes; ++plane) {
      const float* const of_plane = moving.data + plane * moving.plane_stride;
      const float* const above = of_plane + upper * moving.row_stride;
      const float* const below = of_plane + lower * moving.row_stride;
      for (int r = 0; r < columns.registers; ++r) {
        const std::ptrdiff_t first = columns.first[static_cast<std::size_t>(r)];
        const float* const weights = columns.weights.data() + r * columns.taps * lanes;
        const float* const slopes = columns.slopes.data() + r * columns.taps * lanes;
        batch value(0.0f), down_slope(0.0f), right_slope(0.0f);
        for (int tap = 0; tap < columns.taps; ++tap) {
          const batch a = batch::load_unaligned(above + first + tap);
          const batch difference = batch::load_unaligned(below + first + tap) - a;
          const batch middle = xsimd::fma(fraction, difference, a);
          const batch weight = batch::load_aligned(weights + tap * lanes);
          value = xsimd::fma(weight, middle, value);
          if constexpr (Slopes) {
            down_slope = xsimd::fma(weight, difference, down_slope);
            right_slope = xsimd::fma(batch::load_aligned(slopes + tap * lanes), middle, right_slope);
          }
        }
        visit(plane, y, r, value, down_slope, right_slope);
      }
    }
  }
}

/// Sum of the squared differences of the warped picture and `fixed`, whose rows hold zeros beyond its width.
inline double warp_squared_l2(const warp_columns& columns, float down, float step,
                              const warp_planes<const float>& fixed, const warp_planes<const float>& moving) {
  using batch = warp_columns::batch;
  constexpr auto lanes = static_cast<std::ptrdiff_t>(batch::size);
  batch squared(0.0f);
  for_each_warped<false>(columns, down, step, moving,
                         [&](int plane, int y, int r, const batch& value, const batch&, const batch&) {
                           const batch residual =
                               value - batch::load_unaligned(fixed.data + plane * fixed.plane_stride +
                                                             y * fixed.row_stride + r * lanes);
                           squared = xsimd::fma(residual, residual, squared);
                         });
  return static_cast<double>(xsimd::hadd(squared));
}

/// The same with the sums of Gauss and Newton.
inline warp_sums warp_normal_equations(const warp_columns& columns, float down, float step,
                                       const warp_planes<const float>& fixed,
                                       const warp_planes<const float>& moving) {
  using batch = warp_columns::batch;
  constexpr auto lanes = static_cast<std::ptrdiff_t>(batch::size);
  const float center = 0.5f * static_cast<float>(moving.height - 1);
  batch rr(0.0f), xr(0.0f), yr(0.0f), sr(0.0f);
  batch xx(0.0f), xy(0.0f), xs(0.0f), yy(0.0f), ys(0.0f), ss(0.0f);
  for_each_warped<true>(
      columns, down, step, moving,
      [&](int plane, int y, int r, const batch& value, const batch& down_slope, const batch& right_slope) {
        const batch residual = value - batch::load_unaligned(fixed.data + plane * fixed.plane_stride +
                                                             y * fixed.row_stride + r * lanes);
        const batch across = batch::load_aligned(columns.offsets.data() + r * lanes);
        const batch along(static_cast<float>(y) - center);
        const batch step_slope = xsimd::fma(right_slope, across, down_slope * along);
        rr = xsimd::fma(residual, residual, rr);
        xr = xsimd::fma(right_slope, residual, xr);
        yr = xsimd::fma(down_slope, residual, yr);
        sr = xsimd::fma(step_slope, residual, sr);
        xx = xsimd::fma(right_slope, right_slope, xx);
        xy = xsimd::fma(right_slope, down_slope, xy);
        xs = xsimd::fma(right_slope, step_slope, xs);
        yy = xsimd::fma(down_slope, down_slope, yy);
        ys = xsimd::fma(down_slope, step_slope, ys);
        ss = xsimd::fma(step_slope, step_slope, ss);
      });
  const auto sum = [](const batch& b) { return static_cast<double>(xsimd::hadd(b)); };
  return {sum(rr), {sum(xr), sum(yr), sum(sr)}, {sum(xx), sum(xy), sum(xs), sum(yy), sum(ys), sum(ss)}};
}

/// Writes the warped picture.
inline void warp(const warp_columns& columns, float down, float step, const warp_planes<const float>& moving,
                 const warp_planes<float>& to) {
  using batch = warp_columns::batch;
  constexpr int lanes = static_cast<int>(batch::size);
  for_each_warped<false>(columns, down, step, moving,
                         [&](int plane, int y, int r, const batch& value, const batch&, const batch&) {
                           alignas(64) float values[lanes];
                           value.store_aligned(values);
                           const int count = std::min(lanes, to.width - r * lanes);
                           std::copy_n(values, count,
                                       to.data + plane * to.plane_stride + y * to.row_stride + r * lanes);
                         });
}

}  // namespace lookalike::simd::inline LOOKALIKE_SIMD_NAMESPACE

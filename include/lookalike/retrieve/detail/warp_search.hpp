#pragma once

/// \file
/// The search for the best translation, scale and mirroring of a small picture: a grid of starts at half the
/// resolution, then Gauss and Newton's method (with Levenberg and Marquardt's damping) from the best of them.

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <span>
#include <utility>
#include <vector>

#include <lookalike/core/memory.hpp>
#include <lookalike/retrieve/picture_warp.hpp>
#include <lookalike/simd/warp.hpp>

namespace lookalike::detail {

/// A copy of planes with room around them. The room repeats the border, or is zero.
class padded_planes {
 public:
  /// `rows` and `columns` are repeated on each side, and as many numbers more can be read behind a row as the
  /// kernels of simd/warp.hpp and simd/shifted_difference.hpp do.
  void set(std::span<const float> values, const planes_extent& extent, int rows, int columns, bool mirrored) {
    resize(extent, rows, columns);
    const auto width = static_cast<std::ptrdiff_t>(extent.width);
    for (int plane = 0; plane < extent.planes; ++plane) {
      for (int y = 0; y < extent.height; ++y) {
        const float* const from =
            values.data() + (static_cast<std::ptrdiff_t>(plane) * extent.height + y) * width;
        float* const to = view_.data + plane * view_.plane_stride + y * view_.row_stride;
        if (mirrored) {
          std::reverse_copy(from, from + width, to);
        } else {
          std::copy_n(from, width, to);
        }
      }
    }
    repeat_borders();
  }

  /// Takes the extent; the values are the caller's to write, and then `repeat_borders`.
  void resize(const planes_extent& extent, int rows, int columns) {
    rows_ = rows;
    columns_ = columns;
    const int behind = columns + 2 * simd::warp_columns::lanes + 8;
    const std::ptrdiff_t row_stride = columns + extent.width + behind;
    const std::ptrdiff_t plane_stride = row_stride * (extent.height + 2 * rows);
    values_.assign(static_cast<std::size_t>(plane_stride * extent.planes), 0.0f);
    view_ = {values_.data() + rows * row_stride + columns,
             extent.planes,
             extent.height,
             extent.width,
             row_stride,
             plane_stride};
  }

  void repeat_borders() {
    for (int plane = 0; plane < view_.planes; ++plane) {
      float* const corner = view_.data + plane * view_.plane_stride;
      for (int y = 0; y < view_.height; ++y) {
        float* const row = corner + y * view_.row_stride;
        std::fill_n(row - columns_, columns_, row[0]);
        std::fill_n(row + view_.width, columns_, row[view_.width - 1]);
      }
      for (int y = 1; y <= rows_; ++y) {
        const std::ptrdiff_t length = view_.width + 2 * columns_;
        const float* const last = corner + (view_.height - 1) * view_.row_stride - columns_;
        std::copy_n(corner - columns_, length, corner - columns_ - y * view_.row_stride);
        std::copy_n(last, length, corner - columns_ + (view_.height - 1 + y) * view_.row_stride);
      }
    }
  }

  const simd::warp_planes<float>& view() const { return view_; }

 private:
  aligned_vector<float> values_;
  simd::warp_planes<float> view_;
  int rows_ = 0;
  int columns_ = 0;
};

/// Means of 2 x 2 pixels.
inline std::vector<float> halved(std::span<const float> values, const planes_extent& extent) {
  const int height = extent.height / 2, width = extent.width / 2;
  std::vector<float> result;
  result.reserve(static_cast<std::size_t>(extent.planes * height * width));
  for (int plane = 0; plane < extent.planes; ++plane) {
    for (int y = 0; y < height; ++y) {
      const float* const row =
          values.data() + (static_cast<std::ptrdiff_t>(plane) * extent.height + 2 * y) * extent.width;
      for (int x = 0; x < 2 * width; x += 2) {
        result.push_back(0.25f * (row[x] + row[x + 1] + row[x + extent.width] + row[x + extent.width + 1]));
      }
    }
  }
  return result;
}

/// Not to be shared between threads.
class warp_search {
 public:
  explicit warp_search(const warp_options& options, const planes_extent& extent)
      : options_(options), extent_(extent) {
    if (std::min(extent.height, extent.width) >= 16)
      half_extent_ = {extent.planes, extent.height / 2, extent.width / 2};
  }

  warp_match operator()(std::span<const float> fixed, std::span<const float> moving) {
    full_.prepare(fixed, moving, extent_, options_, 1);
    coarse_ = half_extent_.planes > 0;
    if (coarse_) {
      half_.prepare(halved(fixed, extent_), halved(moving, extent_), half_extent_, options_, 0.5f);
    }
    candidate best = full_.evaluate(candidate{}.at, false);
    for (const bool mirrored : {false, true}) {
      if (mirrored && !options_.mirror) continue;
      const candidate start = coarse_ ? from_grid(half_, mirrored, true) : from_grid(full_, mirrored, false);
      const candidate found = full_.refine(start, options_.iterations);
      if (found.squared < best.squared) best = found;
    }
    const double limit = std::max(0.0, best.squared);
    return {static_cast<float>(limit), {best.at[1], best.at[0], 1 / best.at[2], best.mirrored}};
  }

  /// The moving picture of the last call, warped.
  void warp(const picture_warp& found, padded_planes& to) { full_.warp(found, to); }

 private:
  using parameters = std::array<float, 3>;  // right, down, step

  struct candidate {
    double squared = 0;
    parameters at{0, 0, 1};
    bool mirrored = false;
  };

  /// Both pictures at one resolution.
  class level {
   public:
    void prepare(std::span<const float> fixed, std::span<const float> moving, const planes_extent& extent,
                 const warp_options& options, float pixels) {
      bounds_ = {options.translation * pixels, options.translation * pixels, options.scale};
      const float reach = 0.5f * static_cast<float>(extent.width - 1) * (options.scale - 1);
      const int columns = static_cast<int>(std::ceil(bounds_[0] + reach)) + 2 + simd::warp_columns::lanes / 2;
      fixed_.resize(extent, 0, 0);
      const auto& to = fixed_.view();
      for (int row = 0; row < extent.planes * extent.height; ++row) {
        const int plane = row / extent.height, y = row % extent.height;
        std::copy_n(fixed.data() + static_cast<std::ptrdiff_t>(row) * extent.width, extent.width,
                    to.data + plane * to.plane_stride + y * to.row_stride);
      }
      moving_[0].set(moving, extent, 0, columns, false);
      if (options.mirror) moving_[1].set(moving, extent, 0, columns, true);
    }

    candidate evaluate(const parameters& at, bool mirrored) {
      columns_.set(fixed_.view().width, at[0], at[2]);
      return {simd::warp_squared_l2(columns_, at[1], at[2], fixed_.view(), moving(mirrored)), at, mirrored};
    }

    candidate refine(candidate start, int iterations) {
      simd::warp_sums sums = equations(start);
      double damping = 1e-3;
      for (int i = 0; i < iterations; ++i) {
        candidate next = start;
        next.at = clamped(moved(start.at, sums, damping));
        const float change = std::max({std::abs(next.at[0] - start.at[0]), std::abs(next.at[1] - start.at[1]),
                                       16 * std::abs(next.at[2] - start.at[2])});
        if (!(change > 2e-3f)) break;
        const simd::warp_sums there = equations(next);
        if (next.squared < start.squared) {
          const bool flat = start.squared - next.squared < 1e-5 * start.squared;
          start = next;
          sums = there;
          damping *= 0.1;
          if (flat) break;
        } else {
          damping = std::max(10 * damping, 1e-2);
          if (damping > 1e3) break;
        }
      }
      return start;
    }

    void warp(const picture_warp& found, padded_planes& to) {
      columns_.set(fixed_.view().width, found.right, 1 / found.scale);
      simd::warp(columns_, found.down, 1 / found.scale, moving(found.mirrored), to.view());
    }

    parameters clamped(parameters at) const {
      at[0] = std::clamp(at[0], -bounds_[0], bounds_[0]);
      at[1] = std::clamp(at[1], -bounds_[1], bounds_[1]);
      at[2] = std::clamp(at[2], 1 / bounds_[2], bounds_[2]);
      return at;
    }
    const parameters& bounds() const { return bounds_; }

   private:
    simd::warp_planes<const float> moving(bool mirrored) const { return moving_[mirrored ? 1 : 0].view(); }

    simd::warp_sums equations(candidate& of) {
      columns_.set(fixed_.view().width, of.at[0], of.at[2]);
      const auto sums =
          simd::warp_normal_equations(columns_, of.at[1], of.at[2], fixed_.view(), moving(of.mirrored));
      of.squared = sums.squared;
      return sums;
    }

    /// A step of Gauss and Newton. What is at its bound and would leave stays.
    parameters moved(const parameters& at, const simd::warp_sums& sums, double damping) const {
      constexpr int entry[3][3] = {{0, 1, 2}, {1, 3, 4}, {2, 4, 5}};
      double m[3][3], g[3];
      const parameters least{-bounds_[0], -bounds_[1], 1 / bounds_[2]};
      bool stays[3];
      for (std::size_t i = 0; i < 3; ++i) {
        stays[i] =
            (at[i] <= least[i] && sums.gradient[i] >= 0) || (at[i] >= bounds_[i] && sums.gradient[i] <= 0);
        g[i] = stays[i] ? 0 : sums.gradient[i];
      }
      for (std::size_t i = 0; i < 3; ++i) {
        for (std::size_t j = 0; j < 3; ++j) {
          const double value = sums.normal[entry[i][j]];
          m[i][j] = stays[i] || stays[j] ? (i == j ? 1.0 : 0.0) : i == j ? value * (1 + damping) : value;
        }
      }
      // Cramer's rule; columns of the adjugate are cross products of the rows.
      const auto cross = [&](std::size_t a, std::size_t b) {
        return std::array<double, 3>{m[a][1] * m[b][2] - m[a][2] * m[b][1],
                                     m[a][2] * m[b][0] - m[a][0] * m[b][2],
                                     m[a][0] * m[b][1] - m[a][1] * m[b][0]};
      };
      const auto c0 = cross(1, 2), c1 = cross(2, 0), c2 = cross(0, 1);
      const double determinant = m[0][0] * c0[0] + m[0][1] * c0[1] + m[0][2] * c0[2];
      parameters result = at;
      if (!(std::abs(determinant) > 1e-30)) return result;
      for (std::size_t i = 0; i < 3; ++i) {
        result[i] -= static_cast<float>((c0[i] * g[0] + c1[i] * g[1] + c2[i] * g[2]) / determinant);
      }
      return result;
    }

    padded_planes fixed_;
    padded_planes moving_[2];
    simd::warp_columns columns_;
    parameters bounds_{};
  };

  /// The best of a grid of translations and scales, refined at half the resolution, in full pixels.
  candidate from_grid(level& where, bool mirrored, bool halved) {
    std::vector<candidate> starts;
    const parameters& bounds = where.bounds();
    const float step = 1 + 0.6f * (bounds[2] - 1);
    std::vector<float> steps{1};
    if (bounds[2] > 1) steps.insert(steps.end(), {1 / step, step});
    for (const float s : steps) {
      for (const float down : {0.0f, -1.0f, 1.0f}) {
        for (const float right : {0.0f, -1.0f, 1.0f}) {
          if (bounds[0] == 0 && (down != 0 || right != 0)) continue;
          constexpr float between = 2.0f / 3;
          starts.push_back(
              where.evaluate({between * bounds[0] * right, between * bounds[1] * down, s}, mirrored));
        }
      }
    }
    const auto count =
        static_cast<std::ptrdiff_t>(std::min(starts.size(), static_cast<std::size_t>(options_.starts)));
    const auto better = [](const candidate& a, const candidate& b) { return a.squared < b.squared; };
    std::partial_sort(starts.begin(), starts.begin() + count, starts.end(), better);
    candidate best = starts.front();
    for (std::ptrdiff_t i = 0; i < count; ++i) {
      const candidate refined = where.refine(starts[static_cast<std::size_t>(i)], options_.iterations);
      if (better(refined, best)) best = refined;
    }
    if (halved) {
      best.at[0] *= 2;
      best.at[1] *= 2;
    }
    best.at = full_.clamped(best.at);
    return best;
  }

  warp_options options_;
  planes_extent extent_;
  planes_extent half_extent_{0, 0, 0};
  bool coarse_ = false;
  level full_;
  level half_;
};

}  // namespace lookalike::detail

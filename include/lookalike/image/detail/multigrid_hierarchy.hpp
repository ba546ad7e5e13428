#pragma once

/// \file
/// The coefficients of a masked Poisson equation on ever coarser grids.
///
/// Cells are centered and four make one of the next grid. A coarse cell has an unknown where any of its four
/// has. Coefficients are conductances of a network: between neighboring unknowns (one on the finest grid),
/// to pixels whose value is given, and to a ground that holds a screened pixel back. Coarse ones follow from
/// finite volumes, so a hole of any shape, however thin, keeps the connections it has.

#include <algorithm>
#include <cstddef>
#include <vector>

#include <lookalike/core/memory.hpp>
#include <lookalike/image/detail/picture_window.hpp>
#include <lookalike/image/mask.hpp>
#include <lookalike/simd/multigrid.hpp>

namespace lookalike::detail {

/// Floats on a grid with a border of zeros all around, rows on cache lines.
class padded_grid {
 public:
  padded_grid() = default;
  padded_grid(int height, int width)
      : pitch_(padded(width) + simd::multigrid_lanes),
        values_(static_cast<std::size_t>((height + 2) * pitch_ + 2 * simd::multigrid_lanes)) {}

  /// Row y, which may be -1 or the height.
  float* row(int y) { return values_.data() + (y + 1) * pitch_ + simd::multigrid_lanes; }
  const float* row(int y) const { return const_cast<padded_grid*>(this)->row(y); }
  void clear() { std::fill(values_.begin(), values_.end(), 0.0f); }

  static std::ptrdiff_t padded(int width) {
    constexpr std::ptrdiff_t lanes = simd::multigrid_lanes;
    return (width + lanes - 1) / lanes * lanes;
  }

 private:
  std::ptrdiff_t pitch_ = 0;
  aligned_vector<float> values_;
};

/// The equation on one grid. `diagonal` is the sum of a cell's conductances, zero where there is no unknown.
struct multigrid_level {
  int height;
  int width;
  padded_grid diagonal;
  padded_grid inverse_diagonal;
  padded_grid right;  ///< conductance to the right neighbor; empty on the finest grid, where all are one
  padded_grid down;   ///< conductance to the neighbor below; likewise

  std::ptrdiff_t count() const { return padded_grid::padded(width); }
};

/// All grids, finest first, down to a single cell.
class multigrid_hierarchy {
 public:
  /// Unknowns are the pixels of `window` where `unknown` is not zero; all other pixels of the picture have
  /// values, and beyond its border there is nothing (no flow). `screening`, if not null, is a conductance to
  /// the ground for each pixel.
  multigrid_hierarchy(const mask& unknown, const picture_window& window, const image<1>* screening) {
    multigrid_level finest = make_level(window.height(), window.width());
    padded_grid given(window.height(), window.width()), screens(window.height(), window.width());
    const auto is_unknown = [&](int y, int x) { return unknown.contains(y, x) && unknown(y, x) != 0; };
    for (int y = 0; y < finest.height; ++y) {
      for (int x = 0; x < finest.width; ++x) {
        const int py = window.top + y, px = window.left + x;
        if (!is_unknown(py, px)) continue;
        const bool right = is_unknown(py, px + 1), down = is_unknown(py + 1, px);
        finest.right.row(y)[x] = right ? 1.0f : 0.0f;
        finest.down.row(y)[x] = down ? 1.0f : 0.0f;
        const auto value_at = [&](int ny, int nx) {
          return unknown.contains(ny, nx) && unknown(ny, nx) == 0 ? 1.0f : 0.0f;
        };
        given.row(y)[x] =
            value_at(py, px + 1) + value_at(py, px - 1) + value_at(py + 1, px) + value_at(py - 1, px);
        if (screening != nullptr) screens.row(y)[x] = (*screening)(py, px);
      }
    }
    set_diagonal(finest, given, screens,
                 [&](int y, int x) { return is_unknown(window.top + y, window.left + x); });
    levels_.push_back(std::move(finest));
    // A pixel with a value lies one pixel away from the unknown; from the center of a cell of size s it is
    // s / 2 + 1 / 2 pixels away.
    for (double size = 1; levels_.back().height > 1 || levels_.back().width > 1; size *= 2) {
      coarsen(given, screens, static_cast<float>(0.5 * (size + 1) / (size + 0.5)));
    }
    levels_.front().right = levels_.front().down = padded_grid();
  }

  std::size_t depth() const { return levels_.size(); }
  const multigrid_level& level(std::size_t depth) const { return levels_[depth]; }

 private:
  static multigrid_level make_level(int height, int width) {
    const padded_grid zeros(height, width);
    return {height, width, zeros, zeros, zeros, zeros};
  }

  template <class IsUnknown>
  static void set_diagonal(multigrid_level& level, const padded_grid& given, const padded_grid& screens,
                           const IsUnknown& is_unknown) {
    for (int y = 0; y < level.height; ++y) {
      for (int x = 0; x < level.width; ++x) {
        const float* right = level.right.row(y) + x;
        const float sum = right[0] + right[-1] + level.down.row(y)[x] + level.down.row(y - 1)[x] +
                          given.row(y)[x] + screens.row(y)[x];
        // A picture of one pixel is an unknown without conductances: its value is anything, zero for us.
        if (!is_unknown(y, x) || sum <= 0) continue;
        level.diagonal.row(y)[x] = sum;
        level.inverse_diagonal.row(y)[x] = 1 / sum;
      }
    }
  }

  /// Adds the next level and replaces the conductances to given values and to the ground by its own.
  void coarsen(padded_grid& given, padded_grid& screens, float nearer) {
    const multigrid_level& fine = levels_.back();
    multigrid_level coarse = make_level((fine.height + 1) / 2, (fine.width + 1) / 2);
    padded_grid coarse_given(coarse.height, coarse.width), coarse_screens(coarse.height, coarse.width);
    const auto of_four = [](const padded_grid& grid, int y, int x) {
      const float *above = grid.row(2 * y) + 2 * x, *below = grid.row(2 * y + 1) + 2 * x;
      return above[0] + above[1] + below[0] + below[1];
    };
    for (int y = 0; y < coarse.height; ++y) {
      for (int x = 0; x < coarse.width; ++x) {
        // Two links side by side conduct twice as well, over twice the distance half as well.
        coarse.right.row(y)[x] =
            0.5f * (fine.right.row(2 * y)[2 * x + 1] + fine.right.row(2 * y + 1)[2 * x + 1]);
        coarse.down.row(y)[x] =
            0.5f * (fine.down.row(2 * y + 1)[2 * x] + fine.down.row(2 * y + 1)[2 * x + 1]);
        coarse_given.row(y)[x] = nearer * of_four(given, y, x);
        coarse_screens.row(y)[x] = of_four(screens, y, x);
      }
    }
    set_diagonal(coarse, coarse_given, coarse_screens,
                 [&](int y, int x) { return of_four(fine.diagonal, y, x) > 0; });
    given = std::move(coarse_given);
    screens = std::move(coarse_screens);
    levels_.push_back(std::move(coarse));
  }

  std::vector<multigrid_level> levels_;
};

}  // namespace lookalike::detail

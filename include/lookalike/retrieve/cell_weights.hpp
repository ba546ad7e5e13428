#pragma once

/// \file
/// How much of each cell of a grid is known: the weights of a descriptor of a picture with a hole.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <lookalike/image/mask.hpp>

namespace lookalike {

namespace detail {

/// Calls `visit(cell, overlap)` for the cells that pixel `position` of `extent` lies in, when `cells` equal
/// cells divide the extent. Lengths are in units of 1/cells of a pixel, so that they are whole numbers and a
/// cell is `extent` long.
template <class Visit>
void for_each_overlap(std::int64_t position, std::int64_t extent, std::int64_t cells, const Visit& visit) {
  const std::int64_t begin = position * cells;
  const std::int64_t end = begin + cells;
  for (std::int64_t cell = begin / extent; cell * extent < end; ++cell) {
    visit(static_cast<std::size_t>(cell),
          std::min(end, (cell + 1) * extent) - std::max(begin, cell * extent));
  }
}

}  // namespace detail

/// The known fraction of each of `grid` x `grid` equal cells, row after row; exactly 1 where nothing is
/// missing and 0 where all is. Pixels on the border between cells count for the part that lies in each.
/// Throws `value_error` for an empty mask and a grid below 1.
inline std::vector<float> cell_weights(const mask& hole, int grid) {
  require(!hole.empty() && grid > 0, "cell_weights: given a mask of ", hole.height(), "x", hole.width(),
          " (height x width) and a grid of ", grid, ", wanted at least one pixel and one cell");
  const auto cells = static_cast<std::size_t>(grid);
  std::vector<std::int64_t> known(cells * cells);
  std::vector<std::int64_t> of_row(cells);
  for (int y = 0; y < hole.height(); ++y) {
    std::fill(of_row.begin(), of_row.end(), 0);
    for (int x = 0; x < hole.width(); ++x) {
      if (hole(y, x) != 0) continue;
      detail::for_each_overlap(x, hole.width(), grid,
                               [&](std::size_t cell, std::int64_t overlap) { of_row[cell] += overlap; });
    }
    detail::for_each_overlap(y, hole.height(), grid, [&](std::size_t cell, std::int64_t overlap) {
      for (std::size_t x = 0; x < cells; ++x) known[cell * cells + x] += overlap * of_row[x];
    });
  }
  const double whole = static_cast<double>(hole.height()) * hole.width();
  std::vector<float> weights;
  for (std::int64_t area : known) weights.push_back(static_cast<float>(static_cast<double>(area) / whole));
  return weights;
}

}  // namespace lookalike

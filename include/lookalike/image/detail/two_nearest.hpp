#pragma once

/// \file
/// Exact distances to the nearest and the second nearest of many regions at once.

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include <lookalike/image/detail/row_blocks.hpp>
#include <lookalike/image/distance.hpp>
#include <lookalike/image/image.hpp>

namespace lookalike::detail {

/// For each pixel, its distances in pixels to the nearest region and to the nearest of the others.
struct two_distances {
  image<1> nearest;
  image<1> second;
};

/// The two regions nearest to a pixel within its column, and how many rows away they are; label 0 for none.
struct nearest_in_column {
  std::array<std::int32_t, 2> labels{};
  std::array<std::int32_t, 2> rows{};
};

/// Within a column, only the two nearest regions count: of any pixel's nearest region (of its nearest but
/// one), the point that is nearest lies in some column, and there no two others can be nearer.
inline image<1, nearest_in_column> nearest_in_columns(const image<1, std::int32_t>& labels) {
  constexpr std::int32_t none = std::numeric_limits<std::int32_t>::max();
  image<1, nearest_in_column> nearest(labels.height(), labels.width(), {{0, 0}, {none, none}});
  const auto offer = [](nearest_in_column& to, std::int32_t label, std::int32_t rows) {
    if (label == 0) return;
    if (label == to.labels[0]) {
      to.rows[0] = std::min(to.rows[0], rows);
    } else if (rows < to.rows[0]) {
      to = {{label, to.labels[0]}, {rows, to.rows[0]}};
    } else if (rows < to.rows[1]) {
      to.labels[1] = label;
      to.rows[1] = rows;
    }
  };
  const auto sweep = [&](int y, int neighbor) {
    for (int x = 0; x < labels.width(); ++x) {
      nearest_in_column& here = nearest(y, x);
      offer(here, labels(y, x), 0);
      if (neighbor < 0 || neighbor >= labels.height()) continue;
      const nearest_in_column there = nearest(neighbor, x);
      for (std::size_t k = 0; k < 2; ++k)
        if (there.labels[k] != 0) offer(here, there.labels[k], there.rows[k] + 1);
    }
  };
  for (int y = 0; y < labels.height(); ++y) sweep(y, y - 1);
  for (int y = labels.height() - 1; y >= 0; --y) sweep(y, y + 1);
  return nearest;
}

/// Distances from every pixel to the regions of a map of labels (0: none), infinite where there is none.
///
/// Row by row: the lower envelope of the columns' parabolas is the distance to the nearest region. Without
/// region L the envelope is the same where another one is nearest, and the distance to the second where L is;
/// so the second distance is the largest over all L that can be nearest. O(pixels x such L in a row).
inline two_distances distances_to_two_nearest(const image<1, std::int32_t>& labels) {
  constexpr double nanoseconds_a_pixel = 150;
  constexpr std::int32_t none = std::numeric_limits<std::int32_t>::max();
  const auto in_columns = nearest_in_columns(labels);
  const int width = labels.width();
  const auto size = static_cast<std::size_t>(width);
  two_distances result{image<1>(labels.height(), width), image<1>(labels.height(), width)};
  for_row_blocks(labels.height(), nanoseconds_a_pixel * width, [&](int begin, int end) {
    parabola_envelope envelope(width);
    std::vector<std::int32_t> rows(size);
    std::vector<std::int32_t> regions(size);
    std::vector<float> distances(size);
    for (int y = begin; y < end; ++y) {
      const auto columns = in_columns.row(y);
      for (std::size_t x = 0; x < size; ++x) {
        rows[x] = columns[x].rows[0];
        regions[x] = columns[x].labels[0];
      }
      envelope.sample(rows.data(), none, width, result.nearest.row(y).data());
      std::copy(result.nearest.row(y).begin(), result.nearest.row(y).end(), result.second.row(y).begin());
      std::sort(regions.begin(), regions.end());
      const auto last = std::unique(regions.begin(), regions.end());
      for (auto region = regions.begin(); region != last; ++region) {
        if (*region == 0) continue;
        for (std::size_t x = 0; x < size; ++x)
          rows[x] = columns[x].labels[0] == *region ? columns[x].rows[1] : columns[x].rows[0];
        envelope.sample(rows.data(), none, width, distances.data());
        for (std::size_t x = 0; x < size; ++x)
          result.second.row(y)[x] = std::max(result.second.row(y)[x], distances[x]);
      }
      regions.resize(size);
    }
  });
  return result;
}

}  // namespace lookalike::detail

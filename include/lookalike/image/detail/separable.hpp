#pragma once

/// \file
/// Separable filters: one kernel down the columns, then one along the rows.

#include <algorithm>
#include <cstddef>
#include <span>
#include <vector>

#include <lookalike/core/memory.hpp>
#include <lookalike/image/border.hpp>
#include <lookalike/image/detail/row_blocks.hpp>
#include <lookalike/image/image.hpp>
#include <lookalike/simd/rows.hpp>

namespace lookalike::detail {

/// Copies a row of `width` pixels to `padded`, with `reach` pixels of the border's values on either side.
template <int Channels>
void pad_row(const float* row, int width, int reach, border beyond, float* padded) {
  std::copy_n(row, static_cast<std::size_t>(width) * Channels,
              padded + static_cast<std::ptrdiff_t>(reach) * Channels);
  const auto fill = [&](int x) {
    const int source = inside(x, width, beyond);
    float* target = padded + static_cast<std::ptrdiff_t>(x + reach) * Channels;
    for (int c = 0; c < Channels; ++c) {
      target[c] = source < 0 ? 0.0f : row[static_cast<std::ptrdiff_t>(source) * Channels + c];
    }
  };
  for (int x = -reach; x < 0; ++x) fill(x);
  for (int x = width; x < width + reach; ++x) fill(x);
}

/// Row `y * step_y` for y < `height` of the picture correlated with `down` along columns and `across` along
/// rows (both of odd length, centered), at columns 0, step_x, ... `step` 2 is a reduction by half.
template <int Channels>
image<Channels> filter_separable(const image<Channels>& picture, std::span<const float> down,
                                 std::span<const float> across, border beyond, int step = 1) {
  const int reach_down = static_cast<int>(down.size()) / 2;
  const int reach_across = static_cast<int>(across.size()) / 2;
  const int width = picture.width();
  image<Channels> filtered((picture.height() + step - 1) / step, (width + step - 1) / step);
  if (filtered.empty()) return filtered;
  const std::size_t row_size = picture.row(0).size();
  const double work = 0.1 * static_cast<double>(row_size) * static_cast<double>(down.size() + across.size());
  for_row_blocks(filtered.height(), work, [&](int begin, int end) {
    const aligned_vector<float> zeros(row_size);
    aligned_vector<float> column_sums(row_size);
    aligned_vector<float> padded(row_size + 2 * static_cast<std::size_t>(reach_across) * Channels);
    aligned_vector<float> full_row(step == 1 ? 0 : row_size);
    std::vector<const float*> rows(down.size());
    for (int y = begin; y < end; ++y) {
      for (std::size_t k = 0; k < rows.size(); ++k) {
        const int source = inside(y * step + static_cast<int>(k) - reach_down, picture.height(), beyond);
        rows[k] = source < 0 ? zeros.data() : picture.row(source).data();
      }
      simd::weighted_sum_of_rows(rows.data(), down.data(), static_cast<int>(rows.size()), column_sums.data(),
                                 static_cast<std::ptrdiff_t>(row_size));
      pad_row<Channels>(column_sums.data(), width, reach_across, beyond, padded.data());
      float* target = step == 1 ? filtered.row(y).data() : full_row.data();
      simd::filter_row(padded.data(), Channels, across.data(), static_cast<int>(across.size()), target,
                       static_cast<std::ptrdiff_t>(row_size));
      if (step == 1) continue;
      for (int x = 0; x < filtered.width(); ++x) {
        std::copy_n(target + static_cast<std::ptrdiff_t>(x) * step * Channels, Channels, &filtered(y, x));
      }
    }
  });
  return filtered;
}

}  // namespace lookalike::detail

#pragma once

/// \file
/// Product of matrices of floats: rows of the result are the pixels, columns the channels of a convolution
/// with one tap. Both matrices are cut along the depth; a piece of a panel of the right one is packed, unless
/// it is kept as panels, and of the left one too where it does not lie ready. Where both are long rows, they
/// are multiplied as they are.

#include <algorithm>
#include <cstddef>
#include <span>

#include <lookalike/simd/detail/direct_convolution.hpp>
#include <lookalike/simd/detail/row_products.hpp>

namespace lookalike::simd::inline LOOKALIKE_SIMD_NAMESPACE {
namespace detail {

/// Copies `rows` x `columns` floats, given by two strides, to rows that are `to_row` apart; tile by tile, so
/// that a transposition uses whole cache lines.
inline void copy_matrix(const float* from, std::ptrdiff_t row_stride, std::ptrdiff_t column_stride,
                        std::ptrdiff_t rows, std::ptrdiff_t columns, float* to, std::ptrdiff_t to_row) {
  constexpr std::ptrdiff_t tile = 16;
  if (column_stride == 1) {
    for (std::ptrdiff_t i = 0; i < rows; ++i) std::copy_n(from + i * row_stride, columns, to + i * to_row);
    return;
  }
  for (std::ptrdiff_t i0 = 0; i0 < rows; i0 += tile)
    for (std::ptrdiff_t j0 = 0; j0 < columns; j0 += tile)
      for (std::ptrdiff_t j = j0; j < std::min(j0 + tile, columns); ++j)
        for (std::ptrdiff_t i = i0; i < std::min(i0 + tile, rows); ++i)
          to[i * to_row + j] = from[i * row_stride + j * column_stride];
}

/// Two strided matrices and where their product goes, rows of which are contiguous.
struct matrix_task {
  const float* a = nullptr;
  std::ptrdiff_t a_row = 0, a_column = 0;
  const float* b = nullptr;
  std::ptrdiff_t b_row = 0, b_column = 0;
  const float* bias = nullptr;
  float* c = nullptr;
  std::ptrdiff_t c_row = 0;
  std::ptrdiff_t rows = 0, columns = 0, depth = 0;
  bool accumulate = false;
  const panel_matrix* b_panels = nullptr;  ///< instead of `b`

  static constexpr std::ptrdiff_t depth_block = 256;  // sums are added in blocks of so many products
  static constexpr std::ptrdiff_t row_block = 252;    // a multiple of all tiles
  static constexpr std::ptrdiff_t a_pitch = depth_block + 16;

  /// Whether every element is the inner product of two rows, long enough that adding up lanes does not
  /// matter.
  bool is_by_rows() const {
    return b_panels == nullptr && a_column == 1 && b_row == 1 && b_column >= depth && depth >= 64;
  }

  std::ptrdiff_t memory_each() const {
    const std::ptrdiff_t deep = std::min(depth, depth_block);
    return (deep + 15) / 16 * 16 * panel_channels + std::min(rows, row_block) * a_pitch;
  }
};

/// Rows [k, k + depth) of a panel of the right matrix, `width` floats each, in `packed` unless they lie
/// ready.
inline const float* panel_of(const matrix_task& t, std::ptrdiff_t panel, std::ptrdiff_t k,
                             std::ptrdiff_t depth, int width, float* packed) {
  if (t.b_panels != nullptr)
    return depth == 0 ? nullptr : t.b_panels->panel(static_cast<int>(panel), static_cast<int>(k));
  const std::ptrdiff_t first = panel * panel_channels;
  const std::ptrdiff_t count = std::min<std::ptrdiff_t>(panel_channels, t.columns - first);
  const float* const b = depth > 0 ? t.b + k * t.b_row + first * t.b_column : nullptr;
  copy_matrix(b, t.b_row, t.b_column, depth, count, packed, width);
  for (std::ptrdiff_t i = 0; i < depth && count < width; ++i)
    std::fill(packed + i * width + count, packed + (i + 1) * width, 0.0f);
  return packed;
}

/// Rows [first_row, first_row + rows) and columns of panels [first_panel, last_panel) of the product.
inline void matrix_block(const matrix_task& t, std::ptrdiff_t first_row, std::ptrdiff_t rows,
                         std::ptrdiff_t first_panel, std::ptrdiff_t last_panel, float* memory) {
  float* packed_b = memory;
  float* packed_a = memory + (std::min(t.depth, t.depth_block) + 15) / 16 * 16 * panel_channels;
  // Rows half a page apart would fall on the same lines of the first-level cache.
  const bool packs_a = t.a_column != 1 || (rows > 4 && t.a_row % 512 == 0);
  std::ptrdiff_t k = 0;
  do {
    const std::ptrdiff_t depth = std::min(t.depth_block, t.depth - k);
    // Without depth there may be no matrices at all.
    const float* const a = depth > 0 ? t.a + first_row * t.a_row + k * t.a_column : nullptr;
    if (packs_a) copy_matrix(a, t.a_row, t.a_column, rows, depth, packed_a, t.a_pitch);
    const input_block inputs{packs_a ? packed_a : a, 0, 0, depth == 0 ? 0 : packs_a ? t.a_pitch : t.a_row};
    convolution_task task;
    task.y = {t.c + first_row * t.c_row, 1, 1, static_cast<int>(rows), static_cast<int>(t.columns), t.c_row};
    epilogue<float> store;
    if (k == 0) store.bias = t.bias;
    if (k > 0 || t.accumulate) store.residual = task.y;
    task.store = &store;
    const block_range range{0, 1, 0, 1, 0, static_cast<int>(rows)};
    const block_pixels pixels(task, inputs, range);
    const input_runs runs{.length = depth};
    for (std::ptrdiff_t panel = first_panel; panel < last_panel; ++panel) {
      const int first = static_cast<int>(panel) * panel_channels;
      const int count = std::min(panel_channels, static_cast<int>(t.columns) - first);
      const int width =
          t.b_panels != nullptr ? panel_channels : panel_width_at(first, static_cast<int>(t.columns));
      const float* const b = panel_of(t, panel, k, depth, width, packed_b);
      const panel_epilogue finishing(store, first, count);
      if (width > float_lanes) {
        convolve_panel<2>(pixels, 0, pixels.count, first, runs, b, finishing);
      } else {
        convolve_panel<1>(pixels, 0, pixels.count, first, runs, b, finishing);
      }
    }
    k += t.depth_block;
  } while (k < t.depth);
}

inline void fast_matrix_product(const matrix_task& t, std::span<float> scratch) {
  if (t.rows == 0 || t.columns == 0) return;
  if (t.is_by_rows()) {
    const row_products products{t.a, t.a_row, t.b,    t.b_column, t.bias,
                                t.c, t.c_row, t.rows, t.depth,    t.accumulate};
    constexpr std::ptrdiff_t columns_each = 4 * right_rows;
    for_blocks(rounded_up_quotient(t.columns, columns_each), t.rows * t.columns * t.depth,
               [&](std::ptrdiff_t i) {
                 products.columns(i * columns_each, std::min(t.columns, (i + 1) * columns_each));
               });
    return;
  }
  const std::ptrdiff_t panels = (t.columns + panel_channels - 1) / panel_channels;
  const std::ptrdiff_t row_blocks = (t.rows + t.row_block - 1) / t.row_block;
  const std::ptrdiff_t wanted = threads() == 1 ? 1 : 4 * threads();
  const std::ptrdiff_t parts = std::clamp<std::ptrdiff_t>(wanted / row_blocks, 1, panels);
  for_each_with_memory(row_blocks * parts, t.memory_each(), scratch, [&](std::int64_t i, float* memory) {
    const std::ptrdiff_t first_row = i / parts * t.row_block;
    const std::ptrdiff_t part = i % parts;
    matrix_block(t, first_row, std::min(t.row_block, t.rows - first_row), panels * part / parts,
                 panels * (part + 1) / parts, memory);
  });
}

}  // namespace detail
}  // namespace lookalike::simd::inline LOOKALIKE_SIMD_NAMESPACE

#pragma once

/// \file
/// Product of matrices that stay in the cache, the second of which is used again and again (a table of
/// sines, say): it is stored once as panels of columns, the way the inner loop reads it. Every element of the
/// result is one running sum over k, so that it does not depend on how the loops are tiled.

#include <algorithm>
#include <cstddef>
#include <utility>

#include <lookalike/core/memory.hpp>
#include <lookalike/simd/detail/xsimd.hpp>
#include <lookalike/simd/instruction_set.hpp>

namespace lookalike::simd::inline LOOKALIKE_SIMD_NAMESPACE {

/// Columns of a panel: two vector registers.
inline constexpr int panel_width = 2 * static_cast<int>(xsimd::batch<float>::size);

/// A matrix of `rows` x `columns` floats, zero at first. Columns are kept in panels of `panel_width`, one
/// panel after another, each row after row; the last panel is padded with zeros.
class panel_matrix {
 public:
  panel_matrix() = default;
  panel_matrix(int rows, int columns)
      : rows_(rows),
        columns_(columns),
        values_(static_cast<std::size_t>(rows) * static_cast<std::size_t>(padded_columns())) {}

  int rows() const { return rows_; }
  int columns() const { return columns_; }
  /// The width of a result row: columns rounded up to whole panels.
  int padded_columns() const { return (columns_ + panel_width - 1) / panel_width * panel_width; }

  float& operator()(int row, int column) { return values_[offset(row, column)]; }
  float operator()(int row, int column) const { return values_[offset(row, column)]; }

  /// The panel that holds column `panel * panel_width`, from `row` on.
  const float* panel(int panel, int row = 0) const {
    return values_.data() + offset(row, panel * panel_width);
  }

 private:
  std::size_t offset(int row, int column) const {
    const int panel = column / panel_width;
    return (static_cast<std::size_t>(panel) * static_cast<std::size_t>(rows_) +
            static_cast<std::size_t>(row)) *
               panel_width +
           static_cast<std::size_t>(column % panel_width);
  }

  int rows_ = 0;
  int columns_ = 0;
  aligned_vector<float> values_;
};

namespace detail {

/// g++ 12 folds a load that several multiply-adds use into each of them, and the loop waits for loads; a
/// register that passes through an empty assembly statement is loaded once.
inline void keep_in_register([[maybe_unused]] xsimd::batch<float>& value) {
#if defined(__GNUC__) && !defined(__clang__) && defined(__AVX__)
  asm("" : "+x"(value.data));
#endif
}

/// `Rows` x one panel of the result.
template <std::size_t... Rows>
void panel_tile(std::index_sequence<Rows...>, std::ptrdiff_t depth, const float* a, std::ptrdiff_t a_row,
                std::ptrdiff_t a_column, const float* panel, float* c, std::ptrdiff_t c_row) {
  using batch = xsimd::batch<float>;
  constexpr std::size_t lanes = batch::size;
  batch left[] = {(static_cast<void>(Rows), batch(0.0f))...};
  batch right[] = {(static_cast<void>(Rows), batch(0.0f))...};
  for (std::ptrdiff_t k = 0; k < depth; ++k) {
    batch b0 = batch::load_aligned(panel + k * panel_width);
    batch b1 = batch::load_aligned(panel + k * panel_width + lanes);
    keep_in_register(b0);
    keep_in_register(b1);
    const float* column = a + k * a_column;
    const auto step = [&](std::size_t r) {
      const batch value(column[static_cast<std::ptrdiff_t>(r) * a_row]);
      left[r] = xsimd::fma(value, b0, left[r]);
      right[r] = xsimd::fma(value, b1, right[r]);
    };
    (step(Rows), ...);
  }
  const auto store = [&](std::size_t r) {
    left[r].store_unaligned(c + static_cast<std::ptrdiff_t>(r) * c_row);
    right[r].store_unaligned(c + static_cast<std::ptrdiff_t>(r) * c_row + lanes);
  };
  (store(Rows), ...);
}

template <std::size_t Rows>
void panel_rows(std::ptrdiff_t depth, const float* a, std::ptrdiff_t a_row, std::ptrdiff_t a_column,
                const float* panel, float* c, std::ptrdiff_t c_row) {
  panel_tile(std::make_index_sequence<Rows>{}, depth, a, a_row, a_column, panel, c, c_row);
}

}  // namespace detail

/// c = a b, where b is made of the `depth` rows of `b` from `first_row` on.
///
/// a(i, k) lies at `a[i * a_row + k * a_column]`, i < rows, k < depth; c(i, j) at `c[i * c_row + j]`, for all
/// j < b.padded_columns(), so `c_row` is at least that.
inline void panel_product(int rows, int depth, const float* a, std::ptrdiff_t a_row, std::ptrdiff_t a_column,
                          const panel_matrix& b, int first_row, float* c, std::ptrdiff_t c_row) {
  constexpr int tile = 6;
  const int panels = b.padded_columns() / panel_width;
  const int whole = rows / tile * tile;
  const float* const last_a = a + whole * a_row;
  for (int p = 0; p < panels; ++p) {
    const float* panel = b.panel(p, first_row);
    float* to = c + p * panel_width;
    for (int i = 0; i < whole; i += tile) {
      detail::panel_rows<tile>(depth, a + i * a_row, a_row, a_column, panel, to + i * c_row, c_row);
    }
    float* const last = to + whole * c_row;
    switch (rows - whole) {
      case 1:
        detail::panel_rows<1>(depth, last_a, a_row, a_column, panel, last, c_row);
        break;
      case 2:
        detail::panel_rows<2>(depth, last_a, a_row, a_column, panel, last, c_row);
        break;
      case 3:
        detail::panel_rows<3>(depth, last_a, a_row, a_column, panel, last, c_row);
        break;
      case 4:
        detail::panel_rows<4>(depth, last_a, a_row, a_column, panel, last, c_row);
        break;
      case 5:
        detail::panel_rows<5>(depth, last_a, a_row, a_column, panel, last, c_row);
        break;
      default:
        break;
    }
  }
}

}  // namespace lookalike::simd::inline LOOKALIKE_SIMD_NAMESPACE

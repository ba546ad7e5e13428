#pragma once

/// \file
/// Product of two matrices with any strides, transposed or not: fully connected layers, their gradients, and
/// attention. float runs on the register tiles of convolution; other scalars on plain loops.

#include <cstddef>
#include <span>
#include <type_traits>

#include <lookalike/core/error.hpp>
#include <lookalike/core/parallel.hpp>
#include <lookalike/simd/detail/fast_matrix_product.hpp>
#include <lookalike/simd/instruction_set.hpp>
#include <lookalike/simd/panel_product.hpp>

namespace lookalike::simd {

/// A view of `rows` x `columns` scalars; element (i, j) is `data[i * row_stride + j * column_stride]`. The
/// transpose of a matrix is another view of it.
template <class Scalar>
struct matrix_view {
  Scalar* data = nullptr;
  std::ptrdiff_t rows = 0;
  std::ptrdiff_t columns = 0;
  std::ptrdiff_t row_stride = 0;
  std::ptrdiff_t column_stride = 1;

  constexpr Scalar& operator()(std::ptrdiff_t i, std::ptrdiff_t j) const {
    return data[i * row_stride + j * column_stride];
  }
  constexpr matrix_view transposed() const { return {data, columns, rows, column_stride, row_stride}; }

  constexpr operator matrix_view<const Scalar>() const requires(!std::is_const_v<Scalar>) {
    return {data, rows, columns, row_stride, column_stride};
  }
};

inline namespace LOOKALIKE_SIMD_NAMESPACE {

/// Scratch of `matrix_product` on so many threads, in scalars. With less memory fewer threads work; memory
/// for one is the least.
template <class Scalar>
std::ptrdiff_t matrix_product_scratch(std::ptrdiff_t rows, std::ptrdiff_t columns, std::ptrdiff_t depth,
                                      int thread_count = threads()) {
  if constexpr (std::is_same_v<Scalar, float>) {
    const detail::matrix_task task{.rows = rows, .columns = columns, .depth = depth};
    return thread_count * task.memory_each();
  } else {
    return 0;
  }
}

namespace detail {

template <class Scalar>
void require_product(const matrix_view<const Scalar>& a, std::ptrdiff_t b_rows, std::ptrdiff_t b_columns,
                     const matrix_view<Scalar>& c, std::span<const Scalar> scratch) {
  require(a.columns == b_rows && a.rows == c.rows && b_columns == c.columns, "matrix_product: given ", a.rows,
          " x ", a.columns, " times ", b_rows, " x ", b_columns, " for a result of ", c.rows, " x ",
          c.columns);
  require(c.column_stride == 1 || c.columns < 2, "matrix_product: given a result with columns ",
          c.column_stride, " apart, wanted them side by side");
  const std::ptrdiff_t least = matrix_product_scratch<Scalar>(c.rows, c.columns, a.columns, 1);
  require(static_cast<std::ptrdiff_t>(scratch.size()) >= least, "matrix_product: given scratch for ",
          scratch.size(), " scalars, wanted ", least);
}

}  // namespace detail

/// c = a b + bias, or c += a b + bias if `accumulate`: a is rows x depth, b depth x columns, c rows x
/// columns, with neighboring columns of c side by side; `bias` has an entry for each column and may be null.
/// Every element is a sum in an order that depends on the depth only, so that a row of c depends neither on
/// the number of rows nor on the number of threads. Throws `value_error` if extents do not go together,
/// columns of c are not side by side, or scratch is too small.
template <class Scalar>
void matrix_product(const std::type_identity_t<matrix_view<const Scalar>>& a,
                    const std::type_identity_t<matrix_view<const Scalar>>& b,
                    const std::type_identity_t<Scalar>* bias, const matrix_view<Scalar>& c, bool accumulate,
                    std::type_identity_t<std::span<Scalar>> scratch) {
  detail::require_product<Scalar>(a, b.rows, b.columns, c, scratch);
  if constexpr (std::is_same_v<Scalar, float>) {
    detail::fast_matrix_product({a.data, a.row_stride, a.column_stride, b.data, b.row_stride, b.column_stride,
                                 bias, c.data, c.row_stride, c.rows, c.columns, a.columns, accumulate},
                                scratch);
  } else {
    parallel_for(c.rows, [&](std::int64_t row) {
      const auto i = static_cast<std::ptrdiff_t>(row);
      for (std::ptrdiff_t j = 0; j < c.columns; ++j) {
        Scalar sum = bias ? bias[j] : Scalar(0);
        for (std::ptrdiff_t k = 0; k < a.columns; ++k) sum += a(i, k) * b(k, j);
        c(i, j) = accumulate ? c(i, j) + sum : sum;
      }
    });
  }
}

/// The same, with a right matrix that is kept as panels: where one matrix of many columns is multiplied by
/// few rows again and again, most of the time would pass with copying it. In the same order of summation,
/// with the same scratch and errors.
inline void matrix_product(const matrix_view<const float>& a, const panel_matrix& b, const float* bias,
                           const matrix_view<float>& c, bool accumulate, std::span<float> scratch) {
  static_assert(panel_width == detail::panel_channels);
  detail::require_product<float>(a, b.rows(), b.columns(), c, scratch);
  detail::fast_matrix_product({a.data, a.row_stride, a.column_stride, nullptr, 0, 0, bias, c.data,
                               c.row_stride, c.rows, c.columns, a.columns, accumulate, &b},
                              scratch);
}

}  // namespace LOOKALIKE_SIMD_NAMESPACE

}  // namespace lookalike::simd

#pragma once

/// \file
/// Rows of floats measured in double precision, and all their products at once in single precision.

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <lookalike/core/error.hpp>
#include <lookalike/core/memory.hpp>
#include <lookalike/core/parallel.hpp>
#include <lookalike/core/tensor.hpp>
#include <lookalike/simd/matrix_product.hpp>

namespace lookalike::detail {

/// Sum of term(a[i], b[i]), in an order that lets processors work on several at once.
template <class Term>
double precise_sum(const float* a, const float* b, std::int64_t count, const Term& term) {
  std::array<double, 8> sums{};
  std::int64_t i = 0;
  for (; i + 8 <= count; i += 8) {
    for (std::size_t j = 0; j < 8; ++j) {
      const auto at = i + static_cast<std::int64_t>(j);
      sums[j] += term(static_cast<double>(a[at]), static_cast<double>(b[at]));
    }
  }
  for (; i < count; ++i) sums[0] += term(static_cast<double>(a[i]), static_cast<double>(b[i]));
  return ((sums[0] + sums[4]) + (sums[1] + sums[5])) + ((sums[2] + sums[6]) + (sums[3] + sums[7]));
}

inline double precise_squared_l2(const float* a, const float* b, std::int64_t dimension) {
  return precise_sum(a, b, dimension, [](double x, double y) { return (x - y) * (x - y); });
}

inline double precise_inner_product(const float* a, const float* b, std::int64_t dimension) {
  return precise_sum(a, b, dimension, [](double x, double y) { return x * y; });
}

/// Lengths of rows. Throws `value_error`, in the words of `where`, for what is not finite, and for rows with
/// gaps.
inline std::vector<double> row_lengths(tensor_view<const float> rows, std::int64_t dimension,
                                       const char* where) {
  require(rows.is_contiguous(), where, ": given an array with gaps, wanted one row after another");
  std::vector<double> lengths(static_cast<std::size_t>(rows.batch()));
  parallel_for(rows.batch(), [&](std::int64_t row) {
    const float* const values = rows.data + row * dimension;
    const double squared = precise_inner_product(values, values, dimension);
    require(std::isfinite(squared), where, ": given a vector, number ", row, ", whose squared length is ",
            squared, ", wanted finite numbers");
    lengths[static_cast<std::size_t>(row)] = std::sqrt(squared);
  });
  return lengths;
}

/// products[i * count + row] = inner product of query i and a row, in some order of summation.
inline void multiply_rows(const float* queries, std::int64_t query_count, const float* rows,
                          std::int64_t count, std::int64_t dimension, float* products) {
  const auto lines = static_cast<std::ptrdiff_t>(query_count), columns = static_cast<std::ptrdiff_t>(count),
             depth = static_cast<std::ptrdiff_t>(dimension);
  aligned_vector<float> scratch(
      static_cast<std::size_t>(simd::matrix_product_scratch<float>(lines, columns, depth)));
  simd::matrix_product<float>({queries, lines, depth, depth, 1}, {rows, depth, columns, 1, depth}, nullptr,
                              {products, lines, columns, columns, 1}, false, scratch);
}

}  // namespace lookalike::detail

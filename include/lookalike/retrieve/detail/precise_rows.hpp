#pragma once

/// \file
/// Lengths of rows of floats in double precision, and all products of rows at once in single precision.

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <lookalike/core/error.hpp>
#include <lookalike/core/memory.hpp>
#include <lookalike/core/parallel.hpp>
#include <lookalike/core/tensor.hpp>
#include <lookalike/simd/matrix_product.hpp>
#include <lookalike/simd/precise.hpp>

namespace lookalike::detail {

/// Lengths of rows. Throws `value_error`, in the words of `where`, for what is not finite, and for rows with
/// gaps.
inline std::vector<double> row_lengths(tensor_view<const float> rows, std::int64_t dimension,
                                       const char* where) {
  require(rows.is_contiguous(), where, ": given an array with gaps, wanted one row after another");
  std::vector<double> lengths(static_cast<std::size_t>(rows.batch()));
  parallel_for(rows.batch(), [&](std::int64_t row) {
    const float* const values = rows.data + row * dimension;
    const double squared = simd::precise_inner_product(values, values, dimension);
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

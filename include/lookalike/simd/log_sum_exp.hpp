#pragma once

/// \file
/// Exponentials of many columns of numbers and their sums: the hot loop of cross-entropy.

#include <cstddef>

#include <lookalike/simd/detail/xsimd.hpp>
#include <lookalike/simd/instruction_set.hpp>

namespace lookalike::simd::inline LOOKALIKE_SIMD_NAMESPACE {

/// Columns of the arrays below: a multiple of every vector's lanes, so that what comes out for a column does
/// not depend on its place.
inline constexpr std::size_t exponential_columns = 32;

/// Subtracts from each number of `values` (rows x `exponential_columns`, row by row) the largest of its
/// column. A column whose largest number is infinite becomes one with NaN.
template <class Scalar>
inline void subtract_column_maxima(Scalar* values, std::size_t rows) {
  using batch = xsimd::batch<Scalar>;
  static_assert(exponential_columns % batch::size == 0);
  for (std::size_t column = 0; column < exponential_columns; column += batch::size) {
    batch maximum = batch::load_unaligned(values + column);
    for (std::size_t row = 1; row < rows; ++row) {
      maximum = xsimd::max(maximum, batch::load_unaligned(values + row * exponential_columns + column));
    }
    for (std::size_t row = 0; row < rows; ++row) {
      Scalar* at = values + row * exponential_columns + column;
      (batch::load_unaligned(at) - maximum).store_unaligned(at);
    }
  }
}

/// Replaces every number of `values` by its exponential; sums[c] becomes the sum of column c, added up in
/// double precision from the first row to the last. Exponentials are within 2 units in the last place; those
/// below the smallest normal number may be 0.
template <class Scalar>
inline void exponentials(Scalar* values, std::size_t rows, double* sums) {
  using batch = xsimd::batch<Scalar>;
  for (std::size_t column = 0; column < exponential_columns; ++column) sums[column] = 0;
  for (std::size_t row = 0; row < rows; ++row) {
    Scalar* at = values + row * exponential_columns;
    for (std::size_t column = 0; column < exponential_columns; column += batch::size) {
      xsimd::exp(batch::load_unaligned(at + column)).store_unaligned(at + column);
    }
    for (std::size_t column = 0; column < exponential_columns; ++column) sums[column] += double{at[column]};
  }
}

}  // namespace lookalike::simd::inline LOOKALIKE_SIMD_NAMESPACE

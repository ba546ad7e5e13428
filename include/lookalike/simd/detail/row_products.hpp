#pragma once

/// \file
/// Products of a matrix with the transpose of another, both stored by rows: fully connected layers. Every
/// element is the inner product of two rows, read as they lie, so that large weights pass through the cache
/// once and nothing is packed.

#include <algorithm>
#include <cstddef>

#include <lookalike/simd/detail/lanes.hpp>
#include <lookalike/simd/detail/register_tile.hpp>
#include <lookalike/simd/instruction_set.hpp>

namespace lookalike::simd::inline LOOKALIKE_SIMD_NAMESPACE {
namespace detail {

/// Rows of either matrix that are multiplied with each other in registers.
inline constexpr int left_rows = 3, right_rows = 4;
/// Products of one running sum for each lane; sums of so many are added in turn.
inline constexpr std::ptrdiff_t row_product_depth = 1024;

/// `sums[l * right_rows + r] =` the inner product of row l of a and row r of b, of `depth` numbers.
template <int Left>
[[gnu::noinline]] void row_product_tile(const float* a, std::ptrdiff_t a_row, const float* b,
                                        std::ptrdiff_t b_row, std::ptrdiff_t depth, float* sums) {
  tile_sums<Left, right_rows> sum;
  unroll(up_to<Left>, [&](int l) { unroll(up_to<right_rows>, [&](int r) { sum.at[l][r] = floats(0.0f); }); });
  for_vectors<float>(
      depth, [&](std::ptrdiff_t k, auto vector) __attribute__((always_inline)) {
        floats left[Left];
        unroll(
            up_to<Left>, [&](int l)
                             __attribute__((always_inline)) { left[l] = vector.load(a + l * a_row + k); });
        unroll(
            up_to<right_rows>, [&](int r) __attribute__((always_inline)) {
              const floats right = vector.load(b + r * b_row + k);
              unroll(
                  up_to<Left>, [&](int l) __attribute__((always_inline)) {
                    sum.at[l][r] = xsimd::fma(left[l], right, sum.at[l][r]);
                  });
            });
      });
  unroll(up_to<Left>, [&](int l) {
    unroll(up_to<right_rows>, [&](int r) { sums[l * right_rows + r] = xsimd::hadd(sum.at[l][r]); });
  });
}

/// c = a b^T + bias, or c += a b^T + bias if `accumulate`, some columns at a time.
struct row_products {
  const float* a;
  std::ptrdiff_t a_row;
  const float* b;
  std::ptrdiff_t b_row;
  const float* bias;
  float* c;
  std::ptrdiff_t c_row;
  std::ptrdiff_t rows, depth;
  bool accumulate;

  void columns(std::ptrdiff_t first, std::ptrdiff_t last) const {
    std::ptrdiff_t k = 0;
    do {
      const std::ptrdiff_t deep = std::min(row_product_depth, depth - k);
      for (std::ptrdiff_t j = first; j < last; j += right_rows) {
        std::ptrdiff_t i = 0;
        for (; i + left_rows <= rows; i += left_rows) tile<left_rows>(i, j, last, k, deep);
        for (; i < rows; ++i) tile<1>(i, j, last, k, deep);
      }
      k += deep;
    } while (k < depth);
  }

 private:
  template <int Left>
  void tile(std::ptrdiff_t i, std::ptrdiff_t j, std::ptrdiff_t last, std::ptrdiff_t k,
            std::ptrdiff_t deep) const {
    float sums[Left * right_rows];
    const std::ptrdiff_t count = std::min<std::ptrdiff_t>(right_rows, last - j);
    if (count == right_rows) {
      row_product_tile<Left>(a + i * a_row + k, a_row, b + j * b_row + k, b_row, deep, sums);
    } else {
      for (std::ptrdiff_t r = 0; r < count; ++r) {
        float one[Left * right_rows];
        row_product_tile<Left>(a + i * a_row + k, a_row, b + (j + r) * b_row + k, 0, deep, one);
        for (int l = 0; l < Left; ++l) sums[l * right_rows + r] = one[l * right_rows];
      }
    }
    for (int l = 0; l < Left; ++l) {
      for (std::ptrdiff_t r = 0; r < count; ++r) {
        float& to = c[(i + l) * c_row + j + r];
        const float before = k > 0 || accumulate ? to : 0.0f;
        const float start = k == 0 && bias ? bias[j + r] : 0.0f;
        to = before + (start + sums[l * right_rows + r]);
      }
    }
  }
};

}  // namespace detail
}  // namespace lookalike::simd::inline LOOKALIKE_SIMD_NAMESPACE

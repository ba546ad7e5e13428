#pragma once

/// \file
/// Inner products of one vector with many rows: the hot loop of an exact search, bound by memory once the
/// rows exceed the cache.

#include <cstddef>

#include <lookalike/simd/detail/xsimd.hpp>
#include <lookalike/simd/instruction_set.hpp>

namespace lookalike::simd::inline LOOKALIKE_SIMD_NAMESPACE {

/// How many running sums an inner product is made of: its rounding error is at most that of adding
/// dimension / inner_product_sums terms one after another, and the sums.
inline constexpr int inner_product_sums = 8 * static_cast<int>(xsimd::batch<float>::size);

/// sum of a[i] b[i], i < dimension. No alignment is needed.
inline float inner_product(const float* a, const float* b, std::ptrdiff_t dimension) {
  using batch = xsimd::batch<float>;
  constexpr auto lanes = static_cast<std::ptrdiff_t>(batch::size);
  const auto multiply_add = [&](std::ptrdiff_t at, const batch& sum) {
    return xsimd::fma(batch::load_unaligned(a + at), batch::load_unaligned(b + at), sum);
  };
  batch s0(0.0f), s1(0.0f), s2(0.0f), s3(0.0f), s4(0.0f), s5(0.0f), s6(0.0f), s7(0.0f);
  std::ptrdiff_t i = 0;
  for (; i + 8 * lanes <= dimension; i += 8 * lanes) {
    s0 = multiply_add(i, s0);
    s1 = multiply_add(i + lanes, s1);
    s2 = multiply_add(i + 2 * lanes, s2);
    s3 = multiply_add(i + 3 * lanes, s3);
    s4 = multiply_add(i + 4 * lanes, s4);
    s5 = multiply_add(i + 5 * lanes, s5);
    s6 = multiply_add(i + 6 * lanes, s6);
    s7 = multiply_add(i + 7 * lanes, s7);
  }
  for (; i + lanes <= dimension; i += lanes) s0 = multiply_add(i, s0);
  float sum = xsimd::hadd(((s0 + s1) + (s2 + s3)) + ((s4 + s5) + (s6 + s7)));
  for (; i < dimension; ++i) sum += a[i] * b[i];
  return sum;
}

/// products[r] = inner product of row r with `vector`, r < count. Row r starts at `rows + r * pitch`.
inline void inner_products(std::ptrdiff_t count, std::ptrdiff_t dimension, const float* rows,
                           std::ptrdiff_t pitch, const float* vector, float* products) {
  for (std::ptrdiff_t r = 0; r < count; ++r) {
    products[r] = inner_product(rows + r * pitch, vector, dimension);
  }
}

}  // namespace lookalike::simd::inline LOOKALIKE_SIMD_NAMESPACE

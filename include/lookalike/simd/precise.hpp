#pragma once

/// \file
/// Sums over floats in double precision: what a search measures the vectors by that its bounds leave over.

#include <cstddef>
#include <cstring>

#include <lookalike/simd/instruction_set.hpp>

namespace lookalike::simd::inline LOOKALIKE_SIMD_NAMESPACE {

namespace detail {

// Vectors of the compiler: xsimd does not widen floats to doubles with one instruction.
inline constexpr std::ptrdiff_t precise_lanes = 4;
using four_floats = float __attribute__((vector_size(16)));
using four_doubles = double __attribute__((vector_size(32)));

[[gnu::always_inline]] inline void widen_four(const float* from, four_doubles& to) {
  four_floats values;
  std::memcpy(&values, from, sizeof(values));
  to = __builtin_convertvector(values, four_doubles);
}

}  // namespace detail

/// sum of (a[i] - b[i])^2, i < count.
inline double precise_squared_l2(const float* a, const float* b, std::ptrdiff_t count) {
  detail::four_doubles sums[4] = {};
  std::ptrdiff_t i = 0;
  for (; i + 16 <= count; i += 16) {
    for (int k = 0; k < 4; ++k) {
      detail::four_doubles left, right;
      detail::widen_four(a + i + 4 * k, left);
      detail::widen_four(b + i + 4 * k, right);
      left -= right;
      sums[k] += left * left;
    }
  }
  const detail::four_doubles all = (sums[0] + sums[1]) + (sums[2] + sums[3]);
  double sum = (all[0] + all[1]) + (all[2] + all[3]);
  for (; i < count; ++i) {
    const double difference = static_cast<double>(a[i]) - static_cast<double>(b[i]);
    sum += difference * difference;
  }
  return sum;
}

/// sum of w[i] (a[i] - b[i])^2, i < count.
inline double precise_squared_l2(const double* w, const float* a, const float* b, std::ptrdiff_t count) {
  detail::four_doubles sums[4] = {};
  std::ptrdiff_t i = 0;
  for (; i + 16 <= count; i += 16) {
    for (int k = 0; k < 4; ++k) {
      detail::four_doubles left, right;
      detail::four_doubles weight;
      std::memcpy(&weight, w + i + 4 * k, sizeof(weight));
      detail::widen_four(a + i + 4 * k, left);
      detail::widen_four(b + i + 4 * k, right);
      left -= right;
      sums[k] += weight * left * left;
    }
  }
  const detail::four_doubles all = (sums[0] + sums[1]) + (sums[2] + sums[3]);
  double sum = (all[0] + all[1]) + (all[2] + all[3]);
  for (; i < count; ++i) {
    const double difference = static_cast<double>(a[i]) - static_cast<double>(b[i]);
    sum += w[i] * difference * difference;
  }
  return sum;
}

/// sum of (a[i] - a_mean) (b[i] - b_mean), i < count; with means of 0 the inner product.
inline double precise_inner_product(const float* a, const float* b, std::ptrdiff_t count, double a_mean = 0,
                                    double b_mean = 0) {
  detail::four_doubles sums[4] = {};
  std::ptrdiff_t i = 0;
  for (; i + 16 <= count; i += 16) {
    for (int k = 0; k < 4; ++k) {
      detail::four_doubles left, right;
      detail::widen_four(a + i + 4 * k, left);
      detail::widen_four(b + i + 4 * k, right);
      sums[k] += (left - a_mean) * (right - b_mean);
    }
  }
  const detail::four_doubles all = (sums[0] + sums[1]) + (sums[2] + sums[3]);
  double sum = (all[0] + all[1]) + (all[2] + all[3]);
  for (; i < count; ++i) sum += (static_cast<double>(a[i]) - a_mean) * (static_cast<double>(b[i]) - b_mean);
  return sum;
}

/// sum of a[i], i < count.
inline double precise_sum(const float* a, std::ptrdiff_t count) {
  detail::four_doubles sums[4] = {};
  std::ptrdiff_t i = 0;
  for (; i + 16 <= count; i += 16) {
    for (int k = 0; k < 4; ++k) {
      detail::four_doubles value;
      detail::widen_four(a + i + 4 * k, value);
      sums[k] += value;
    }
  }
  const detail::four_doubles all = (sums[0] + sums[1]) + (sums[2] + sums[3]);
  double sum = (all[0] + all[1]) + (all[2] + all[3]);
  for (; i < count; ++i) sum += static_cast<double>(a[i]);
  return sum;
}

}  // namespace lookalike::simd::inline LOOKALIKE_SIMD_NAMESPACE

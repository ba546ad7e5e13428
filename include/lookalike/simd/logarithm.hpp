#pragma once

/// \file
/// Logarithms of rows of floats.

#include <cmath>
#include <cstddef>

#include <lookalike/simd/detail/xsimd.hpp>
#include <lookalike/simd/instruction_set.hpp>

namespace lookalike::simd::inline LOOKALIKE_SIMD_NAMESPACE {

/// values[i] = log(1 + values[i]) for i < count, within a relative 1e-6.
inline void log1p(std::ptrdiff_t count, float* values) {
  using batch = xsimd::batch<float>;
  constexpr auto lanes = static_cast<std::ptrdiff_t>(batch::size);
  std::ptrdiff_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    xsimd::log1p(batch::load_unaligned(values + i)).store_unaligned(values + i);
  }
  for (; i < count; ++i) values[i] = std::log1p(values[i]);
}

}  // namespace lookalike::simd::inline LOOKALIKE_SIMD_NAMESPACE

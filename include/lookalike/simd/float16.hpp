#pragma once

/// \file
/// Runs of 16-bit floating point numbers to floats.

#include <cstddef>

#ifdef __F16C__
#include <immintrin.h>
#endif

#include <lookalike/core/float16.hpp>
#include <lookalike/simd/instruction_set.hpp>

namespace lookalike::simd::inline LOOKALIKE_SIMD_NAMESPACE {

/// `to[i] = from[i]`, i < count. No alignment is needed.
inline void widen(const float16* from, std::ptrdiff_t count, float* to) {
  std::ptrdiff_t i = 0;
#ifdef __F16C__  // xsimd has no conversion of halves
  for (; i + 8 <= count; i += 8) {
    const __m128i halves = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from + i));
    _mm256_storeu_ps(to + i, _mm256_cvtph_ps(halves));
  }
#endif
  for (; i < count; ++i) to[i] = to_float(from[i]);
}

}  // namespace lookalike::simd::inline LOOKALIKE_SIMD_NAMESPACE

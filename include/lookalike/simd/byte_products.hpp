#pragma once

/// \file
/// Exact sums over bytes: what squared distances and correlations of thumbnails are made of.

#include <algorithm>
#include <cstddef>
#include <cstdint>

#ifdef __AVX2__
#include <immintrin.h>
#endif

#include <lookalike/simd/instruction_set.hpp>

namespace lookalike::simd::inline LOOKALIKE_SIMD_NAMESPACE {

namespace detail {

/// Bytes whose products a 32-bit sum holds, whatever they are.
inline constexpr std::ptrdiff_t byte_run = 1 << 15;

/// sum of a[i] b[i] for at most `byte_run` bytes.
inline std::uint32_t byte_run_product(const std::uint8_t* a, const std::uint8_t* b, std::ptrdiff_t count) {
  std::ptrdiff_t i = 0;
  std::uint32_t sum = 0;
#ifdef __AVX2__  // xsimd has no multiplication that adds neighbors
  const auto load = [](const std::uint8_t* from) {
    return _mm256_cvtepu8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from)));
  };
  __m256i s0 = _mm256_setzero_si256(), s1 = s0;
  for (; i + 32 <= count; i += 32) {
    s0 = _mm256_add_epi32(s0, _mm256_madd_epi16(load(a + i), load(b + i)));
    s1 = _mm256_add_epi32(s1, _mm256_madd_epi16(load(a + i + 16), load(b + i + 16)));
  }
  alignas(32) std::uint32_t lanes[8];
  _mm256_store_si256(reinterpret_cast<__m256i*>(lanes), _mm256_add_epi32(s0, s1));
  for (const std::uint32_t lane : lanes) sum += lane;
#endif
  for (; i < count; ++i) sum += static_cast<std::uint32_t>(a[i]) * b[i];
  return sum;
}

}  // namespace detail

/// sum of a[i] b[i], i < count. No alignment is needed.
inline std::int64_t byte_inner_product(const std::uint8_t* a, const std::uint8_t* b, std::ptrdiff_t count) {
  std::int64_t sum = 0;
  for (std::ptrdiff_t i = 0; i < count; i += detail::byte_run) {
    sum += detail::byte_run_product(a + i, b + i, std::min(detail::byte_run, count - i));
  }
  return sum;
}

/// sum of a[i], i < count.
inline std::int64_t byte_sum(const std::uint8_t* a, std::ptrdiff_t count) {
  std::int64_t sum = 0;
  std::ptrdiff_t i = 0;
#ifdef __AVX2__
  __m256i sums = _mm256_setzero_si256();
  for (; i + 32 <= count; i += 32) {
    const __m256i bytes = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(a + i));
    sums = _mm256_add_epi64(sums, _mm256_sad_epu8(bytes, _mm256_setzero_si256()));
  }
  alignas(32) std::int64_t lanes[4];
  _mm256_store_si256(reinterpret_cast<__m256i*>(lanes), sums);
  for (const std::int64_t lane : lanes) sum += lane;
#endif
  for (; i < count; ++i) sum += a[i];
  return sum;
}

}  // namespace lookalike::simd::inline LOOKALIKE_SIMD_NAMESPACE

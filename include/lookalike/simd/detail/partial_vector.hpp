#pragma once

/// \file
/// The first lanes of a vector. This is the one place of the layers' hot loops that uses the processor's own
/// instructions: xsimd 8.1 has no masked loads, and a vector that is loaded from memory just written in
/// pieces waits for all of them (batch normalization of 3 channels took 20 times as long).

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include <lookalike/simd/detail/xsimd.hpp>
#include <lookalike/simd/instruction_set.hpp>

namespace lookalike::simd::inline LOOKALIKE_SIMD_NAMESPACE {
namespace detail {

template <class Scalar>
inline constexpr std::ptrdiff_t lanes = static_cast<std::ptrdiff_t>(xsimd::batch<Scalar>::size);

#if defined(__AVX__) && !defined(__AVX512F__)
/// Integers whose eight from number 8 - n on select n lanes.
alignas(64) inline constexpr std::int32_t lane_masks[16] = {-1, -1, -1, -1, -1, -1, -1, -1};
#endif

/// Loads and stores of the first `count` lanes, 0 < count < lanes. The others are loaded as zeros and not
/// stored; no memory beyond is touched.
template <class Scalar>
struct partial_vector {
  static_assert(std::is_same_v<Scalar, float> || std::is_same_v<Scalar, double>);
  static_assert(lanes<Scalar> <= 16);
  using batch = xsimd::batch<Scalar>;
  std::ptrdiff_t count;

  batch load(const Scalar* from) const {
#if defined(__AVX512F__)
    if constexpr (std::is_same_v<Scalar, float>) {
      return batch(_mm512_maskz_loadu_ps(static_cast<__mmask16>((1u << count) - 1), from));
    } else {
      return batch(_mm512_maskz_loadu_pd(static_cast<__mmask8>((1u << count) - 1), from));
    }
#elif defined(__AVX__)
    if constexpr (std::is_same_v<Scalar, float>) {
      return batch(_mm256_maskload_ps(from, mask(8 - count)));
    } else {
      return batch(_mm256_maskload_pd(from, mask(8 - 2 * count)));
    }
#else
    alignas(64) Scalar buffer[static_cast<std::size_t>(lanes<Scalar>)] = {};
    copy(from, buffer);
    return batch::load_aligned(buffer);
#endif
  }

  void store(Scalar* to, const batch& value) const {
#if defined(__AVX512F__)
    if constexpr (std::is_same_v<Scalar, float>) {
      _mm512_mask_storeu_ps(to, static_cast<__mmask16>((1u << count) - 1), value);
    } else {
      _mm512_mask_storeu_pd(to, static_cast<__mmask8>((1u << count) - 1), value);
    }
#else
    alignas(64) Scalar buffer[static_cast<std::size_t>(lanes<Scalar>)];
    value.store_aligned(buffer);
    copy(buffer, to);
#endif
  }

 private:
#if defined(__AVX__) && !defined(__AVX512F__)
  static __m256i mask(std::ptrdiff_t first) {
    return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(lane_masks + first));
  }
#endif
#if !defined(__AVX512F__)
  // in pieces of constant size, which need no call
  void copy(const Scalar* from, Scalar* to) const {
    std::ptrdiff_t at = 0;
    const auto piece = [&](auto size) {
      if ((count & size()) == 0) return;
      std::memcpy(to + at, from + at, sizeof(Scalar) * static_cast<std::size_t>(size()));
      at += size();
    };
    if constexpr (lanes < Scalar >> 4) piece(std::integral_constant<std::ptrdiff_t, 4>{});
    if constexpr (lanes < Scalar >> 2) piece(std::integral_constant<std::ptrdiff_t, 2>{});
    piece(std::integral_constant<std::ptrdiff_t, 1>{});
  }
#endif
};

}  // namespace detail
}  // namespace lookalike::simd::inline LOOKALIKE_SIMD_NAMESPACE

#pragma once

/// \file
/// Inner products of rows of 8-bit numbers with 16-bit queries, exact in 32 bits: the first look at a large
/// table, which reads a quarter of what floats take. Rows lie in groups of 8, two columns of 8 rows side by
/// side, so that a register holds one product for each row and nothing is added across lanes.

#include <cstddef>
#include <cstdint>
#include <limits>
#include <type_traits>

#ifdef __AVX2__
#include <immintrin.h>
#endif

#include <lookalike/simd/instruction_set.hpp>

namespace lookalike::simd::inline LOOKALIKE_SIMD_NAMESPACE {

/// Rows of a group.
inline constexpr int quantized_rows = 8;

/// Columns that a 32-bit sum holds, whatever the values.
inline constexpr std::ptrdiff_t most_quantized_columns = 512;

/// Where `column` of the row `row` of a table with so many columns (an even number) is.
constexpr std::ptrdiff_t quantized_place(std::ptrdiff_t row, std::ptrdiff_t column, std::ptrdiff_t columns) {
  return row / quantized_rows * quantized_rows * columns + column / 2 * 2 * quantized_rows +
         row % quantized_rows * 2 + column % 2;
}

namespace detail {

#ifdef __AVX2__
/// Sums for 8 rows: xsimd has no multiplication that adds neighbors.
struct quantized_sums {
  __m256i lanes = _mm256_setzero_si256();

  struct codes {
    __m256i lanes;
    explicit codes(const std::int8_t* from)
        : lanes(_mm256_cvtepi8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from)))) {}
  };
  struct factors {
    __m256i lanes;
    explicit factors(std::int32_t pair) : lanes(_mm256_set1_epi32(pair)) {}
  };
  void add(const codes& c, const factors& f) {
    lanes = _mm256_add_epi32(lanes, _mm256_madd_epi16(c.lanes, f.lanes));
  }
  void store(std::int32_t* to) const { _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), lanes); }
};
#else
struct quantized_sums {
  std::int32_t lanes[quantized_rows] = {};

  struct codes {
    const std::int8_t* values;
    explicit codes(const std::int8_t* from) : values(from) {}
  };
  struct factors {
    std::int16_t even, odd;
    explicit factors(std::int32_t pair)
        : even(static_cast<std::int16_t>(pair & 0xFFFF)), odd(static_cast<std::int16_t>(pair >> 16)) {}
  };
  void add(const codes& c, const factors& f) {
    for (int row = 0; row < quantized_rows; ++row) {
      lanes[row] += c.values[2 * row] * f.even + c.values[2 * row + 1] * f.odd;
    }
  }
  void store(std::int32_t* to) const {
    for (int row = 0; row < quantized_rows; ++row) to[row] = lanes[row];
  }
};
#endif

/// `sums[q][g * 8 + row]` for Groups groups of rows and Queries queries.
template <int Groups, int Queries>
[[gnu::noinline]] void quantized_tile(const std::int8_t* codes, std::ptrdiff_t columns,
                                      const std::int32_t* const* factors, std::int32_t* const* sums) {
  quantized_sums sum[Queries][Groups];
  const std::ptrdiff_t group_size = quantized_rows * columns;
  const std::int32_t* factor[Queries];
  for (int q = 0; q < Queries; ++q) factor[q] = factors[q];
  for (std::ptrdiff_t pair = 0; pair < columns / 2; ++pair) {
#pragma GCC unroll 8
    for (int g = 0; g < Groups; ++g) {
      const quantized_sums::codes rows(codes + g * group_size + pair * 2 * quantized_rows);
#pragma GCC unroll 8
      for (int q = 0; q < Queries; ++q) sum[q][g].add(rows, quantized_sums::factors(factor[q][pair]));
    }
  }
#pragma GCC unroll 8
  for (int q = 0; q < Queries; ++q) {
#pragma GCC unroll 8
    for (int g = 0; g < Groups; ++g) sum[q][g].store(sums[q] + g * quantized_rows);
  }
}

template <int Queries>
void quantized_products_of(const std::int8_t* codes, std::ptrdiff_t groups, std::ptrdiff_t columns,
                           const std::int32_t* const* factors, std::int32_t* const* sums) {
  constexpr int at_once = Queries == 1 ? 8 : 3;
  std::int32_t* to[Queries];
  for (int q = 0; q < Queries; ++q) to[q] = sums[q];
  const auto advance = [&](std::ptrdiff_t done) {
    codes += done * quantized_rows * columns;
    for (int q = 0; q < Queries; ++q) to[q] += done * quantized_rows;
  };
  std::ptrdiff_t group = 0;
  for (; group + at_once <= groups; group += at_once) {
    quantized_tile<at_once, Queries>(codes, columns, factors, to);
    advance(at_once);
  }
  for (; group < groups; ++group) {
    quantized_tile<1, Queries>(codes, columns, factors, to);
    advance(1);
  }
}

}  // namespace detail

/// `sums[q][row] =` the inner product of a row and query q, for the rows of `groups` whole groups. A query's
/// factors lie as pairs: the even column in the lower half.
inline void quantized_products(const std::int8_t* codes, std::ptrdiff_t groups, std::ptrdiff_t columns,
                               const std::int32_t* const* factors, std::int32_t* const* sums,
                               std::ptrdiff_t queries) {
  std::ptrdiff_t q = 0;
  for (; q + 4 <= queries; q += 4) {
    detail::quantized_products_of<4>(codes, groups, columns, factors + q, sums + q);
  }
  for (; q < queries; ++q) detail::quantized_products_of<1>(codes, groups, columns, factors + q, sums + q);
}

/// The inner product of one row, in the order of its columns, with 16-bit factors; `columns` is a multiple of
/// 16.
inline std::int32_t quantized_product(const std::int8_t* codes, const std::int16_t* factors,
                                      std::ptrdiff_t columns) {
#ifdef __AVX2__
  __m256i sums = _mm256_setzero_si256();
  for (std::ptrdiff_t i = 0; i < columns; i += 16) {
    const __m256i row = _mm256_cvtepi8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(codes + i)));
    const __m256i factor = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(factors + i));
    sums = _mm256_add_epi32(sums, _mm256_madd_epi16(row, factor));
  }
  __m128i four = _mm_add_epi32(_mm256_castsi256_si128(sums), _mm256_extracti128_si256(sums, 1));
  four = _mm_add_epi32(four, _mm_shuffle_epi32(four, 0x4E));
  four = _mm_add_epi32(four, _mm_shuffle_epi32(four, 0xB1));
  return _mm_cvtsi128_si32(four);
#else
  std::int32_t sum = 0;
  for (std::ptrdiff_t i = 0; i < columns; ++i) sum += codes[i] * factors[i];
  return sum;
#endif
}

/// Appends to `kept` the numbers of the entries, and to `promises` the values, of
/// `scale * sums[i] + offsets[i] + tail * tails[i]`, i < count, that are not below `cut`; what is no number
/// promises infinitely much. Both have room for `count` more. Returns how many there were. `Sum` is int32 or
/// float.
template <class Sum>
std::ptrdiff_t keep_promising(const Sum* sums, const float* offsets, const float* tails, std::ptrdiff_t count,
                              float scale, float tail, float cut, float* promises, std::uint32_t* kept) {
  std::ptrdiff_t found = 0;
  std::ptrdiff_t i = 0;
#ifdef __AVX2__
  for (; i + 8 <= count; i += 8) {
    __m256 sum;
    if constexpr (std::is_same_v<Sum, std::int32_t>) {
      sum = _mm256_cvtepi32_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(sums + i)));
    } else {
      sum = _mm256_loadu_ps(sums + i);
    }
    const __m256 rest = _mm256_add_ps(_mm256_mul_ps(_mm256_set1_ps(tail), _mm256_loadu_ps(tails + i)),
                                      _mm256_loadu_ps(offsets + i));
    const __m256 value = _mm256_add_ps(_mm256_mul_ps(_mm256_set1_ps(scale), sum), rest);
    auto mask =
        static_cast<unsigned>(_mm256_movemask_ps(_mm256_cmp_ps(value, _mm256_set1_ps(cut), _CMP_NLT_UQ)));
    if (mask == 0) continue;
    alignas(32) float values[8];
    _mm256_store_ps(values, value);
    for (; mask != 0; mask &= mask - 1) {
      const auto lane = __builtin_ctz(mask);
      promises[found] = values[lane] == values[lane] ? values[lane] : std::numeric_limits<float>::infinity();
      kept[found++] = static_cast<std::uint32_t>(i + lane);
    }
  }
#endif
  for (; i < count; ++i) {
    const float value = scale * static_cast<float>(sums[i]) + (tail * tails[i] + offsets[i]);
    if (!(value < cut)) {
      promises[found] = value == value ? value : std::numeric_limits<float>::infinity();
      kept[found++] = static_cast<std::uint32_t>(i);
    }
  }
  return found;
}

}  // namespace lookalike::simd::inline LOOKALIKE_SIMD_NAMESPACE

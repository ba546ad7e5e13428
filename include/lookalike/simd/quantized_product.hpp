#pragma once

/// \file
/// Inner products of rows of 8-bit numbers with 16-bit queries, exact in 32 bits: the first look at a large
/// table, which reads a quarter of what floats take. Rows lie in groups of 8, two columns of 8 rows side by
/// side, so that a register holds one product for each row and nothing is added across lanes.

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <type_traits>

#ifdef __AVX2__
#include <immintrin.h>
#endif

#include <lookalike/simd/instruction_set.hpp>
#include <lookalike/simd/prefetch.hpp>

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
  __m256i lanes;

  void clear() { lanes = _mm256_setzero_si256(); }

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
  std::int32_t lanes[quantized_rows];

  void clear() {
    for (std::int32_t& lane : lanes) lane = 0;
  }

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
  quantized_sums sum[Queries][Groups];  // stays in registers if all that runs over it is unrolled
#pragma GCC unroll 8
  for (int q = 0; q < Queries; ++q) {
#pragma GCC unroll 8
    for (int g = 0; g < Groups; ++g) sum[q][g].clear();
  }
  const std::ptrdiff_t group_size = quantized_rows * columns;
  const std::int32_t* factor[Queries];
#pragma GCC unroll 8
  for (int q = 0; q < Queries; ++q) factor[q] = factors[q];
  constexpr std::ptrdiff_t step = Groups * 2 * quantized_rows;
  const std::int8_t* next = codes + Groups * group_size;
  for (std::ptrdiff_t pair = 0; pair < columns / 2; ++pair) {
    // Several groups at a time are no stream that the machine would follow by itself.
    prefetch(next + pair * step, step);
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
  constexpr int at_once = Queries == 1 ? 8 : 2;
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

/// Rows that `record_products` multiplies.
inline constexpr int records_at_once = 4;

/// The inner products of rows that lie anywhere, each in the order of its columns, with 16-bit factors;
/// `columns` is a multiple of 16.
inline void record_products(const std::int8_t* const* rows, const std::int16_t* factors,
                            std::ptrdiff_t columns, std::int32_t* products) {
#ifdef __AVX2__
  static_assert(records_at_once == 4);
  __m256i sums[records_at_once];
  for (__m256i& sum : sums) sum = _mm256_setzero_si256();
  for (std::ptrdiff_t i = 0; i < columns; i += 16) {
    const __m256i factor = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(factors + i));
#pragma GCC unroll 4
    for (int r = 0; r < records_at_once; ++r) {
      const __m256i row =
          _mm256_cvtepi8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(rows[r] + i)));
      sums[r] = _mm256_add_epi32(sums[r], _mm256_madd_epi16(row, factor));
    }
  }
  const __m256i halves =
      _mm256_hadd_epi32(_mm256_hadd_epi32(sums[0], sums[1]), _mm256_hadd_epi32(sums[2], sums[3]));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(products),
                   _mm_add_epi32(_mm256_castsi256_si128(halves), _mm256_extracti128_si256(halves, 1)));
#else
  for (int r = 0; r < records_at_once; ++r) {
    products[r] = 0;
    for (std::ptrdiff_t i = 0; i < columns; ++i) products[r] += rows[r][i] * factors[i];
  }
#endif
}

/// What `keep_promising` stores: the whole promise, or what the sum says without the tail.
enum class kept_value { promise, sum };

/// Entries that `keep_promising` may write beyond those that it keeps.
inline constexpr std::size_t kept_room = 8;

#ifdef __AVX2__
namespace detail {

/// For each set of lanes: where they come from when they close ranks.
inline constexpr auto lanes_in_front = [] {
  std::array<std::array<std::uint8_t, 8>, 256> table{};
  for (std::size_t set = 0; set < table.size(); ++set) {
    std::size_t count = 0;
    for (std::uint8_t lane = 0; lane < 8; ++lane) {
      if ((set >> lane & 1U) != 0) table[set][count++] = lane;
    }
  }
  return table;
}();

}  // namespace detail
#endif

/// Writes to `kept` the numbers, `first` and up, of the entries, and to `values` what `Stored` says, of whose
/// promises `scale * sums[i] + offsets[i] + tail * tails[i]`, i < count, are not below `cut`; what is no
/// number promises infinitely much. Both need room for `count + kept_room`. Returns how many there were.
/// `Sum` is int32 or float.
template <kept_value Stored, class Sum>
std::ptrdiff_t keep_promising(const Sum* sums, const float* offsets, const float* tails, std::ptrdiff_t count,
                              float scale, float tail, float cut, std::uint32_t first, float* values,
                              std::uint32_t* kept) {
  constexpr float infinity = std::numeric_limits<float>::infinity();
  std::ptrdiff_t found = 0;
  std::ptrdiff_t i = 0;
#ifdef __AVX2__
  __m256i numbers = _mm256_add_epi32(_mm256_set1_epi32(static_cast<std::int32_t>(first)),
                                     _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
  const __m256 scales = _mm256_set1_ps(scale), least = _mm256_set1_ps(cut),
               tail_factor = _mm256_set1_ps(tail);
  for (; i + 8 <= count; i += 8) {
    __m256 sum;
    if constexpr (std::is_same_v<Sum, std::int32_t>) {
      sum = _mm256_cvtepi32_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(sums + i)));
    } else {
      sum = _mm256_loadu_ps(sums + i);
    }
    const __m256 part = _mm256_add_ps(_mm256_mul_ps(scales, sum), _mm256_loadu_ps(offsets + i));
    const __m256 whole = _mm256_add_ps(part, _mm256_mul_ps(tail_factor, _mm256_loadu_ps(tails + i)));
    const auto set = static_cast<unsigned>(_mm256_movemask_ps(_mm256_cmp_ps(whole, least, _CMP_NLT_UQ)));
    __m256 value = part;
    if constexpr (Stored == kept_value::promise) {
      value = _mm256_blendv_ps(whole, _mm256_set1_ps(infinity), _mm256_cmp_ps(whole, whole, _CMP_UNORD_Q));
    }
    const __m256i order = _mm256_cvtepu8_epi32(
        _mm_loadl_epi64(reinterpret_cast<const __m128i*>(detail::lanes_in_front[set].data())));
    _mm256_storeu_ps(values + found, _mm256_permutevar8x32_ps(value, order));
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(kept + found),
                        _mm256_permutevar8x32_epi32(numbers, order));
    found += __builtin_popcount(set);
    numbers = _mm256_add_epi32(numbers, _mm256_set1_epi32(8));
  }
#endif
  for (; i < count; ++i) {
    const float part = scale * static_cast<float>(sums[i]) + offsets[i];
    const float whole = part + tail * tails[i];
    if (!(whole < cut)) {
      values[found] = Stored == kept_value::sum ? part : whole == whole ? whole : infinity;
      kept[found++] = first + static_cast<std::uint32_t>(i);
    }
  }
  return found;
}

}  // namespace lookalike::simd::inline LOOKALIKE_SIMD_NAMESPACE

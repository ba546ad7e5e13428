#pragma once

/// \file
/// Medians of 3x3 and 5x5 windows, by comparison networks: no branch, and exact.
///
/// Columns of the window are sorted first, once for all windows that share them; then its rows. In a table
/// sorted both ways, the value at row i, column j (counted from 1) is at least as large as i j values and at
/// most as large as (n+1-i)(n+1-j); those whose count exceeds half of the window cannot be the median. As
/// many are too small as too large, so the median of the rest is the median of all.

#include <cstddef>
#include <type_traits>
#include <utility>

#include <lookalike/simd/detail/xsimd.hpp>
#include <lookalike/simd/instruction_set.hpp>

namespace lookalike::simd::inline LOOKALIKE_SIMD_NAMESPACE {

namespace median_detail {

/// `step(Begin)`, ... `step(End - 1)`, with constant arguments: arrays indexed by them stay in registers.
template <std::size_t Begin, std::size_t End, class Step>
inline void unrolled(const Step& step) {
  [&]<std::size_t... I>(std::index_sequence<I...>) {
    (step(std::integral_constant<std::size_t, Begin + I>()), ...);
  }
  (std::make_index_sequence<End - Begin>());
}

template <class Value>
inline void order(Value& low, Value& high) {
  const Value smaller = xsimd::min(low, high);
  high = xsimd::max(low, high);
  low = smaller;
}

template <class Value>
inline void sort(Value (&v)[3]) {
  order(v[0], v[1]);
  order(v[1], v[2]);
  order(v[0], v[1]);
}

/// Nine comparisons, the least possible.
template <class Value>
inline void sort(Value (&v)[5]) {
  order(v[0], v[1]);
  order(v[3], v[4]);
  order(v[2], v[4]);
  order(v[2], v[3]);
  order(v[0], v[3]);
  order(v[0], v[2]);
  order(v[1], v[4]);
  order(v[1], v[3]);
  order(v[1], v[2]);
}

/// The median of an odd number of values. Of any (Count + 3) / 2 of them neither the smallest nor the
/// largest can be it: both leave, another value joins, until three are left. The set is v[Begin ... Last].
template <std::size_t Begin, std::size_t Last, std::size_t Count, class Value>
inline Value median_among(Value (&v)[Count]) {
  constexpr std::size_t size = Last - Begin + 1;
  // After these comparisons of pairs the smallest is in the front half and the largest in the back half.
  unrolled<0, size / 2>([&](auto i) { order(v[Begin + i], v[Last - i]); });
  unrolled<Begin + 1, Begin + (size + 1) / 2>([&](auto i) { order(v[Begin], v[i]); });
  unrolled<Begin + size / 2, Last>([&](auto i) { order(v[i], v[Last]); });
  constexpr std::size_t values_yet_to_join = size - 3;
  if constexpr (values_yet_to_join == 0) {
    return v[Begin + 1];
  } else {
    v[Last] = v[Count - values_yet_to_join];
    return median_among<Begin + 1, Last>(v);
  }
}
template <std::size_t Count, class Value>
inline Value median_of(Value (&v)[Count]) {
  static_assert(Count % 2 == 1 && Count >= 3);
  return median_among<0, (Count + 1) / 2>(v);
}

/// The median of a window whose columns are sorted: `v[i][j]` is the i-th smallest of column j.
template <class Value>
inline Value median_of_sorted_columns(Value (&v)[3][3]) {
  unrolled<0, 3>([&](auto i) { sort(v[i]); });
  Value candidates[3] = {v[0][2], v[1][1], v[2][0]};
  return median_of(candidates);
}
template <class Value>
inline Value median_of_sorted_columns(Value (&v)[5][5]) {
  unrolled<0, 5>([&](auto i) { sort(v[i]); });
  Value candidates[13] = {v[0][3], v[0][4], v[1][2], v[1][3], v[1][4], v[2][1], v[2][2],
                          v[2][3], v[3][0], v[3][1], v[3][2], v[4][0], v[4][1]};
  return median_of(candidates);
}

}  // namespace median_detail

/// What rows given to `median_row` must hold behind their last value, for whole registers.
constexpr std::ptrdiff_t median_row_slack = xsimd::batch<float>::size;

/// out[x] is the median of the `Size` x `Size` values rows[0 ... Size-1][x ... x+Size-1], for x < width.
/// Each row, `out` and the `Size` rows of `scratch` have `width + Size - 1 + median_row_slack` floats.
template <int Size>
inline void median_row(const float* const* rows, float* const* scratch, float* out, std::ptrdiff_t width) {
  using namespace median_detail;
  using floats = xsimd::batch<float>;
  constexpr auto lanes = static_cast<std::ptrdiff_t>(floats::size);
  for (std::ptrdiff_t x = 0; x < width + Size - 1; x += lanes) {
    floats column[Size];
    unrolled<0, Size>([&](auto i) { column[i] = floats::load_unaligned(rows[i] + x); });
    sort(column);
    unrolled<0, Size>([&](auto i) { column[i].store_unaligned(scratch[i] + x); });
  }
  for (std::ptrdiff_t x = 0; x < width; x += lanes) {
    floats window[Size][Size];
    unrolled<0, Size>([&](auto i) {
      unrolled<0, Size>([&](auto j) {
        window[i][j] = floats::load_unaligned(scratch[i] + x + static_cast<std::ptrdiff_t>(j));
      });
    });
    median_of_sorted_columns(window).store_unaligned(out + x);
  }
}

}  // namespace lookalike::simd::inline LOOKALIKE_SIMD_NAMESPACE

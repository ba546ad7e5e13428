#pragma once

/// \file
/// Feature maps and arrays in other orders, as views of the same memory.

#include <array>
#include <cstddef>
#include <cstdint>

#include <lookalike/core/tensor.hpp>
#include <lookalike/simd/feature_map.hpp>

namespace lookalike::detail {

/// A map as the array (batch, channels, height, width) that it is.
template <class Scalar>
tensor_view<Scalar> array_view(const simd::feature_map<Scalar>& m) {
  return {m.data, {m.batch, m.channels, m.height, m.width}, {m.picture_pitch(), 1, m.row_pitch(), m.pitch}};
}

/// The same with its channels, rows and columns (0, 1, 2) in another order.
template <class Scalar>
tensor_view<Scalar> permuted_view(const simd::feature_map<Scalar>& m, const std::array<int, 3>& order) {
  const tensor_view<Scalar> all = array_view(m);
  tensor_view<Scalar> result = all;
  for (std::size_t axis = 0; axis < order.size(); ++axis) {
    const auto from = static_cast<std::size_t>(order[axis] + 1);
    result.extents[axis + 1] = all.extents[from];
    result.strides[axis + 1] = all.strides[from];
  }
  return result;
}

/// Row `y` of picture `n` from column `x` on, `width` pixels of it.
template <class Scalar>
simd::feature_map<Scalar> part_of_row(const simd::feature_map<Scalar>& m, int n, int y, int x, int width) {
  return {m.pixel(n, y, x), 1, 1, width, m.channels, m.pitch};
}

}  // namespace lookalike::detail

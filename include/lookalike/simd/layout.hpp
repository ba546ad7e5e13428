#pragma once

/// \file
/// Between the order NCHW of the world outside and the order NHWC of feature maps; copies, sums and constants
/// of maps.

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include <lookalike/core/tensor.hpp>
#include <lookalike/simd/detail/lanes.hpp>

namespace lookalike::simd::inline LOOKALIKE_SIMD_NAMESPACE {

namespace detail {

/// Visits all elements of a map in tiles, so that both orders keep to few cache lines; `visit(element of the
/// map, element of the tensor)`.
template <class MapScalar, class TensorScalar, class Visit>
void visit_both(const char* where, const feature_map<MapScalar>& map, const tensor_view<TensorScalar>& tensor,
                const Visit& visit) {
  require(tensor.extents == std::array<std::int64_t, 4>{map.batch, map.channels, map.height, map.width},
          where, ": given a map of ", map.batch, " x ", map.channels, " x ", map.height, " x ", map.width,
          " (batch x channels x height x width) and a tensor of ", tensor.batch(), " x ", tensor.channels(),
          " x ", tensor.height(), " x ", tensor.width(), ", wanted the same extents");
  constexpr int tile = 16;
  const std::int64_t channel_stride = tensor.strides[1];
  const std::int64_t pixel_stride = tensor.strides[3];
  for_ranges(std::ptrdiff_t{map.batch} * map.height, std::ptrdiff_t{2} * map.width * map.channels,
             [&](std::ptrdiff_t first, std::ptrdiff_t last) {
               for (std::ptrdiff_t row = first; row < last; ++row) {
                 MapScalar* pixels = map.data + row * map.row_pitch();
                 TensorScalar* plane = tensor.data + row / map.height * tensor.strides[0] +
                                       row % map.height * tensor.strides[2];
                 for (int x0 = 0; x0 < map.width; x0 += tile) {
                   const int x1 = std::min(x0 + tile, map.width);
                   for (int c0 = 0; c0 < map.channels; c0 += tile) {
                     const int c1 = std::min(c0 + tile, map.channels);
                     for (int x = x0; x < x1; ++x) {
                       for (int c = c0; c < c1; ++c)
                         visit(pixels[x * map.pitch + c], plane[c * channel_stride + x * pixel_stride]);
                     }
                   }
                 }
               }
             });
}

}  // namespace detail

/// to = from, or to += from. Throws `value_error` if the extents differ.
template <class Scalar>
void copy(const std::type_identity_t<tensor_view<const Scalar>>& from, const feature_map<Scalar>& to,
          bool accumulate = false) {
  if (accumulate) {
    detail::visit_both("copy", to, from, [](Scalar& element, const Scalar& value) { element += value; });
  } else {
    detail::visit_both("copy", to, from, [](Scalar& element, const Scalar& value) { element = value; });
  }
}

/// The way back.
template <class Scalar>
void copy(const input_map<Scalar>& from, const tensor_view<Scalar>& to, bool accumulate = false) {
  if (accumulate) {
    detail::visit_both("copy", from, to, [](const Scalar& value, Scalar& element) { element += value; });
  } else {
    detail::visit_both("copy", from, to, [](const Scalar& value, Scalar& element) { element = value; });
  }
}

/// The same from map to map, whatever their pitches; slices of maps are maps. They may be one and the same,
/// but must not overlap otherwise.
template <class Scalar>
void copy(const input_map<Scalar>& from, const feature_map<Scalar>& to, bool accumulate = false) {
  detail::require_same_extents("copy", from, to);
  detail::map_elements(
      to, accumulate, [](const auto& value) { return value; }, from);
}

/// Sets every element.
template <class Scalar>
void fill(const feature_map<Scalar>& to, std::type_identity_t<Scalar> value) {
  detail::map_elements(to, false, [value] { return xsimd::batch<Scalar>(value); });
}

}  // namespace lookalike::simd::inline LOOKALIKE_SIMD_NAMESPACE

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

/// Calls `move(pixels, pitch, width, channels, plane, channel stride, pixel stride)` for tiles of both
/// arrays. Channels of neighboring planes are often a multiple of 4 KB apart and share a set of the cache, so
/// a tile goes through memory of its own, `tile_size` x `tile_size` scalars, and touches each plane once.
inline constexpr int tile_size = 16;

template <class MapScalar, class TensorScalar, class Move>
void for_tiles(const feature_map<MapScalar>& map, const tensor_view<TensorScalar>& tensor, const Move& move) {
  require(tensor.extents == std::array<std::int64_t, 4>{map.batch, map.channels, map.height, map.width},
          "copy: given a map of ", map.batch, " x ", map.channels, " x ", map.height, " x ", map.width,
          " (batch x channels x height x width) and a tensor of ", tensor.batch(), " x ", tensor.channels(),
          " x ", tensor.height(), " x ", tensor.width(), ", wanted the same extents");
  const std::int64_t channel_stride = tensor.strides[1];
  const std::int64_t pixel_stride = tensor.strides[3];
  for_ranges(std::ptrdiff_t{map.batch} * map.height, std::ptrdiff_t{4} * map.width * map.channels,
             [&](std::ptrdiff_t first, std::ptrdiff_t last) {
               for (std::ptrdiff_t row = first; row < last; ++row) {
                 MapScalar* pixels = map.data + row * map.row_pitch();
                 TensorScalar* plane = tensor.data + row / map.height * tensor.strides[0] +
                                       row % map.height * tensor.strides[2];
                 for (int c = 0; c < map.channels; c += tile_size) {
                   const int channels = std::min(tile_size, map.channels - c);
                   for (int x = 0; x < map.width; x += tile_size) {
                     move(pixels + x * map.pitch + c, map.pitch, std::min(tile_size, map.width - x), channels,
                          plane + c * channel_stride + x * pixel_stride, channel_stride, pixel_stride);
                   }
                 }
               }
             });
}

/// to[i * to_stride] = from[i * from_stride], or +=, for i < count.
template <class Scalar>
inline void copy_strided(const Scalar* from, std::ptrdiff_t from_stride, Scalar* to, std::ptrdiff_t to_stride,
                         int count, bool accumulate) {
  if (from_stride == 1 && to_stride == 1) {
    for_vectors<Scalar>(count, [&](std::ptrdiff_t at, auto vector) {
      const auto value = vector.load(from + at);
      vector.store(to + at, accumulate ? vector.load(to + at) + value : value);
    });
  } else if (accumulate) {
    for (int i = 0; i < count; ++i) to[i * to_stride] += from[i * from_stride];
  } else {
    for (int i = 0; i < count; ++i) to[i * to_stride] = from[i * from_stride];
  }
}

}  // namespace detail

/// to = from, or to += from. Throws `value_error` if the extents differ.
template <class Scalar>
void copy(const std::type_identity_t<tensor_view<const Scalar>>& from, const feature_map<Scalar>& to,
          bool accumulate = false) {
  constexpr int size = detail::tile_size;
  detail::for_tiles(to, from,
                    [&](Scalar* pixels, std::ptrdiff_t pitch, int width, int channels, const Scalar* plane,
                        std::int64_t channel_stride, std::int64_t pixel_stride) {
                      alignas(64) Scalar tile[size * size];  // by channels
                      for (int c = 0; c < channels; ++c)
                        detail::copy_strided(plane + c * channel_stride, pixel_stride, tile + c * size, 1,
                                             width, false);
                      for (int x = 0; x < width; ++x)
                        detail::copy_strided(tile + x, size, pixels + x * pitch, 1, channels, accumulate);
                    });
}

/// The way back.
template <class Scalar>
void copy(const input_map<Scalar>& from, const tensor_view<Scalar>& to, bool accumulate = false) {
  constexpr int size = detail::tile_size;
  detail::for_tiles(from, to,
                    [&](const Scalar* pixels, std::ptrdiff_t pitch, int width, int channels, Scalar* plane,
                        std::int64_t channel_stride, std::int64_t pixel_stride) {
                      alignas(64) Scalar tile[size * size];  // by pixels
                      for (int x = 0; x < width; ++x)
                        detail::copy_strided(pixels + x * pitch, 1, tile + x * size, 1, channels, false);
                      for (int c = 0; c < channels; ++c)
                        detail::copy_strided(tile + c, size, plane + c * channel_stride, pixel_stride, width,
                                             accumulate);
                    });
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

namespace detail {

/// Clears rows of one picture as they come into use, from the first on.
template <class Scalar>
class row_clearer {
 public:
  row_clearer(const feature_map<Scalar>& picture, bool active)
      : picture_(picture), next_(active ? 0 : picture.height) {}

  /// Rows below `end` may be added to from now on.
  void reach(int end) {
    if (end <= next_) return;
    feature_map<Scalar> rows = picture_;
    rows.data += next_ * picture_.row_pitch();
    rows.height = end - next_;
    fill(rows, Scalar(0));
    next_ = end;
  }

 private:
  feature_map<Scalar> picture_;
  int next_;
};

}  // namespace detail

}  // namespace lookalike::simd::inline LOOKALIKE_SIMD_NAMESPACE

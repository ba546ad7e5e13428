#pragma once

/// \file
/// What the hot loops of networks read and write: a batch of pictures, the channels of a pixel side by side.

#include <cstddef>
#include <cstdint>
#include <type_traits>

namespace lookalike::simd {

/// A view of batch x height x width pixels of `channels` scalars each (NHWC). Neighboring pixels are `pitch`
/// scalars apart, pitch >= channels; rows follow one another without a gap, and so do pictures. A slice of
/// the channels of a wider map is therefore a feature map itself, with the pitch of the whole: who writes
/// into such slices has concatenated without a copy. Nothing is aligned beyond a scalar.
template <class Scalar>
struct feature_map {
  Scalar* data = nullptr;
  int batch = 0;
  int height = 0;
  int width = 0;
  int channels = 0;
  std::ptrdiff_t pitch = 0;

  constexpr std::ptrdiff_t pixels() const {
    return std::ptrdiff_t{batch} * std::ptrdiff_t{height} * std::ptrdiff_t{width};
  }
  constexpr std::ptrdiff_t row_pitch() const { return pitch * width; }
  constexpr std::ptrdiff_t picture_pitch() const { return pitch * width * height; }
  /// The channels of the pixel in row `y` and column `x` of picture `n`.
  constexpr Scalar* pixel(int n, int y, int x) const {
    return data + ((std::ptrdiff_t{n} * height + y) * width + x) * pitch;
  }
  /// Picture `n` alone.
  constexpr feature_map picture(int n) const {
    return {data + n * picture_pitch(), 1, height, width, channels, pitch};
  }
  /// `count` channels from `first` on.
  constexpr feature_map slice(int first, int count) const {
    return {data + first, batch, height, width, count, pitch};
  }

  constexpr operator feature_map<const Scalar>() const requires(!std::is_const_v<Scalar>) {
    return {data, batch, height, width, channels, pitch};
  }
};

}  // namespace lookalike::simd

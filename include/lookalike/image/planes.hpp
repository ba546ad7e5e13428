#pragma once

/// \file
/// Pictures into batches and back: the channels of a pixel lie side by side in a picture, and in planes of
/// their own in a batch (core/tensor.hpp).

#include <cstdint>

#include <lookalike/core/error.hpp>
#include <lookalike/core/tensor.hpp>
#include <lookalike/image/image.hpp>

namespace lookalike {

/// Sample `n` of a batch alone, 1 x channels x height x width.
template <class Scalar>
constexpr tensor_view<Scalar> sample_of(tensor_view<Scalar> batch, std::int64_t n) {
  return {batch.data + n * batch.strides[0],
          {1, batch.extents[1], batch.extents[2], batch.extents[3]},
          batch.strides};
}

/// Writes a picture to `out`, 1 x Channels x height x width, values as they are. Throws `value_error` when
/// the extents differ.
template <int Channels, class Value, class Scalar>
void write_planes(const image<Channels, Value>& picture, tensor_view<Scalar> out) {
  require(out.batch() == 1 && out.channels() == Channels && out.height() == picture.height() &&
              out.width() == picture.width(),
          "write_planes: given a picture of ", Channels, " channels, ", picture.height(), "x",
          picture.width(), ", and room for ", out.batch(), " x ", out.channels(), " x ", out.height(), " x ",
          out.width(), ", wanted the same");
  for (int c = 0; c < Channels; ++c)
    for (int y = 0; y < picture.height(); ++y)
      for (int x = 0; x < picture.width(); ++x) out(0, c, y, x) = static_cast<Scalar>(picture(y, x, c));
}

/// The picture in `planes`, 1 x Channels x height x width, values as they are. Throws `value_error` for
/// another batch or number of channels.
template <int Channels, class Scalar>
image<Channels, Scalar> image_of_planes(tensor_view<const Scalar> planes) {
  require(planes.batch() == 1 && planes.channels() == Channels, "image_of_planes: given ", planes.batch(),
          " x ", planes.channels(), " x ", planes.height(), " x ", planes.width(), ", wanted 1 x ", Channels,
          " planes");
  image<Channels, Scalar> picture(static_cast<int>(planes.height()), static_cast<int>(planes.width()));
  for (int c = 0; c < Channels; ++c)
    for (int y = 0; y < picture.height(); ++y)
      for (int x = 0; x < picture.width(); ++x) picture(y, x, c) = planes(0, c, y, x);
  return picture;
}

}  // namespace lookalike

#pragma once

/// \file
/// The overlap-tile strategy (Ronneberger et al. 2015, figure 2): pictures larger than memory allows are run
/// through a network tile by tile. Each tile is seen with a margin around it; what the margin yields is
/// thrown away. Where the margin covers the receptive field, the result is the whole picture's.

#include <algorithm>
#include <cstdint>

#include <lookalike/core/error.hpp>
#include <lookalike/core/tensor.hpp>
#include <lookalike/nn/network.hpp>

namespace lookalike {

/// How a picture is cut.
struct tile_options {
  int tile = 256;     ///< pixels along a side of what a tile yields; the last ones may be smaller
  int overlap = 64;   ///< margin on each side that is seen besides, cut off at the picture's border
  int multiple = 16;  ///< extents and places are multiples of this: 2^levels of a U-Net
};

/// Runs a network that yields as many pixels as it is given, tile by tile. `x` is (batch, channels, height,
/// width); height and width, and the options, must be multiples of `options.multiple`, so that every tile
/// lies on the grid of the poolings. Within the picture a tile's margin holds the picture's pixels, and at
/// its border ends there, so that borders are padded as the whole picture's would be. Memory: one tile.
/// Throws `value_error` for extents or options that do not fit, and when the network yields other extents.
///
/// The margin covers the receptive field where `overlap` is at least the receptive field's extent
/// (nn/receptive_field.hpp) rounded up, halved; less is often enough, since a field's rim counts little.
template <class Scalar>
tensor<Scalar> run_tiled(const network<Scalar>& net, tensor_view<const Scalar> x,
                         const tile_options& options = {}) {
  const std::int64_t multiple = options.multiple;
  require(multiple > 0 && options.tile > 0 && options.overlap >= 0 && options.tile % multiple == 0 &&
              options.overlap % multiple == 0,
          "run_tiled: given tiles of ", options.tile, " with an overlap of ", options.overlap,
          ", wanted multiples of ", multiple);
  require(x.height() % multiple == 0 && x.width() % multiple == 0, "run_tiled: given a picture of ",
          x.height(), " x ", x.width(), ", wanted multiples of ", multiple);
  require(x.size() > 0, "run_tiled: given a picture of ", x.height(), " x ", x.width(), " in a batch of ",
          x.batch(), ", wanted at least one pixel");
  tensor<Scalar> result;
  for (std::int64_t y = 0; y < x.height(); y += options.tile) {
    for (std::int64_t left = 0; left < x.width(); left += options.tile) {
      const std::int64_t height = std::min<std::int64_t>(options.tile, x.height() - y);
      const std::int64_t width = std::min<std::int64_t>(options.tile, x.width() - left);
      const std::int64_t y0 = std::max<std::int64_t>(0, y - options.overlap);
      const std::int64_t x0 = std::max<std::int64_t>(0, left - options.overlap);
      const std::int64_t y1 = std::min(x.height(), y + height + options.overlap);
      const std::int64_t x1 = std::min(x.width(), left + width + options.overlap);
      tensor_view<const Scalar> seen = x;
      seen.data += y0 * x.strides[2] + x0 * x.strides[3];
      seen.extents = {x.batch(), x.channels(), y1 - y0, x1 - x0};
      const auto pass = net.forward(seen);
      const tensor_view<const Scalar> out = pass.output();
      require(out.height() == y1 - y0 && out.width() == x1 - x0, "run_tiled: the network yields ",
              out.height(), " x ", out.width(), " for ", y1 - y0, " x ", x1 - x0, ", wanted the same");
      if (result.empty()) result = tensor<Scalar>(x.batch(), out.channels(), x.height(), x.width());
      for (std::int64_t n = 0; n < x.batch(); ++n)
        for (std::int64_t c = 0; c < out.channels(); ++c)
          for (std::int64_t row = 0; row < height; ++row)
            for (std::int64_t column = 0; column < width; ++column)
              result(n, c, y + row, left + column) = out(n, c, y - y0 + row, left - x0 + column);
    }
  }
  return result;
}

}  // namespace lookalike

#pragma once

/// \file
/// Masks, and pictures with a hole.

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include <lookalike/image/image.hpp>

namespace lookalike {

/// One byte a pixel; non-zero means missing.
using mask = image<1, std::uint8_t>;

/// A photograph (sRGB, [0, 1]) and the pixels of it that are missing. The extents agree.
struct masked_image {
  image<3> picture;
  mask hole;
};

/// Number of missing pixels.
inline std::ptrdiff_t hole_area(const mask& hole) {
  return std::count_if(hole.values().begin(), hole.values().end(), [](std::uint8_t m) { return m != 0; });
}

/// Throws `value_error` unless the mask has the picture's extent, misses at least one pixel and leaves at
/// least one. `where` opens the message.
template <int Channels>
void require_fillable(const image<Channels>& picture, const mask& hole, const char* where) {
  require(!picture.empty(), where, ": given an empty picture, wanted at least one pixel");
  require(same_extent(picture, hole), where, ": given a mask of ", hole.height(), "x", hole.width(),
          " (height x width), wanted the picture's ", picture.height(), "x", picture.width());
  const std::ptrdiff_t missing = hole_area(hole);
  require(missing > 0, where, ": given a mask without a missing pixel, wanted a hole to fill");
  require(missing < hole.area(), where,
          ": given a mask that covers the whole picture, wanted at least one known pixel");
}

}  // namespace lookalike

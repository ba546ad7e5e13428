#pragma once

/// \file
/// The part of a picture where there is something to do.

#include <algorithm>

#include <lookalike/image/mask.hpp>
#include <lookalike/image/size.hpp>

namespace lookalike::detail {

/// A rectangle of a picture: rows [top, bottom), columns [left, right).
struct picture_window {
  int top;
  int left;
  int bottom;
  int right;

  int height() const { return bottom - top; }
  int width() const { return right - left; }
};

/// The smallest rectangle that contains all non-zero pixels, of which there is at least one, and `margin`
/// pixels around them, within the picture.
inline picture_window window_around(const mask& pixels, int margin) {
  const box all = bounding_box(pixels);
  return {std::max(all.y - margin, 0), std::max(all.x - margin, 0),
          std::min(all.y + all.height + margin, pixels.height()),
          std::min(all.x + all.width + margin, pixels.width())};
}

}  // namespace lookalike::detail

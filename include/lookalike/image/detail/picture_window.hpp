#pragma once

/// \file
/// The part of a picture where there is something to do.

#include <algorithm>

#include <lookalike/image/mask.hpp>

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
  picture_window window{pixels.height(), pixels.width(), 0, 0};
  for (int y = 0; y < pixels.height(); ++y) {
    const auto row = pixels.row(y);
    const auto set = [](std::uint8_t m) { return m != 0; };
    const auto first = std::find_if(row.begin(), row.end(), set);
    if (first == row.end()) continue;
    const auto last = std::find_if(row.rbegin(), row.rend(), set);
    window = {std::min(window.top, y), std::min(window.left, static_cast<int>(first - row.begin())), y + 1,
              std::max(window.right, static_cast<int>(row.rend() - last))};
  }
  return {std::max(window.top - margin, 0), std::max(window.left - margin, 0),
          std::min(window.bottom + margin, pixels.height()), std::min(window.right + margin, pixels.width())};
}

}  // namespace lookalike::detail

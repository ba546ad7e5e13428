#pragma once

/// \file
/// Turning a picture the way its Exif orientation asks for.

#include <algorithm>

#include <lookalike/image/image.hpp>

namespace lookalike::detail {

/// The picture as it should be seen, given its pixels as stored and its Exif orientation: 1 as stored,
/// 2 mirrored, 3 upside down, 4 flipped, 5 transposed, 6 turned clockwise, 7 transposed along the other
/// diagonal, 8 turned counterclockwise.
template <int Channels, class Value>
image<Channels, Value> oriented(image<Channels, Value> stored, int orientation) {
  if (orientation <= 1 || orientation > 8) return stored;
  const bool transposed = orientation >= 5;
  const bool from_bottom = orientation == 3 || orientation == 4 || orientation == 7 || orientation == 8;
  const bool from_right = orientation == 2 || orientation == 3 || orientation == 6 || orientation == 7;
  // Where the output's row and column count in the stored picture: for a transposed one, the output's
  // column runs along stored rows. Orientation 6: output (y, x) = stored (height - 1 - x, y).
  image<Channels, Value> seen(transposed ? stored.width() : stored.height(),
                              transposed ? stored.height() : stored.width());
  for (int y = 0; y < seen.height(); ++y) {
    for (int x = 0; x < seen.width(); ++x) {
      const int along_rows = from_bottom ? seen.height() - 1 - y : y;
      const int along_columns = from_right ? seen.width() - 1 - x : x;
      const Value* source =
          transposed ? &stored(along_columns, along_rows) : &stored(along_rows, along_columns);
      std::copy_n(source, Channels, &seen(y, x));
    }
  }
  return seen;
}

}  // namespace lookalike::detail

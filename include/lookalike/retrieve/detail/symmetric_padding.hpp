#pragma once

/// \file
/// Symmetric padding: beyond its border a picture goes on as its mirror image, the border pixel repeated.

namespace lookalike::detail {

/// The pixel in [0, extent) that stands at `position`, any integer, of the padded line.
inline int mirrored(int position, int extent) {
  const int period = 2 * extent;
  const int folded = ((position % period) + period) % period;
  return folded < extent ? folded : period - 1 - folded;
}

}  // namespace lookalike::detail

#pragma once

/// \file
/// What filters see beyond the border of a picture.

#include <cstddef>

namespace lookalike {

enum class border {
  reflect,    ///< d c b a | a b c d | d c b a   (scipy.ndimage "reflect")
  mirror,     ///<   d c b | a b c d | c b a     (scipy.ndimage "mirror")
  replicate,  ///< a a a a | a b c d | d d d d   (scipy.ndimage "nearest")
  zero        ///< 0 0 0 0 | a b c d | 0 0 0 0   (scipy.ndimage "constant")
};

/// The position in [0, extent) whose value stands at `at`, which may lie any distance outside; -1 for zero.
constexpr int inside(int at, int extent, border beyond) {
  if (at >= 0 && at < extent) return at;
  if (beyond == border::zero) return -1;
  if (beyond == border::replicate || extent == 1) return at < 0 ? 0 : extent - 1;
  const int period = beyond == border::reflect ? 2 * extent : 2 * extent - 2;
  const int phase = ((at % period) + period) % period;
  if (phase < extent) return phase;
  return beyond == border::reflect ? period - 1 - phase : period - phase;
}

}  // namespace lookalike

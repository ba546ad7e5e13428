#pragma once

/// \file
/// Which row or column of a map stands at a position beyond its border.

#include <lookalike/simd/instruction_set.hpp>
#include <lookalike/simd/window.hpp>

namespace lookalike::simd::inline LOOKALIKE_SIMD_NAMESPACE {
namespace detail {

/// The position in [0, extent) that is seen at `at`, however far outside; -1 where that is zero. "reflect"
/// does not repeat the border (d c b | a b c d | c b a).
constexpr int border_index(int at, int extent, padding_mode mode) {
  if (at >= 0 && at < extent) return at;
  if (mode == padding_mode::zeros || extent <= 0) return -1;
  if (mode == padding_mode::replicate || extent == 1) return at < 0 ? 0 : extent - 1;
  const int period = 2 * extent - 2;
  const int phase = (at % period + period) % period;
  return phase < extent ? phase : period - phase;
}

}  // namespace detail
}  // namespace lookalike::simd::inline LOOKALIKE_SIMD_NAMESPACE

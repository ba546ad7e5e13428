#pragma once

/// \file
/// Backward of reflecting and replicating padding.

#include <algorithm>
#include <cstddef>

#include <lookalike/core/parallel.hpp>
#include <lookalike/simd/detail/border_index.hpp>
#include <lookalike/simd/feature_map.hpp>
#include <lookalike/simd/instruction_set.hpp>

namespace lookalike::simd::inline LOOKALIKE_SIMD_NAMESPACE {
namespace detail {

/// The gradient of one picture from the gradient of its padded version, whose pixel (0, 0) lies `top` rows
/// above and `left` columns left of the picture's: each pixel receives what all of its copies received, in
/// the order of the padded version.
template <class Scalar>
void fold_border(const feature_map<const Scalar>& padded, int top, int left, padding_mode mode,
                 bool accumulate, const feature_map<Scalar>& picture) {
  parallel_for(picture.height, [&](std::int64_t row) {
    const int y = static_cast<int>(row);
    if (!accumulate) {
      for (int x = 0; x < picture.width; ++x)
        std::fill_n(picture.pixel(0, y, x), picture.channels, Scalar(0));
    }
    for (int py = 0; py < padded.height; ++py) {
      if (border_index(py - top, picture.height, mode) != y) continue;
      for (int px = 0; px < padded.width; ++px) {
        const Scalar* from = padded.pixel(0, py, px);
        Scalar* to = picture.pixel(0, y, border_index(px - left, picture.width, mode));
        for (int c = 0; c < picture.channels; ++c) to[c] += from[c];
      }
    }
  });
}

}  // namespace detail
}  // namespace lookalike::simd::inline LOOKALIKE_SIMD_NAMESPACE

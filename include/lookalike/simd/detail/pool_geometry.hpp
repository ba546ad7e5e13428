#pragma once

/// \file
/// Which pixels a pool looks at: a sliding window or the bins of an adaptive pool, one axis at a time.

#include <algorithm>

#include <lookalike/simd/window.hpp>

namespace lookalike::simd::detail {

/// Positions first, first + step, ... along one axis, all inside the map.
struct tap_range {
  int first = 0;
  int count = 0;
  int step = 1;

  constexpr int operator[](int i) const { return first + i * step; }
};

struct pool_axis {
  int extent = 1;     ///< of the input
  int positions = 1;  ///< of the output
  bool adaptive = false;
  int kernel = 1;
  int stride = 1;
  int dilation = 1;
  int padding_before = 0;
  int padding_after = 0;

  /// What output position `o` sees of the input. Bins of an adaptive pool go from floor(o extent / positions)
  /// to ceil((o + 1) extent / positions), and so may overlap.
  constexpr tap_range taps(int o) const {
    if (adaptive) {
      const int first = static_cast<int>(1LL * o * extent / positions);
      const int last = static_cast<int>((1LL * (o + 1) * extent + positions - 1) / positions);
      return {first, last - first, 1};
    }
    const int start = o * stride - padding_before;
    const int skipped = start < 0 ? (dilation - 1 - start) / dilation : 0;
    const int first = start + skipped * dilation;
    const int inside = first < extent ? (extent - first + dilation - 1) / dilation : 0;
    return {first, std::clamp(inside, 0, std::max(kernel - skipped, 0)), dilation};
  }

  /// How many taps of the window at `o` lie in the map or its padding. A last window in ceil mode may hang
  /// over the padding too.
  constexpr int padded_taps(int o) const {
    if (adaptive) return taps(o).count;
    const int room = extent + padding_after - (o * stride - padding_before);
    return std::clamp((room + dilation - 1) / dilation, 0, kernel);
  }

  /// Whether no two windows share a pixel.
  constexpr bool disjoint() const {
    return adaptive ? extent % positions == 0 : stride >= dilation * (kernel - 1) + 1;
  }
  /// Whether every pixel is seen, where windows are disjoint.
  constexpr bool covering() const {
    return adaptive || (kernel == stride && dilation == 1 && padding_before >= 0 &&
                        positions * stride - padding_before >= extent);
  }
};

struct pool_geometry {
  pool_axis rows;
  pool_axis columns;

  template <class Input, class Output>
  static constexpr pool_geometry sliding(const Input& x, const window& w, const Output& y) {
    return {{x.height, y.height, false, w.kernel_height, w.stride_height, w.dilation_height, w.padding_top,
             w.padding_bottom},
            {x.width, y.width, false, w.kernel_width, w.stride_width, w.dilation_width, w.padding_left,
             w.padding_right}};
  }
  template <class Input, class Output>
  static constexpr pool_geometry adaptive(const Input& x, const Output& y) {
    return {{x.height, y.height, true}, {x.width, y.width, true}};
  }

  constexpr bool disjoint() const { return rows.disjoint() && columns.disjoint(); }
  constexpr bool covering() const { return rows.covering() && columns.covering(); }
};

}  // namespace lookalike::simd::detail

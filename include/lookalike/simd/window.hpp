#pragma once

/// \file
/// The geometry that convolutions and pools share: a window that slides over a padded map.

namespace lookalike::simd {

/// Kernel extent, stride, dilation and padding, vertically and horizontally, in pixels. Padding may differ on
/// the two sides ("same" padding of an even kernel); a negative one crops.
struct window {
  int kernel_height = 1;
  int kernel_width = 1;
  int stride_height = 1;
  int stride_width = 1;
  int dilation_height = 1;
  int dilation_width = 1;
  int padding_top = 0;
  int padding_left = 0;
  int padding_bottom = 0;
  int padding_right = 0;

  friend constexpr bool operator==(const window&, const window&) = default;

  /// Rows and columns from the first to the last tap.
  constexpr int reach_height() const { return dilation_height * (kernel_height - 1) + 1; }
  constexpr int reach_width() const { return dilation_width * (kernel_width - 1) + 1; }
};

/// How many positions a window has along one axis:
/// floor((extent + padding_before + padding_after - dilation (kernel - 1) - 1) / stride) + 1; 0 where it does
/// not fit.
constexpr int window_positions(int extent, int kernel, int stride, int dilation, int padding_before,
                               int padding_after) {
  const int room = extent + padding_before + padding_after - dilation * (kernel - 1) - 1;
  return room < 0 ? 0 : room / stride + 1;
}

/// The same in ceil mode: a last window that hangs over the padded map counts if it starts inside the map or
/// its leading padding (PyTorch's rule).
constexpr int window_positions_ceil(int extent, int kernel, int stride, int dilation, int padding_before,
                                    int padding_after) {
  const int room = extent + padding_before + padding_after - dilation * (kernel - 1) - 1;
  if (room < 0) return 0;
  const int positions = (room + stride - 1) / stride + 1;
  return (positions - 1) * stride >= extent + padding_before ? positions - 1 : positions;
}

/// What lies beyond the border of a map.
enum class padding_mode : unsigned char { zeros, reflect, replicate };

}  // namespace lookalike::simd

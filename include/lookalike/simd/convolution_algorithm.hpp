#pragma once

/// \file
/// How a convolution is computed: directly, or by Winograd's minimal filtering (Lavin and Gray, *Fast
/// algorithms for convolutional neural networks*, CVPR 2016), which computes m x m outputs of a 3 x 3 kernel
/// with (m + 2)^2 multiplications instead of 9 m^2.

#include <cstdint>

#include <lookalike/simd/window.hpp>

namespace lookalike::simd {

/// The algorithms. Errors are relative to the largest output, in float, against double precision; the time
/// saved grows with m, and so do the error and the transformed weights: (m + 2)^2 / 9 times the weights.
///
/// | algorithm | multiplications | weights | error |
/// | --- | --- | --- | --- |
/// | `direct` | 9 an output | 1 | 1e-6 |
/// | `winograd_2x2` | 4 | 1.8 times | 5e-6 at most |
/// | `winograd_4x4` | 2.25 | 4 times | 5e-6 at most |
/// | `winograd_6x6` | 1.78 | 7.1 times | 5e-5 at most; never chosen by `automatic` |
///
/// That is for kernels of 3 x 3 with stride 1, any dilation and one group. With one group there are also
///
/// | kernel | stride | algorithm | multiplications | weights |
/// | --- | --- | --- | --- | --- |
/// | 5 x 5, any dilation, but for the gradient of the weights | 1 | F(2x2) | 9 instead of 25 | 1.4 times |
/// | 3 x 3, forward, of even and odd taps | 2 | F(4x4) | 5.1 instead of 9 | 11 times |
/// | 4 x 4, forward, of even and odd taps | 2 | F(4x4) | 6.25 instead of 16 | 6.25 times |
/// | 4 x 4, transposed, and the gradient of the data | 2 | F(4x4) | 1.56 instead of 4 | 6.25 times |
///
/// With stride 2 F(4x4), and with kernels of 5 x 5 F(2x2), stands for all three. What Winograd's does not fit
/// is computed directly, whatever is asked for. Scalars other than float always are.
enum class convolution_algorithm : unsigned char {
  automatic,  ///< what `choose_convolution_algorithm` says
  direct,
  winograd_2x2,
  winograd_4x4,
  winograd_6x6
};

/// Whether Winograd's algorithms can compute it with stride 1, forward and backward.
constexpr bool is_winograd_convolution(const window& w, int groups) {
  return (w.kernel_height == 3 || w.kernel_height == 5) && w.kernel_width == w.kernel_height &&
         w.stride_height == 1 && w.stride_width == 1 && groups == 1;
}
/// Whether F(4x4) can compute it with stride 2, forward.
constexpr bool is_winograd_strided_convolution(const window& w, int groups) {
  return (w.kernel_height == 3 || w.kernel_height == 4) && (w.kernel_width == 3 || w.kernel_width == 4) &&
         w.stride_height == 2 && w.stride_width == 2 && w.dilation_height == 1 && w.dilation_width == 1 &&
         groups == 1;
}
/// Whether F(4x4) can compute its transpose with stride 2.
constexpr bool is_winograd_transposed_convolution(const window& w, int groups) {
  return is_winograd_strided_convolution(w, groups) && w.kernel_height == 4 && w.kernel_width == 4;
}

/// The algorithm for `height` x `width` outputs: the one that is asked for where it can be, never
/// `automatic`. The default depends on the extents of one picture only, so that a result depends neither on
/// the batch nor on the number of threads. With few channels the transforms cost more than they save; on few
/// pixels the weights, each of which is used for as many tiles, take the time, and there are more of them for
/// larger tiles.
constexpr convolution_algorithm choose_convolution_algorithm(convolution_algorithm asked_for,
                                                             int input_channels, int output_channels,
                                                             const window& w, int groups, int height,
                                                             int width) {
  using enum convolution_algorithm;
  const bool is_strided = is_winograd_strided_convolution(w, groups);
  if (asked_for == direct || (!is_strided && !is_winograd_convolution(w, groups))) return direct;
  if (is_strided && asked_for != automatic) return winograd_4x4;
  if (w.kernel_height == 5 && asked_for != automatic) return winograd_2x2;
  if (asked_for != automatic) return asked_for;
  if (is_strided) {
    // The fewer multiplications are saved, the more pixels must share what reading the weights takes.
    const int least_pixels = w.kernel_height + w.kernel_width == 8 ? 512 : 2048;
    return input_channels < 64 || output_channels < 64 || height * width < least_pixels ? direct
                                                                                        : winograd_4x4;
  }
  if (input_channels < 16 || output_channels < 16 || height * width < 16) return direct;
  if (height * width <= 64 || w.kernel_height == 5) return winograd_2x2;
  // Every dilation_height-th row and dilation_width-th column is a map of its own.
  const int rows = (height - 1) / w.dilation_height + 1;
  const int columns = (width - 1) / w.dilation_width + 1;
  const auto products = [&](int m) {
    return ((rows - 1) / m + 1) * ((columns - 1) / m + 1) * (m + 2) * (m + 2);
  };
  return products(4) <= products(2) ? winograd_4x4 : winograd_2x2;
}

/// The algorithm for a transposed convolution from `input_channels` to `output_channels` with `height` x
/// `width` outputs, and for the gradient of a convolution for its data, which is one.
constexpr convolution_algorithm choose_transposed_convolution_algorithm(convolution_algorithm asked_for,
                                                                        int input_channels,
                                                                        int output_channels, const window& w,
                                                                        int groups, int height, int width) {
  using enum convolution_algorithm;
  if (is_winograd_convolution(w, groups))
    return choose_convolution_algorithm(asked_for, input_channels, output_channels, w, groups, height, width);
  if (!is_winograd_transposed_convolution(w, groups) || asked_for == direct) return direct;
  if (asked_for != automatic) return winograd_4x4;
  return input_channels < 16 || output_channels < 16 || height * width < 2048 ? direct : winograd_4x4;
}

/// The algorithm for the gradient of the weights, given `batch` x `height` x `width` outputs: `winograd_4x4`
/// or `direct`, which is taken as well where F(2x2) is asked for, since that would not pay.
constexpr convolution_algorithm choose_weight_gradient_algorithm(convolution_algorithm asked_for,
                                                                 int input_channels, int output_channels,
                                                                 const window& w, int groups, int batch,
                                                                 int height, int width) {
  using enum convolution_algorithm;
  if (!is_winograd_convolution(w, groups) || w.kernel_height != 3 || asked_for == direct ||
      asked_for == winograd_2x2)
    return direct;
  if (asked_for != automatic) return winograd_4x4;
  if (input_channels < 16 || output_channels < 16) return direct;
  const auto tiles = [](int extent, int dilation) {
    return ((extent - 1) / dilation + 1 + 3) / 4 * dilation;
  };
  // 36 products a tile instead of 9 an output, and the transforms. With few tiles, sums of four times as many
  // numbers take the time.
  const std::int64_t count =
      std::int64_t{1} * tiles(height, w.dilation_height) * tiles(width, w.dilation_width);
  return batch * count >= 16 && 10 * 36 * count <= 6 * 9 * std::int64_t{height} * width ? winograd_4x4
                                                                                        : direct;
}

}  // namespace lookalike::simd

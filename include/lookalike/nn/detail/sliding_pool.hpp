#pragma once

/// \file
/// What pools with a sliding window have in common: options, extents, what they see.

#include <lookalike/nn/architecture.hpp>
#include <lookalike/nn/detail/window_shape.hpp>
#include <lookalike/nn/extent.hpp>

namespace lookalike {

/// Options of `max_pool` and `max_pool_indices`.
struct pool_options {
  extent_2d stride = 0;    ///< 0: the kernel's extent
  padding_2d padding = 0;  ///< at most half of the kernel's reach on each side
  extent_2d dilation = 1;
  bool ceil_mode = false;  ///< a last window may hang over the border, if it starts inside
};

namespace detail {

/// The window of a pool. Channels stay as they are.
struct sliding_pool {
  static constexpr bool backward_reads_output = false;
  static constexpr bool overwrites_gradients = true;

  int kernel_height = 2, kernel_width = 2;
  int stride_height = 2, stride_width = 2;
  int padding_top = 0, padding_left = 0, padding_bottom = 0, padding_right = 0;
  int dilation_height = 1, dilation_width = 1;
  bool ceil_mode = false;
  static constexpr auto window_attributes =
      std::tuple(attribute("kernel_height", &sliding_pool::kernel_height),
                 attribute("kernel_width", &sliding_pool::kernel_width),
                 attribute("stride_height", &sliding_pool::stride_height),
                 attribute("stride_width", &sliding_pool::stride_width),
                 attribute("padding_top", &sliding_pool::padding_top),
                 attribute("padding_left", &sliding_pool::padding_left),
                 attribute("padding_bottom", &sliding_pool::padding_bottom),
                 attribute("padding_right", &sliding_pool::padding_right),
                 attribute("dilation_height", &sliding_pool::dilation_height),
                 attribute("dilation_width", &sliding_pool::dilation_width),
                 attribute("ceil_mode", &sliding_pool::ceil_mode));

  constexpr sliding_pool() = default;
  constexpr sliding_pool(extent_2d kernel, const pool_options& options) {
    const padding_2d padding = options.padding.resolved(kernel, options.dilation);
    kernel_height = kernel.height;
    kernel_width = kernel.width;
    stride_height = options.stride.height == 0 ? kernel.height : options.stride.height;
    stride_width = options.stride.width == 0 ? kernel.width : options.stride.width;
    padding_top = padding.top;
    padding_left = padding.left;
    padding_bottom = padding.bottom;
    padding_right = padding.right;
    dilation_height = options.dilation.height;
    dilation_width = options.dilation.width;
    ceil_mode = options.ceil_mode;
  }

  constexpr simd::window geometry() const {
    return {kernel_height,  kernel_width, stride_height, stride_width,   dilation_height,
            dilation_width, padding_top,  padding_left,  padding_bottom, padding_right};
  }
  constexpr shape infer_shape(std::span<const shape> x, diagnosis& problem) const {
    expect_positive({kernel_height, kernel_width}, "a kernel", problem);
    expect_positive({stride_height, stride_width}, "a stride", problem);
    expect_positive({dilation_height, dilation_width}, "a dilation", problem);
    expect_padding(padding_top, padding_left, padding_bottom, padding_right, problem);
    const simd::window w = geometry();
    expect_half(padding_top, padding_bottom, w.reach_height(), "rows", problem);
    expect_half(padding_left, padding_right, w.reach_width(), "columns", problem);
    if (problem.failed()) return {};
    return {x[0].channels,
            positions(x[0].height, kernel_height, stride_height, dilation_height, padding_top, padding_bottom,
                      "rows", problem),
            positions(x[0].width, kernel_width, stride_width, dilation_width, padding_left, padding_right,
                      "columns", problem)};
  }
  constexpr layer_window window() const {
    const simd::window w = geometry();
    return {.extent_height = w.reach_height(),
            .extent_width = w.reach_width(),
            .stride_height = stride_height,
            .stride_width = stride_width,
            .padding_top = padding_top,
            .padding_left = padding_left};
  }

 private:
  /// A window must not lie in the padding altogether.
  static constexpr void expect_half(int before, int after, int reach, std::string_view what,
                                    diagnosis& problem) {
    const int largest = before > after ? before : after;
    if (problem.failed() || 2 * largest <= reach) return;
    problem << "expects a padding of at most half of a window of " << reach << " " << what << ", given "
            << largest;
  }
  constexpr int positions(int extent, int kernel, int stride, int dilation, int before, int after,
                          std::string_view what, diagnosis& problem) const {
    if (extent == dynamic) return dynamic;
    expect_extent(extent, dilation * (kernel - 1) + 1 - before - after, what, problem);
    return ceil_mode ? simd::window_positions_ceil(extent, kernel, stride, dilation, before, after)
                     : simd::window_positions(extent, kernel, stride, dilation, before, after);
  }
};

}  // namespace detail

}  // namespace lookalike

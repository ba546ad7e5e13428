#pragma once

/// \file
/// Pools over a sliding window: the maximum, or the mean (LeCun et al., 1989; Riesenhuber and Poggio, 1999),
/// channel by channel. Rules are PyTorch's: padding never wins a maximum, and of several equal ones the first
/// counts.

#include <tuple>

#include <lookalike/nn/detail/compiled_layer.hpp>
#include <lookalike/nn/detail/sliding_pool.hpp>
#include <lookalike/simd/pooling.hpp>

namespace lookalike {

/// Options of `average_pool`.
struct average_pool_options {
  extent_2d stride = 0;    ///< 0: the kernel's extent
  padding_2d padding = 0;  ///< at most half of the kernel's reach on each side
  extent_2d dilation = 1;
  bool ceil_mode = false;       ///< a last window may hang over the border, if it starts inside
  bool include_padding = true;  ///< zeros of the padding count in the mean
};

namespace layers {

/// The maximum of the window. Rows: floor((rows + padding - dilation (kernel - 1) - 1) / stride) + 1, in ceil
/// mode ceil instead of floor, but no window that starts beyond the last row.
struct max_pool : detail::sliding_pool {
  static constexpr std::string_view kind = "max_pool";
  static constexpr auto attributes = window_attributes;
  using sliding_pool::sliding_pool;

  template <class Scalar>
  void forward(const forward_call<Scalar>& call) const {
    simd::max_pool(call.inputs[0], geometry(), call.output);
  }
  template <class Scalar>
  void backward(const backward_call<Scalar>& call) const {
    if (call.wants_input_gradient(0))
      simd::max_pool_backward(call.inputs[0], call.output_gradient, geometry(), call.input_gradients[0],
                              call.accumulate[0]);
  }
};

/// The mean of the window. What hangs over the padding in ceil mode never counts.
struct average_pool : detail::sliding_pool {
  static constexpr std::string_view kind = "average_pool";
  static constexpr bool backward_reads_inputs = false;
  bool include_padding = true;
  static constexpr auto attributes = std::tuple_cat(
      window_attributes, std::tuple(attribute("include_padding", &average_pool::include_padding)));

  constexpr average_pool() = default;
  constexpr average_pool(extent_2d kernel, const average_pool_options& options)
      : sliding_pool(kernel, {options.stride, options.padding, options.dilation, options.ceil_mode}),
        include_padding(options.include_padding) {}

  template <class Scalar>
  void forward(const forward_call<Scalar>& call) const {
    simd::average_pool(call.inputs[0], geometry(), include_padding, call.output);
  }
  template <class Scalar>
  void backward(const backward_call<Scalar>& call) const {
    if (call.wants_input_gradient(0))
      simd::average_pool_backward(call.output_gradient, geometry(), include_padding, call.input_gradients[0],
                                  call.accumulate[0]);
  }
};

}  // namespace layers

/// The maximum over windows of `kernel` pixels: `max_pool(2)`, `max_pool(3, {.stride = 2, .padding = 1})`.
constexpr architecture max_pool(extent_2d kernel, const pool_options& options = {}) {
  return layer(layers::max_pool(kernel, options));
}

/// The mean over windows of `kernel` pixels.
constexpr architecture average_pool(extent_2d kernel, const average_pool_options& options = {}) {
  return layer(layers::average_pool(kernel, options));
}

LOOKALIKE_COMPILED_LAYER(max_pool)
LOOKALIKE_COMPILED_LAYER(average_pool)

}  // namespace lookalike

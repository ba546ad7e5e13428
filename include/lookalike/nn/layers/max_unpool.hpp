#pragma once

/// \file
/// The way back from a maximum to its place (Zeiler and Fergus, 2014; as in Badrinarayanan et al.'s SegNet):
///
///     branch(max_pool(2), max_pool_indices(2)) | max_unpool(2)
///
/// puts the maxima where they were, zeros elsewhere.

#include <limits>
#include <tuple>

#include <lookalike/nn/detail/compiled_layer.hpp>
#include <lookalike/nn/detail/sliding_pool.hpp>
#include <lookalike/simd/pooling.hpp>

namespace lookalike {

/// Options of `max_unpool`: those of the pool that it undoes.
struct max_unpool_options {
  extent_2d stride = 0;  ///< 0: the kernel's extent
  extent_2d padding = 0;
  extent_2d output =
      0;  ///< 0: (rows - 1) stride - 2 padding + kernel, the fewest that the pool may have seen
};

namespace layers {

/// Where the maxima of a pool are: row * columns + column within the channel that comes in, as a number. It
/// has no gradient.
struct max_pool_indices : detail::sliding_pool {
  static constexpr std::string_view kind = "max_pool_indices";
  static constexpr bool backward_reads_inputs = false;
  static constexpr auto attributes = window_attributes;
  using sliding_pool::sliding_pool;

  template <class Scalar>
  void forward(const forward_call<Scalar>& call) const {
    simd::max_pool_indices(call.inputs[0], geometry(), call.output);
  }
  template <class Scalar>
  void backward(const backward_call<Scalar>& call) const {
    if (call.wants_input_gradient(0) && !call.accumulate[0]) simd::fill(call.input_gradients[0], Scalar(0));
  }
};

/// y = value at the place that its index names, 0 elsewhere. Where several values go to one place, the last
/// stays. Throws `value_error` for an index outside the output. Indices have no gradient.
struct max_unpool {
  static constexpr std::string_view kind = "max_unpool";
  static constexpr int inputs = 2;
  static constexpr bool backward_reads_output = false;
  static constexpr bool overwrites_gradients = true;

  int kernel_height = 2, kernel_width = 2;
  int stride_height = 2, stride_width = 2;
  int padding_height = 0, padding_width = 0;
  int output_height = 0, output_width = 0;
  static constexpr auto attributes = std::tuple(attribute("kernel_height", &max_unpool::kernel_height),
                                                attribute("kernel_width", &max_unpool::kernel_width),
                                                attribute("stride_height", &max_unpool::stride_height),
                                                attribute("stride_width", &max_unpool::stride_width),
                                                attribute("padding_height", &max_unpool::padding_height),
                                                attribute("padding_width", &max_unpool::padding_width),
                                                attribute("output_height", &max_unpool::output_height),
                                                attribute("output_width", &max_unpool::output_width));

  constexpr shape infer_shape(std::span<const shape> x, diagnosis& problem) const {
    detail::expect_positive({kernel_height, kernel_width}, "a kernel", problem);
    detail::expect_positive({stride_height, stride_width}, "a stride", problem);
    detail::expect_padding(padding_height, padding_width, padding_height, padding_width, problem);
    const auto fit = [&](int values, int indices, std::string_view what) {
      if (values == indices || values == dynamic || indices == dynamic || problem.failed()) return;
      problem << "expects as many indices as values, given " << indices << " " << what << " for " << values;
    };
    fit(x[0].channels, x[1].channels, "channels");
    fit(x[0].height, x[1].height, "rows");
    fit(x[0].width, x[1].width, "columns");
    const shape out{
        x[0].channels,
        extent(x[0].height, x[1].height, kernel_height, stride_height, padding_height, output_height),
        extent(x[0].width, x[1].width, kernel_width, stride_width, padding_width, output_width)};
    if ((out.height < 1 && out.height != dynamic) || (out.width < 1 && out.width != dynamic))
      detail::expect_positive({out.height, out.width}, "an output", problem);
    return out;
  }
  constexpr layer_window window() const {
    return {.upsampling_height = stride_height, .upsampling_width = stride_width};
  }
  template <class Scalar>
  void forward(const forward_call<Scalar>& call) const {
    simd::max_unpool(call.inputs[0], call.inputs[1], call.output);
  }
  template <class Scalar>
  void backward(const backward_call<Scalar>& call) const {
    if (call.wants_input_gradient(0))
      simd::max_unpool_backward(call.inputs[1], call.output_gradient, call.input_gradients[0],
                                call.accumulate[0]);
    if (call.wants_input_gradient(1) && !call.accumulate[1]) simd::fill(call.input_gradients[1], Scalar(0));
  }

 private:
  static constexpr int extent(int values, int indices, int kernel, int stride, int padding, int output) {
    if (output != 0) return output;
    const int known = values == dynamic ? indices : values;
    return known == dynamic ? dynamic : (known - 1) * stride - 2 * padding + kernel;
  }
};

}  // namespace layers

/// Where the maxima of `max_pool(kernel, options)` are: pixels of each channel counted by rows.
constexpr architecture max_pool_indices(extent_2d kernel, const pool_options& options = {}) {
  return layer(layers::max_pool_indices(kernel, options));
}

/// Undoes a pool. Inputs: values, indices.
constexpr architecture max_unpool(extent_2d kernel, const max_unpool_options& options = {}) {
  return layer(
      layers::max_unpool{.kernel_height = kernel.height,
                         .kernel_width = kernel.width,
                         .stride_height = options.stride.height == 0 ? kernel.height : options.stride.height,
                         .stride_width = options.stride.width == 0 ? kernel.width : options.stride.width,
                         .padding_height = options.padding.height,
                         .padding_width = options.padding.width,
                         .output_height = options.output.height,
                         .output_width = options.output.width});
}

LOOKALIKE_COMPILED_LAYER(max_pool_indices)
LOOKALIKE_COMPILED_LAYER(max_unpool)

}  // namespace lookalike

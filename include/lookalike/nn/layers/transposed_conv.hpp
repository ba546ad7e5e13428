#pragma once

/// \file
/// Transposed convolution, also called up-convolution or deconvolution: every input adds the kernel, weighted
/// by its value, to a window of the output (Zeiler et al., 2010). The linear map is the transpose of that of
/// `conv`.

#include <algorithm>
#include <cstdint>

#include <lookalike/nn/architecture.hpp>
#include <lookalike/nn/detail/compiled_layer.hpp>
#include <lookalike/nn/detail/window_shape.hpp>
#include <lookalike/simd/transposed_convolution.hpp>

namespace lookalike {

namespace layers {

/// x[c, i, j] adds weight[c, o, k, l] x[c, i, j] to channel o at (i stride - padding_top + k dilation, j
/// stride - padding_left + l dilation), for all o in the group of c, and bias[o] is added once. Rows:
/// (rows - 1) stride - padding + dilation (kernel - 1) + output_padding + 1.
struct transposed_conv {
  static constexpr std::string_view kind = "transposed_conv";
  static constexpr bool backward_reads_output = false;
  static constexpr bool overwrites_gradients = true;
  static constexpr fusion_role fusion = fusion_role::accepts_epilogue;

  int channels = 1;
  int kernel_height = 2, kernel_width = 2;
  int stride_height = 2, stride_width = 2;
  int padding_top = 0, padding_left = 0, padding_bottom = 0, padding_right = 0;
  int output_padding_height = 0, output_padding_width = 0;
  int dilation_height = 1, dilation_width = 1;
  int groups = 1;
  bool bias = true;
  static constexpr auto attributes =
      std::tuple(attribute("channels", &transposed_conv::channels),
                 attribute("kernel_height", &transposed_conv::kernel_height),
                 attribute("kernel_width", &transposed_conv::kernel_width),
                 attribute("stride_height", &transposed_conv::stride_height),
                 attribute("stride_width", &transposed_conv::stride_width),
                 attribute("padding_top", &transposed_conv::padding_top),
                 attribute("padding_left", &transposed_conv::padding_left),
                 attribute("padding_bottom", &transposed_conv::padding_bottom),
                 attribute("padding_right", &transposed_conv::padding_right),
                 attribute("output_padding_height", &transposed_conv::output_padding_height),
                 attribute("output_padding_width", &transposed_conv::output_padding_width),
                 attribute("dilation_height", &transposed_conv::dilation_height),
                 attribute("dilation_width", &transposed_conv::dilation_width),
                 attribute("groups", &transposed_conv::groups), attribute("bias", &transposed_conv::bias));

  /// Of the convolution whose transpose this is.
  constexpr simd::window geometry() const {
    return {kernel_height,  kernel_width, stride_height, stride_width,   dilation_height,
            dilation_width, padding_top,  padding_left,  padding_bottom, padding_right};
  }

  constexpr shape infer_shape(std::span<const shape> x, diagnosis& problem) const {
    if (channels < 1) problem << "expects 1 or more output channels, given " << channels;
    detail::expect_positive({kernel_height, kernel_width}, "a kernel", problem);
    detail::expect_positive({stride_height, stride_width}, "a stride", problem);
    detail::expect_positive({dilation_height, dilation_width}, "a dilation", problem);
    detail::expect_padding(padding_top, padding_left, padding_bottom, padding_right, problem);
    expect_output_padding(output_padding_height, stride_height, dilation_height, problem);
    expect_output_padding(output_padding_width, stride_width, dilation_width, problem);
    detail::expect_groups(groups, x[0].channels, channels, problem);
    if (problem.failed()) return {};
    const simd::window w = geometry();
    return {channels,
            reached(x[0].height, w.reach_height() + output_padding_height - padding_top - padding_bottom,
                    stride_height, "rows", problem),
            reached(x[0].width, w.reach_width() + output_padding_width - padding_left - padding_right,
                    stride_width, "columns", problem)};
  }
  constexpr void parameters(std::span<const shape> x, parameter_list& list) const {
    const std::int64_t reached_channels = channels / groups;
    // PyTorch's count: of the second dimension, whichever it is.
    const std::int64_t fan_in = reached_channels * kernel_height * kernel_width;
    list.add("weight", {x[0].channels, reached_channels, kernel_height, kernel_width},
             {.initial = initial_value::from_fan_in, .fan_in = fan_in});
    if (bias) list.add("bias", {channels}, {.initial = initial_value::from_fan_in, .fan_in = fan_in});
  }
  constexpr std::int64_t multiply_adds(std::span<const shape> x, const shape&) const {
    if (!x[0].is_static()) return 0;
    return x[0].size() * (channels / groups) * kernel_height * kernel_width;
  }
  /// Output row i reads input rows from ceil((i + padding_top - reach + 1) / stride) to
  /// floor((i + padding_top) / stride).
  constexpr layer_window window() const {
    const simd::window w = geometry();
    const auto quotient = [](int a, int b) { return a >= 0 ? a / b : -((b - 1 - a) / b); };
    return {.extent_height = (w.reach_height() + stride_height - 1) / stride_height,
            .extent_width = (w.reach_width() + stride_width - 1) / stride_width,
            .padding_top = quotient(w.reach_height() - 1 - padding_top, stride_height),
            .padding_left = quotient(w.reach_width() - 1 - padding_left, stride_width),
            .upsampling_height = stride_height,
            .upsampling_width = stride_width};
  }

  template <class Scalar>
  std::int64_t scratch_size(const run_extents& e) const {
    const auto x = detail::extents_map<Scalar>(e.inputs[0], e.batch);
    const auto y = detail::extents_map<Scalar>(e.output, e.batch);
    const simd::convolution_algorithm how = algorithm(e.execution, x, y);
    if (!e.backward)
      return e.packed
                 ? simd::convolve_transposed_packed_scratch<Scalar>(x, geometry(), groups, y, threads(), how)
                 : simd::convolve_transposed_scratch<Scalar>(x, geometry(), groups, y, threads(), how);
    return std::max(simd::convolve_transposed_backward_data_scratch<Scalar>(
                        y, geometry(), groups, x, threads(), asked_for(e.execution)),
                    simd::convolve_transposed_backward_weights_scratch<Scalar>(x, y, geometry(), groups));
  }
  template <class Scalar>
  weight_packing packing(const run_extents& e) const {
    if (!simd::detail::convolution_kernels<Scalar>::packs) return {};
    const auto how = algorithm(e.execution, detail::extents_map<Scalar>(e.inputs[0], 1),
                               detail::extents_map<Scalar>(e.output, 1));
    return {static_cast<int>(how), simd::packed_transposed_convolution_size<Scalar>(
                                       e.inputs[0].channels, channels, geometry(), groups, how)};
  }
  template <class Scalar>
  void pack(const weight_packing& packing, std::span<const shape> x,
            std::span<const Scalar* const> parameters, Scalar* to) const {
    simd::pack_transposed_convolution(parameters[0], x[0].channels, channels, geometry(), groups, to,
                                      static_cast<simd::convolution_algorithm>(packing.form));
  }
  template <class Scalar>
  void forward(const forward_call<Scalar>& call) const {
    simd::epilogue<Scalar> store;
    if (call.epilogue != nullptr) store = *call.epilogue;
    if (bias) store.bias = call.parameters[1];
    const feature_map<const Scalar>& x = call.inputs[0];
    const simd::convolution_algorithm how = algorithm(call.execution, x, call.output);
    if (call.packed != nullptr) {
      simd::convolve_transposed_packed(x, call.packed, geometry(), groups, store, call.output, call.scratch,
                                       how);
    } else {
      simd::convolve_transposed(x, call.parameters[0], geometry(), groups, store, call.output, call.scratch,
                                how);
    }
  }
  template <class Scalar>
  void backward(const backward_call<Scalar>& call) const {
    const feature_map<const Scalar>& gradient = call.output_gradient;
    Scalar* bias_gradient = bias ? call.parameter_gradients[1] : nullptr;
    if (call.wants_parameter_gradient(0)) {
      simd::convolve_transposed_backward_weights(call.inputs[0], gradient, geometry(), groups,
                                                 call.parameter_gradients[0], bias_gradient, call.scratch);
    } else if (bias_gradient != nullptr) {
      simd::detail::add_channel_sums<Scalar>(gradient, bias_gradient, call.scratch.data());
    }
    if (call.wants_input_gradient(0))
      simd::convolve_transposed_backward_data(gradient, call.parameters[0], geometry(), groups,
                                              call.input_gradients[0], call.accumulate[0], call.scratch,
                                              asked_for(call.execution));
  }

 private:
  template <class From, class To>
  simd::convolution_algorithm algorithm(const execution_options& how, const From& from, const To& to) const {
    return simd::choose_transposed_convolution_algorithm(asked_for(how), from.channels, to.channels,
                                                         geometry(), groups, to.height, to.width);
  }
  static simd::convolution_algorithm asked_for(const execution_options& how) {
    return how.low_memory ? simd::convolution_algorithm::direct : how.algorithm;
  }
  static constexpr void expect_output_padding(int given, int stride, int dilation, diagnosis& problem) {
    if (problem.failed() || (given >= 0 && given < std::max(stride, dilation))) return;
    problem << "expects an output padding from 0 to " << std::max(stride, dilation) - 1
            << ", less than stride or dilation, given " << given;
  }
  // (extent - 1) stride + tail
  static constexpr int reached(int extent, int tail, int stride, std::string_view what, diagnosis& problem) {
    if (extent == dynamic) return dynamic;
    detail::expect_extent(extent, tail >= 1 ? 1 : 1 + (stride - tail) / stride, what, problem);
    return (extent - 1) * stride + tail;
  }
};

}  // namespace layers

/// Options of `transposed_conv`.
struct transposed_conv_options {
  extent_2d kernel = 2;
  extent_2d stride = 2;
  padding_2d padding = 0;        ///< how much is cut off the output on each side
  extent_2d output_padding = 0;  ///< how much is added to it below and on the right
  extent_2d dilation = 1;
  int groups = 1;
  bool bias = true;
};

/// A transposed convolution with `channels` output channels. Parameters: weight (inputs, channels / groups,
/// kernel height, kernel width), bias (channels).
// Options by reference: see conv.
constexpr architecture transposed_conv(int channels, const transposed_conv_options& options = {}) {
  const padding_2d padding = options.padding.resolved(options.kernel, options.dilation);
  return layer(layers::transposed_conv{.channels = channels,
                                       .kernel_height = options.kernel.height,
                                       .kernel_width = options.kernel.width,
                                       .stride_height = options.stride.height,
                                       .stride_width = options.stride.width,
                                       .padding_top = padding.top,
                                       .padding_left = padding.left,
                                       .padding_bottom = padding.bottom,
                                       .padding_right = padding.right,
                                       .output_padding_height = options.output_padding.height,
                                       .output_padding_width = options.output_padding.width,
                                       .dilation_height = options.dilation.height,
                                       .dilation_width = options.dilation.width,
                                       .groups = options.groups,
                                       .bias = options.bias});
}

/// The up-convolution of U-Net: a map `factor` times as high and wide, each pixel of it made from one pixel
/// of the input by a `factor` x `factor` kernel.
constexpr architecture up_conv(int channels, int factor = 2) {
  return transposed_conv(channels, {.kernel = factor, .stride = factor});
}

LOOKALIKE_COMPILED_LAYER(transposed_conv)

}  // namespace lookalike

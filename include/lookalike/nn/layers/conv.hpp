#pragma once

/// \file
/// Convolution: every output sees a small window of the input, and all of them with the same weights (LeCun
/// et al., 1989). As everywhere in networks the kernel is not flipped.

#include <algorithm>
#include <cstdint>

#include <lookalike/nn/architecture.hpp>
#include <lookalike/nn/detail/compiled_layer.hpp>
#include <lookalike/nn/detail/window_shape.hpp>
#include <lookalike/simd/convolution.hpp>

namespace lookalike {

using simd::padding_mode;

namespace layers {

/// Channel o at (i, j) is bias[o] plus the sum, over rows k and columns l of the kernel and channels c of the
/// group of o, of weight[o, c, k, l] x[c, i stride - padding_top + k dilation, j stride - ... + l dilation].
/// Rows: floor((rows + padding - dilation (kernel - 1) - 1) / stride) + 1.
struct conv {
  static constexpr std::string_view kind = "conv";
  static constexpr bool backward_reads_output = false;
  static constexpr bool overwrites_gradients = true;
  static constexpr fusion_role fusion = fusion_role::accepts_epilogue;

  int channels = 1;
  int kernel_height = 3, kernel_width = 3;
  int stride_height = 1, stride_width = 1;
  int padding_top = 0, padding_left = 0, padding_bottom = 0, padding_right = 0;
  int dilation_height = 1, dilation_width = 1;
  int groups = 1;
  bool bias = true;
  padding_mode border = padding_mode::zeros;
  int input_channels = 0;  ///< 0: as many as come in
  static constexpr auto attributes = std::tuple(
      attribute("channels", &conv::channels), attribute("kernel_height", &conv::kernel_height),
      attribute("kernel_width", &conv::kernel_width), attribute("stride_height", &conv::stride_height),
      attribute("stride_width", &conv::stride_width), attribute("padding_top", &conv::padding_top),
      attribute("padding_left", &conv::padding_left), attribute("padding_bottom", &conv::padding_bottom),
      attribute("padding_right", &conv::padding_right), attribute("dilation_height", &conv::dilation_height),
      attribute("dilation_width", &conv::dilation_width), attribute("groups", &conv::groups),
      attribute("bias", &conv::bias), attribute("border", &conv::border),
      attribute("input_channels", &conv::input_channels));

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
    if (input_channels != 0 && x[0].channels != input_channels && !problem.failed())
      problem << "expects " << input_channels << " channels, given " << x[0].channels;
    detail::expect_groups(groups, x[0].channels, channels, problem);
    if (problem.failed()) return {};
    const simd::window w = geometry();
    return {
        channels,
        positions(x[0].height, w.reach_height(), stride_height, padding_top, padding_bottom, "rows", problem),
        positions(x[0].width, w.reach_width(), stride_width, padding_left, padding_right, "columns",
                  problem)};
  }
  constexpr void parameters(std::span<const shape> x, parameter_list& list) const {
    const std::int64_t inputs_seen = x[0].channels / groups;
    const std::int64_t fan_in = inputs_seen * kernel_height * kernel_width;
    list.add("weight", {channels, inputs_seen, kernel_height, kernel_width},
             {.initial = initial_value::from_fan_in, .fan_in = fan_in});
    if (bias) list.add("bias", {channels}, {.initial = initial_value::from_fan_in, .fan_in = fan_in});
  }
  constexpr std::int64_t multiply_adds(std::span<const shape> x, const shape& output) const {
    if (!output.is_static()) return 0;
    return output.size() * (x[0].channels / groups) * kernel_height * kernel_width;
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

  template <class Scalar>
  std::int64_t scratch_size(const run_extents& e) const {
    const auto x = detail::extents_map<Scalar>(e.inputs[0], e.batch);
    const auto y = detail::extents_map<Scalar>(e.output, e.batch);
    if (e.backward)
      return std::max(simd::convolve_backward_data_scratch<Scalar>(
                          y, geometry(), border, groups, x, threads(), backward_algorithm(e.execution, y, x)),
                      simd::convolve_backward_weights_scratch<Scalar>(x, y, geometry(), border, groups,
                                                                      threads(), for_weights(e.execution)));
    const simd::convolution_algorithm how = algorithm(e.execution, x, y);
    if (e.packed)
      return simd::convolve_packed_scratch<Scalar>(x, geometry(), border, groups, y, threads(), how);
    return simd::convolve_scratch<Scalar>(x, geometry(), border, groups, y, threads(), how);
  }
  template <class Scalar>
  weight_packing packing(const run_extents& e) const {
    if (!simd::detail::convolution_kernels<Scalar>::packs) return {};
    const auto how = algorithm(e.execution, detail::extents_map<Scalar>(e.inputs[0], 1),
                               detail::extents_map<Scalar>(e.output, 1));
    return {static_cast<int>(how),
            simd::packed_convolution_size<Scalar>(e.inputs[0].channels, channels, geometry(), groups, how)};
  }
  template <class Scalar>
  void pack(const weight_packing& packing, std::span<const shape> x,
            std::span<const Scalar* const> parameters, Scalar* to) const {
    simd::pack_convolution(parameters[0], x[0].channels, channels, geometry(), groups, to,
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
      simd::convolve_packed(x, call.packed, geometry(), border, groups, store, call.output, call.scratch,
                            how);
    } else {
      simd::convolve(x, call.parameters[0], geometry(), border, groups, store, call.output, call.scratch,
                     how);
    }
  }
  template <class Scalar>
  void backward(const backward_call<Scalar>& call) const {
    const feature_map<const Scalar>& gradient = call.output_gradient;
    Scalar* bias_gradient = bias ? call.parameter_gradients[1] : nullptr;
    if (call.wants_parameter_gradient(0)) {
      simd::convolve_backward_weights(call.inputs[0], gradient, geometry(), border, groups,
                                      call.parameter_gradients[0], bias_gradient, call.scratch,
                                      for_weights(call.execution));
    } else if (bias_gradient != nullptr) {
      simd::detail::add_channel_sums<Scalar>(gradient, bias_gradient, call.scratch.data());
    }
    if (call.wants_input_gradient(0))
      simd::convolve_backward_data(gradient, call.parameters[0], geometry(), border, groups,
                                   call.input_gradients[0], call.accumulate[0], call.scratch,
                                   backward_algorithm(call.execution, gradient, call.input_gradients[0]));
  }

 private:
  template <class From, class To>
  simd::convolution_algorithm algorithm(const execution_options& how, const From& from, const To& to) const {
    return with_memory(how, simd::choose_convolution_algorithm(how.algorithm, from.channels, to.channels,
                                                               geometry(), groups, to.height, to.width));
  }
  template <class From, class To>
  simd::convolution_algorithm backward_algorithm(const execution_options& how, const From& from,
                                                 const To& to) const {
    return with_memory(
        how, simd::choose_transposed_convolution_algorithm(how.algorithm, from.channels, to.channels,
                                                           geometry(), groups, to.height, to.width));
  }
  /// With little memory F(2x2) at most, and nothing of the kind with stride 2.
  simd::convolution_algorithm with_memory(const execution_options& how,
                                          simd::convolution_algorithm chosen) const {
    if (!how.low_memory) return chosen;
    return stride_height == 1 ? std::min(chosen, simd::convolution_algorithm::winograd_2x2)
                              : simd::convolution_algorithm::direct;
  }
  static simd::convolution_algorithm for_weights(const execution_options& how) {
    return how.low_memory ? simd::convolution_algorithm::direct : how.algorithm;
  }
  constexpr int positions(int extent, int reach, int stride, int before, int after, std::string_view what,
                          diagnosis& problem) const {
    if (extent == dynamic) return dynamic;
    detail::expect_extent(extent, reach - before - after, what, problem);
    const int padding = std::max(before, after);
    if (border == padding_mode::reflect && extent <= padding && !problem.failed())
      problem << "expects more than " << padding << " " << what << " to reflect a padding of " << padding
              << ", given " << extent;
    return (extent + before + after - reach) / stride + 1;
  }
};

}  // namespace layers

/// Options of `conv`.
struct conv_options {
  extent_2d kernel = 3;
  extent_2d stride = 1;
  padding_2d padding = same;  ///< dilation (kernel - 1) / 2 on each side, the larger half after
  extent_2d dilation = 1;
  int groups = 1;  ///< output channels of each group see input channels of the same group only
  bool bias = true;
  padding_mode border = padding_mode::zeros;  ///< what the padding is made of
  int inputs = 0;                             ///< if not 0: how many channels must come in
};

/// A convolution with `channels` output channels. Parameters: weight (channels, inputs / groups, kernel
/// height, kernel width), bias (channels).
// Options by reference: g++ 12 for AVX-512 copies 32 constant bytes wrongly when the first 16 are one
// repeated number and the others are 0, such as kernel 2 x 2, stride 2 x 2, padding 0.
constexpr architecture conv(int channels, const conv_options& options = {}) {
  const padding_2d padding = options.padding.resolved(options.kernel, options.dilation);
  return layer(layers::conv{.channels = channels,
                            .kernel_height = options.kernel.height,
                            .kernel_width = options.kernel.width,
                            .stride_height = options.stride.height,
                            .stride_width = options.stride.width,
                            .padding_top = padding.top,
                            .padding_left = padding.left,
                            .padding_bottom = padding.bottom,
                            .padding_right = padding.right,
                            .dilation_height = options.dilation.height,
                            .dilation_width = options.dilation.width,
                            .groups = options.groups,
                            .bias = options.bias,
                            .border = options.border,
                            .input_channels = options.inputs});
}

LOOKALIKE_COMPILED_LAYER(conv)

}  // namespace lookalike

#pragma once

/// \file
/// Channels of zeros before and after what comes in: the shortcut without parameters (option A) of He et al.
/// (2016).

#include <algorithm>

#include <lookalike/nn/architecture.hpp>
#include <lookalike/nn/detail/compiled_layer.hpp>

namespace lookalike {

namespace layers {

/// C channels in, before + C + after channels out.
struct pad_channels {
  static constexpr std::string_view kind = "pad_channels";
  static constexpr bool backward_reads_inputs = false;
  static constexpr bool backward_reads_output = false;
  static constexpr bool overwrites_gradients = true;
  int before = 0;
  int after = 0;
  static constexpr auto attributes =
      std::tuple(attribute("before", &pad_channels::before), attribute("after", &pad_channels::after));

  constexpr shape infer_shape(std::span<const shape> x, diagnosis& problem) const {
    if (before < 0 || after < 0)
      problem << "expects 0 or more channels on either side, given " << before << " and " << after;
    return {x[0].channels + before + after, x[0].height, x[0].width};
  }
  template <class Scalar>
  void forward(const forward_call<Scalar>& call) const {
    const int channels = call.inputs[0].channels;
    for_each_pixel(call.output, [&](int n, int y, int x, Scalar* to) {
      std::fill_n(to, before, Scalar(0));
      std::copy_n(call.inputs[0].pixel(n, y, x), channels, to + before);
      std::fill_n(to + before + channels, after, Scalar(0));
    });
  }
  template <class Scalar>
  void backward(const backward_call<Scalar>& call) const {
    const feature_map<Scalar>& to = call.input_gradients[0];
    if (!call.wants_input_gradient(0)) return;
    for_each_pixel(call.output_gradient, [&](int n, int y, int x, const Scalar* gradient) {
      Scalar* pixel = to.pixel(n, y, x);
      for (int c = 0; c < to.channels; ++c)
        pixel[c] = call.accumulate[0] ? pixel[c] + gradient[before + c] : gradient[before + c];
    });
  }
};

}  // namespace layers

/// Puts `before` channels of zeros before and `after` behind what comes in.
constexpr architecture pad_channels(int before, int after) {
  return layer(layers::pad_channels{before, after});
}

LOOKALIKE_COMPILED_LAYER(pad_channels)

}  // namespace lookalike

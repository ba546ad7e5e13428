#pragma once

/// \file
/// Some of the channels.

#include <tuple>

#include <lookalike/nn/architecture.hpp>
#include <lookalike/nn/detail/compiled_layer.hpp>
#include <lookalike/simd/layout.hpp>

namespace lookalike {

namespace layers {

/// Channels first, first + 1, ..., first + count - 1.
struct slice {
  static constexpr std::string_view kind = "slice";
  static constexpr bool backward_reads_inputs = false;
  static constexpr bool backward_reads_output = false;
  static constexpr bool overwrites_gradients = true;

  int first = 0;
  int count = 1;
  static constexpr auto attributes =
      std::tuple(attribute("first", &slice::first), attribute("count", &slice::count));

  constexpr shape infer_shape(std::span<const shape> x, diagnosis& problem) const {
    if (first < 0 || count < 1) {
      problem << "expects 1 or more channels from channel 0 or later, given " << count << " from channel "
              << first;
    } else if (x[0].channels < first + count) {
      problem << "expects " << first + count << " or more channels, given " << x[0].channels;
    }
    return {count, x[0].height, x[0].width};
  }
  template <class Scalar>
  void forward(const forward_call<Scalar>& call) const {
    simd::copy(call.inputs[0].slice(first, count), call.output);
  }
  template <class Scalar>
  void backward(const backward_call<Scalar>& call) const {
    if (!call.wants_input_gradient(0)) return;
    const feature_map<Scalar>& to = call.input_gradients[0];
    if (!call.accumulate[0]) simd::fill(to, Scalar(0));
    simd::copy(call.output_gradient, to.slice(first, count), call.accumulate[0]);
  }
};

}  // namespace layers

/// `count` channels from `first` on.
constexpr architecture slice(int first, int count) {
  return layer(layers::slice{first, count});
}

LOOKALIKE_COMPILED_LAYER(slice)

}  // namespace lookalike

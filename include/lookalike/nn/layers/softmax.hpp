#pragma once

/// \file
/// Softmax over the channels of each pixel, and its logarithm: scores of classes become probabilities.

#include <lookalike/nn/architecture.hpp>
#include <lookalike/nn/detail/compiled_layer.hpp>
#include <lookalike/simd/softmax.hpp>

namespace lookalike {

namespace layers {

/// y[c] = exp(x[c]) / sum over the channels j of exp(x[j]), at every pixel.
struct softmax {
  static constexpr std::string_view kind = "softmax";
  static constexpr bool backward_reads_inputs = false;
  static constexpr bool in_place = true;
  static constexpr bool overwrites_gradients = true;

  constexpr shape infer_shape(std::span<const shape> x, diagnosis&) const { return x[0]; }
  template <class Scalar>
  void forward(const forward_call<Scalar>& call) const {
    simd::softmax(call.inputs[0], call.output);
  }
  template <class Scalar>
  void backward(const backward_call<Scalar>& call) const {
    if (call.wants_input_gradient(0))
      simd::softmax_backward(call.output, call.output_gradient, call.input_gradients[0], call.accumulate[0]);
  }
};

/// y[c] = x[c] - log(sum over the channels j of exp(x[j])), at every pixel.
struct log_softmax {
  static constexpr std::string_view kind = "log_softmax";
  static constexpr bool backward_reads_inputs = false;
  static constexpr bool in_place = true;
  static constexpr bool overwrites_gradients = true;

  constexpr shape infer_shape(std::span<const shape> x, diagnosis&) const { return x[0]; }
  template <class Scalar>
  void forward(const forward_call<Scalar>& call) const {
    simd::log_softmax(call.inputs[0], call.output);
  }
  template <class Scalar>
  void backward(const backward_call<Scalar>& call) const {
    if (call.wants_input_gradient(0))
      simd::log_softmax_backward(call.output, call.output_gradient, call.input_gradients[0],
                                 call.accumulate[0]);
  }
};

}  // namespace layers

/// Softmax over the channels of each pixel.
constexpr architecture softmax() {
  return layer(layers::softmax{});
}

/// The logarithm of the softmax over the channels of each pixel.
constexpr architecture log_softmax() {
  return layer(layers::log_softmax{});
}

LOOKALIKE_COMPILED_LAYER(softmax)
LOOKALIKE_COMPILED_LAYER(log_softmax)

}  // namespace lookalike

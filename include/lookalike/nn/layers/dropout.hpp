#pragma once

/// \file
/// Dropout (Srivastava et al., 2014): in training, numbers are lost at random.

#include <tuple>

#include <lookalike/nn/architecture.hpp>
#include <lookalike/nn/detail/compiled_layer.hpp>
#include <lookalike/simd/elementwise.hpp>
#include <lookalike/simd/layout.hpp>

namespace lookalike {

namespace layers {

/// In training each number becomes 0 with this probability, and the others are divided by 1 - probability, so
/// that their mean stays. Which ones, follows from the seed of the pass. The identity otherwise, and gone
/// from networks in inference.
struct dropout {
  static constexpr std::string_view kind = "dropout";
  static constexpr bool backward_reads_inputs = false;
  static constexpr bool backward_reads_output = false;
  static constexpr bool in_place = true;
  static constexpr bool overwrites_gradients = true;
  static constexpr fusion_role fusion = fusion_role::vanishes;

  double probability = 0.5;
  static constexpr auto attributes = std::tuple(attribute("probability", &dropout::probability));

  constexpr shape infer_shape(std::span<const shape> x, diagnosis& problem) const {
    if (!(probability >= 0 && probability <= 1))
      problem << "expects a probability from 0 to 1, given " << (probability > 1 ? "more" : "less");
    return x[0];
  }
  template <class Scalar>
  void forward(const forward_call<Scalar>& call) const {
    if (call.training) {
      simd::dropout(call.inputs[0], probability, call.seed, call.output);
    } else if (call.inputs[0].data != call.output.data) {
      simd::copy(call.inputs[0], call.output);
    }
  }
  template <class Scalar>
  void backward(const backward_call<Scalar>& call) const {
    if (!call.wants_input_gradient(0)) return;
    const feature_map<Scalar>& to = call.input_gradients[0];
    if (call.training) {
      simd::dropout(call.output_gradient, probability, call.seed, to, call.accumulate[0]);
    } else if (call.output_gradient.data != to.data) {
      simd::copy(call.output_gradient, to, call.accumulate[0]);
    }
  }
};

}  // namespace layers

/// Loses numbers with the given probability, in training.
constexpr architecture dropout(double probability = 0.5) {
  return layer(layers::dropout{probability});
}

LOOKALIKE_COMPILED_LAYER(dropout)

}  // namespace lookalike

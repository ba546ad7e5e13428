#pragma once

/// \file
/// Activation functions, element by element.

#include <cstdint>

#include <lookalike/nn/architecture.hpp>
#include <lookalike/nn/detail/compiled_layer.hpp>
#include <lookalike/simd/activation.hpp>

namespace lookalike {

namespace layers {

/// What all of them have in common: as many channels, rows and columns come out as go in, and the output may
/// take the place of the input.
struct elementwise_activation {
  static constexpr bool in_place = true;
  static constexpr bool overwrites_gradients = true;
  constexpr shape infer_shape(std::span<const shape> x, diagnosis&) const { return x[0]; }
};

/// Those whose derivative can be told from their value.
struct activation_with_output_gradient : elementwise_activation {
  static constexpr bool backward_reads_inputs = false;
  static constexpr fusion_role fusion = fusion_role::activates;
};

/// Those whose derivative is told from what comes in.
struct activation_with_input_gradient : elementwise_activation {
  static constexpr bool backward_reads_output = false;
};

/// max(x, 0). At 0 the gradient is 0.
struct relu : activation_with_output_gradient {
  static constexpr std::string_view kind = "relu";
  constexpr simd::activation_options fused_activation() const {
    return {.function = simd::activation_function::relu};
  }
  template <class Scalar>
  void forward(const forward_call<Scalar>& call) const {
    simd::relu(call.inputs[0], call.output);
  }
  template <class Scalar>
  void backward(const backward_call<Scalar>& call) const {
    if (call.wants_input_gradient(0))
      simd::relu_backward(call.output, call.output_gradient, call.input_gradients[0], call.accumulate[0]);
  }
};

/// x, or slope x below 0.
struct leaky_relu {
  static constexpr std::string_view kind = "leaky_relu";
  static constexpr bool in_place = true;
  static constexpr bool overwrites_gradients = true;
  static constexpr bool backward_reads_inputs = false;
  static constexpr fusion_role fusion = fusion_role::activates;
  double slope = 0.01;
  static constexpr auto attributes = std::tuple(attribute("slope", &leaky_relu::slope));

  constexpr shape infer_shape(std::span<const shape> x, diagnosis& problem) const {
    if (!(slope >= 0)) problem << "expects a slope of 0 or more, given one below";
    return x[0];
  }
  constexpr simd::activation_options fused_activation() const {
    return {.function = simd::activation_function::leaky_relu, .slope = slope};
  }
  template <class Scalar>
  void forward(const forward_call<Scalar>& call) const {
    simd::leaky_relu(call.inputs[0], static_cast<Scalar>(slope), call.output);
  }
  template <class Scalar>
  void backward(const backward_call<Scalar>& call) const {
    if (call.wants_input_gradient(0))
      simd::leaky_relu_backward(call.output, call.output_gradient, static_cast<Scalar>(slope),
                                call.input_gradients[0], call.accumulate[0]);
  }
};

/// x, or alpha (exp(x) - 1) below 0 (Clevert et al., 2016).
struct elu {
  static constexpr std::string_view kind = "elu";
  static constexpr bool in_place = true;
  static constexpr bool overwrites_gradients = true;
  static constexpr bool backward_reads_inputs = false;
  static constexpr fusion_role fusion = fusion_role::activates;
  double alpha = 1;
  static constexpr auto attributes = std::tuple(attribute("alpha", &elu::alpha));

  constexpr shape infer_shape(std::span<const shape> x, diagnosis& problem) const {
    if (!(alpha >= 0)) problem << "expects an alpha of 0 or more, given one below";
    return x[0];
  }
  constexpr simd::activation_options fused_activation() const {
    return {.function = simd::activation_function::elu, .slope = alpha};
  }
  template <class Scalar>
  void forward(const forward_call<Scalar>& call) const {
    simd::elu(call.inputs[0], static_cast<Scalar>(alpha), call.output);
  }
  template <class Scalar>
  void backward(const backward_call<Scalar>& call) const {
    if (call.wants_input_gradient(0))
      simd::elu_backward(call.output, call.output_gradient, static_cast<Scalar>(alpha),
                         call.input_gradients[0], call.accumulate[0]);
  }
};

/// 1 / (1 + exp(-x)).
struct sigmoid : activation_with_output_gradient {
  static constexpr std::string_view kind = "sigmoid";
  constexpr simd::activation_options fused_activation() const {
    return {.function = simd::activation_function::sigmoid};
  }
  template <class Scalar>
  void forward(const forward_call<Scalar>& call) const {
    simd::sigmoid(call.inputs[0], call.output);
  }
  template <class Scalar>
  void backward(const backward_call<Scalar>& call) const {
    if (call.wants_input_gradient(0))
      simd::sigmoid_backward(call.output, call.output_gradient, call.input_gradients[0], call.accumulate[0]);
  }
};

/// Hyperbolic tangent.
struct tanh : activation_with_output_gradient {
  static constexpr std::string_view kind = "tanh";
  constexpr simd::activation_options fused_activation() const {
    return {.function = simd::activation_function::tanh};
  }
  template <class Scalar>
  void forward(const forward_call<Scalar>& call) const {
    simd::tanh(call.inputs[0], call.output);
  }
  template <class Scalar>
  void backward(const backward_call<Scalar>& call) const {
    if (call.wants_input_gradient(0))
      simd::tanh_backward(call.output, call.output_gradient, call.input_gradients[0], call.accumulate[0]);
  }
};

/// x / (1 + exp(-x)), also called swish (Elfwing et al., 2018).
struct silu : activation_with_input_gradient {
  static constexpr std::string_view kind = "silu";
  static constexpr fusion_role fusion = fusion_role::activates;
  constexpr simd::activation_options fused_activation() const {
    return {.function = simd::activation_function::silu};
  }
  template <class Scalar>
  void forward(const forward_call<Scalar>& call) const {
    simd::silu(call.inputs[0], call.output);
  }
  template <class Scalar>
  void backward(const backward_call<Scalar>& call) const {
    if (call.wants_input_gradient(0))
      simd::silu_backward(call.inputs[0], call.output_gradient, call.input_gradients[0], call.accumulate[0]);
  }
};

/// x times the share of the standard normal distribution below x (Hendrycks and Gimpel, 2016); exact, without
/// the approximation by a hyperbolic tangent.
struct gelu : activation_with_input_gradient {
  static constexpr std::string_view kind = "gelu";
  template <class Scalar>
  void forward(const forward_call<Scalar>& call) const {
    simd::gelu(call.inputs[0], simd::gelu_form::exact, call.output);
  }
  template <class Scalar>
  void backward(const backward_call<Scalar>& call) const {
    if (call.wants_input_gradient(0))
      simd::gelu_backward(call.inputs[0], call.output_gradient, simd::gelu_form::exact,
                          call.input_gradients[0], call.accumulate[0]);
  }
};

}  // namespace layers

/// max(x, 0).
constexpr architecture relu() {
  return layer(layers::relu{});
}

/// x, or `slope` x below 0; `slope` is 0 or more.
constexpr architecture leaky_relu(double slope = 0.01) {
  return layer(layers::leaky_relu{.slope = slope});
}

/// x, or `alpha` (exp(x) - 1) below 0; `alpha` is 0 or more.
constexpr architecture elu(double alpha = 1) {
  return layer(layers::elu{.alpha = alpha});
}

/// x / (1 + exp(-x)).
constexpr architecture silu() {
  return layer(layers::silu{});
}

/// x times the standard normal distribution function of x.
constexpr architecture gelu() {
  return layer(layers::gelu{});
}

/// 1 / (1 + exp(-x)).
constexpr architecture sigmoid() {
  return layer(layers::sigmoid{});
}

/// Hyperbolic tangent.
constexpr architecture tanh() {
  return layer(layers::tanh{});
}

LOOKALIKE_COMPILED_LAYER(relu)
LOOKALIKE_COMPILED_LAYER(leaky_relu)
LOOKALIKE_COMPILED_LAYER(elu)
LOOKALIKE_COMPILED_LAYER(sigmoid)
LOOKALIKE_COMPILED_LAYER(tanh)
LOOKALIKE_COMPILED_LAYER(silu)
LOOKALIKE_COMPILED_LAYER(gelu)

}  // namespace lookalike

#pragma once

/// \file
/// Instance normalization (Ulyanov, Vedaldi, Lempitsky, 2016).

#include <cstdint>

#include <lookalike/nn/architecture.hpp>
#include <lookalike/nn/detail/affine.hpp>
#include <lookalike/nn/detail/compiled_layer.hpp>
#include <lookalike/nn/detail/window_shape.hpp>
#include <lookalike/simd/normalization.hpp>

namespace lookalike {

namespace layers {

/// y = (x - mean) / sqrt(variance + epsilon), then weight[c] y + bias[c] if `affine`, with the mean and the
/// variance (divided by the count) of each channel of each picture, in training and in inference alike.
struct instance_norm {
  static constexpr std::string_view kind = "instance_norm";
  static constexpr bool backward_reads_output = false;
  static constexpr bool in_place = true;
  static constexpr bool overwrites_gradients = true;

  double epsilon = 1e-5;
  bool affine = false;
  static constexpr auto attributes =
      std::tuple(attribute("epsilon", &instance_norm::epsilon), attribute("affine", &instance_norm::affine));

  constexpr shape infer_shape(std::span<const shape> x, diagnosis& problem) const {
    if (x[0].height == 1 && x[0].width == 1)
      problem << "expects more than one pixel to normalize over, given 1 x 1";
    detail::expect_epsilon(epsilon, problem);
    return x[0];
  }
  constexpr void parameters(std::span<const shape> x, parameter_list& list) const {
    if (!affine) return;
    list.add("weight", {x[0].channels}, {.initial = initial_value::ones});
    list.add("bias", {x[0].channels}, {.initial = initial_value::zeros});
  }
  constexpr layer_window window() const { return {.everything = true}; }
  std::int64_t saved_size(const run_extents& e) const {
    return 2 * std::int64_t{e.batch} * e.output.channels;
  }
  template <class Scalar>
  std::int64_t scratch_size(const run_extents& e) const {
    return simd::instance_norm_scratch(detail::extents_map<Scalar>(e.inputs[0], e.batch));
  }

  template <class Scalar>
  void forward(const forward_call<Scalar>& call) const {
    simd::instance_norm(call.inputs[0], detail::affine_of<Scalar>(affine, call.parameters), epsilon,
                        detail::moments_in(call.saved), call.output, call.scratch);
  }
  template <class Scalar>
  void backward(const backward_call<Scalar>& call) const {
    simd::instance_norm_backward(call.inputs[0], call.output_gradient,
                                 detail::affine_of<Scalar>(affine, call.parameters),
                                 detail::moments_in(call.saved), call.input_gradients[0], call.accumulate[0],
                                 detail::affine_gradient_of(affine, call), call.scratch);
  }
};

}  // namespace layers

/// Options of `instance_norm`.
struct instance_norm_options {
  double epsilon = 1e-5;
  bool affine = false;  ///< whether a weight and a bias follow; by default not, as in PyTorch
};

/// Instance normalization. Parameters if `affine`, one number a channel: weight, bias.
constexpr architecture instance_norm(const instance_norm_options& options = {}) {
  return layer(layers::instance_norm{.epsilon = options.epsilon, .affine = options.affine});
}

LOOKALIKE_COMPILED_LAYER(instance_norm)

}  // namespace lookalike

#pragma once

/// \file
/// Batch normalization (Ioffe and Szegedy, 2015).

#include <cstdint>

#include <lookalike/nn/architecture.hpp>
#include <lookalike/nn/detail/affine.hpp>
#include <lookalike/nn/detail/compiled_layer.hpp>
#include <lookalike/nn/detail/window_shape.hpp>
#include <lookalike/simd/normalization.hpp>

namespace lookalike {

namespace layers {

/// y = (x - mean[c]) / sqrt(variance[c] + epsilon) weight[c] + bias[c]. In training, mean and variance are
/// those of channel c in the batch, the variance divided by the count; the running averages move towards them
/// by `momentum`, that of the variance towards the unbiased one, divided by the count - 1. In inference, mean
/// and variance are the running averages, and gradients take them for constants.
struct batch_norm {
  static constexpr std::string_view kind = "batch_norm";
  static constexpr bool backward_reads_output = false;
  static constexpr bool in_place = true;
  static constexpr bool overwrites_gradients = true;
  static constexpr fusion_role fusion = fusion_role::normalizes;

  double epsilon = 1e-5;
  double momentum = 0.1;
  bool affine = true;
  static constexpr auto attributes =
      std::tuple(attribute("epsilon", &batch_norm::epsilon), attribute("momentum", &batch_norm::momentum),
                 attribute("affine", &batch_norm::affine));

  constexpr shape infer_shape(std::span<const shape> x, diagnosis& problem) const {
    detail::expect_epsilon(epsilon, problem);
    if (!(momentum >= 0 && momentum <= 1) && !problem.failed())
      problem << "expects a momentum from 0 to 1, given one outside";
    return x[0];
  }
  constexpr void parameters(std::span<const shape> x, parameter_list& list) const {
    const std::int64_t channels = x[0].channels;
    if (affine) {
      list.add("weight", {channels}, {.initial = initial_value::ones});
      list.add("bias", {channels}, {.initial = initial_value::zeros});
    }
    list.add("running_mean", {channels}, {.initial = initial_value::zeros, .trainable = false});
    list.add("running_variance", {channels}, {.initial = initial_value::ones, .trainable = false});
  }
  std::int64_t saved_size(const run_extents& e) const { return 2 * std::int64_t{e.output.channels}; }
  template <class Scalar>
  std::int64_t scratch_size(const run_extents& e) const {
    return simd::batch_norm_scratch(detail::extents_map<Scalar>(e.inputs[0], e.batch));
  }

  template <class Scalar>
  void forward(const forward_call<Scalar>& call) const {
    const auto parameters = detail::affine_of<Scalar>(affine, call.parameters);
    const std::size_t mean = affine ? 2 : 0;
    if (call.training) {
      const simd::running_moments<Scalar> running{call.buffers[mean], call.buffers[mean + 1], momentum};
      simd::batch_norm_training(call.inputs[0], parameters, epsilon, running, detail::moments_in(call.saved),
                                call.output, call.scratch);
    } else {
      simd::batch_norm_inference(call.inputs[0], parameters, epsilon, call.parameters[mean],
                                 call.parameters[mean + 1], call.output, call.scratch);
    }
  }
  template <class Scalar>
  void backward(const backward_call<Scalar>& call) const {
    const auto parameters = detail::affine_of<Scalar>(affine, call.parameters);
    const auto gradients = detail::affine_gradient_of(affine, call);
    const std::size_t mean = affine ? 2 : 0;
    if (call.training) {
      simd::batch_norm_training_backward(call.inputs[0], call.output_gradient, parameters,
                                         detail::moments_in(call.saved), call.input_gradients[0],
                                         call.accumulate[0], gradients, call.scratch);
    } else {
      simd::batch_norm_inference_backward(
          call.inputs[0], call.output_gradient, parameters, epsilon, call.parameters[mean],
          call.parameters[mean + 1], call.input_gradients[0], call.accumulate[0], gradients, call.scratch);
    }
  }
};

}  // namespace layers

/// Options of `batch_norm`.
struct batch_norm_options {
  double epsilon = 1e-5;
  double momentum = 0.1;  ///< weight of the new batch in the running averages
  bool affine = true;     ///< whether a weight and a bias follow
};

/// Batch normalization. Parameters, one number a channel: weight, bias, and the buffers running_mean and
/// running_variance.
constexpr architecture batch_norm(const batch_norm_options& options = {}) {
  return layer(
      layers::batch_norm{.epsilon = options.epsilon, .momentum = options.momentum, .affine = options.affine});
}

LOOKALIKE_COMPILED_LAYER(batch_norm)

}  // namespace lookalike

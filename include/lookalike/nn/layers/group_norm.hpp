#pragma once

/// \file
/// Group normalization (Wu and He, 2018).

#include <cstdint>

#include <lookalike/nn/architecture.hpp>
#include <lookalike/nn/detail/affine.hpp>
#include <lookalike/nn/detail/compiled_layer.hpp>
#include <lookalike/nn/detail/window_shape.hpp>
#include <lookalike/simd/normalization.hpp>

namespace lookalike {

namespace layers {

/// y = (x - mean) / sqrt(variance + epsilon) weight[c] + bias[c], with the mean and the variance (divided by
/// the count) of a group of neighboring channels over one picture, in training and in inference alike.
struct group_norm {
  static constexpr std::string_view kind = "group_norm";
  static constexpr bool backward_reads_output = false;
  static constexpr bool in_place = true;
  static constexpr bool overwrites_gradients = true;

  int groups = 1;
  double epsilon = 1e-5;
  bool affine = true;
  static constexpr auto attributes =
      std::tuple(attribute("groups", &group_norm::groups), attribute("epsilon", &group_norm::epsilon),
                 attribute("affine", &group_norm::affine));

  constexpr shape infer_shape(std::span<const shape> x, diagnosis& problem) const {
    if (groups < 1 || x[0].channels % groups != 0)
      problem << "expects groups that divide " << x[0].channels << " channels, given " << groups;
    detail::expect_epsilon(epsilon, problem);
    return x[0];
  }
  constexpr void parameters(std::span<const shape> x, parameter_list& list) const {
    if (!affine) return;
    list.add("weight", {x[0].channels}, {.initial = initial_value::ones});
    list.add("bias", {x[0].channels}, {.initial = initial_value::zeros});
  }
  constexpr layer_window window() const { return {.everything = true}; }
  std::int64_t saved_size(const run_extents& e) const { return 2 * std::int64_t{e.batch} * groups; }
  template <class Scalar>
  std::int64_t scratch_size(const run_extents& e) const {
    return simd::group_norm_scratch(detail::extents_map<Scalar>(e.inputs[0], e.batch));
  }

  template <class Scalar>
  void forward(const forward_call<Scalar>& call) const {
    simd::group_norm(call.inputs[0], groups, detail::affine_of<Scalar>(affine, call.parameters), epsilon,
                     detail::moments_in(call.saved), call.output, call.scratch);
  }
  template <class Scalar>
  void backward(const backward_call<Scalar>& call) const {
    simd::group_norm_backward(call.inputs[0], call.output_gradient, groups,
                              detail::affine_of<Scalar>(affine, call.parameters),
                              detail::moments_in(call.saved), call.input_gradients[0], call.accumulate[0],
                              detail::affine_gradient_of(affine, call), call.scratch);
  }
};

}  // namespace layers

/// Options of `group_norm`.
struct group_norm_options {
  double epsilon = 1e-5;
  bool affine = true;  ///< whether a weight and a bias follow
};

/// Group normalization in `groups` groups. Parameters, one number a channel: weight, bias.
constexpr architecture group_norm(int groups, const group_norm_options& options = {}) {
  return layer(layers::group_norm{.groups = groups, .epsilon = options.epsilon, .affine = options.affine});
}

LOOKALIKE_COMPILED_LAYER(group_norm)

}  // namespace lookalike

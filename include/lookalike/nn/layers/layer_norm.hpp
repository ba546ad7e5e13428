#pragma once

/// \file
/// Layer normalization (Ba, Kiros, Hinton, 2016).

#include <algorithm>
#include <cstdint>

#include <lookalike/nn/architecture.hpp>
#include <lookalike/nn/detail/affine.hpp>
#include <lookalike/nn/detail/compiled_layer.hpp>
#include <lookalike/nn/detail/window_shape.hpp>
#include <lookalike/simd/layer_normalization.hpp>

namespace lookalike {

/// What layer normalization takes mean and variance over.
enum class layer_norm_scope : unsigned char {
  pixel,   ///< the channels of one pixel, or token: PyTorch's LayerNorm(C) with the channels last
  picture  ///< all channels and pixels of one picture: PyTorch's LayerNorm((C, H, W))
};

namespace layers {

/// y = (x - mean) / sqrt(variance + epsilon) weight + bias, with mean and variance (divided by the count)
/// over `scope`, and one weight and one bias for each number in it.
struct layer_norm {
  static constexpr std::string_view kind = "layer_norm";
  static constexpr bool backward_reads_output = false;
  static constexpr bool in_place = true;
  static constexpr bool overwrites_gradients = true;

  double epsilon = 1e-5;
  bool affine = true;
  layer_norm_scope scope = layer_norm_scope::pixel;
  static constexpr auto attributes =
      std::tuple(attribute("epsilon", &layer_norm::epsilon), attribute("affine", &layer_norm::affine),
                 attribute("scope", &layer_norm::scope));

  constexpr shape infer_shape(std::span<const shape> x, diagnosis& problem) const {
    detail::expect_epsilon(epsilon, problem);
    return x[0];
  }
  constexpr void parameters(std::span<const shape> x, parameter_list& list) const {
    if (!affine) return;
    for (const auto& [name, initial] : {std::pair(std::string_view("weight"), initial_value::ones),
                                        std::pair(std::string_view("bias"), initial_value::zeros)}) {
      if (scope == layer_norm_scope::pixel) {
        list.add(name, {x[0].channels}, {.initial = initial});
      } else {
        list.add(name, {x[0].channels, x[0].height, x[0].width}, {.initial = initial});
      }
    }
  }
  constexpr layer_window window() const { return {.everything = scope == layer_norm_scope::picture}; }
  std::int64_t saved_size(const run_extents& e) const {
    return scope == layer_norm_scope::picture ? 2 * std::int64_t{e.batch} : 0;
  }
  template <class Scalar>
  std::int64_t scratch_size(const run_extents& e) const {
    const auto x = detail::extents_map<Scalar>(e.inputs[0], e.batch);
    if (scope == layer_norm_scope::picture) return simd::picture_norm_scratch(x);
    return e.backward ? simd::layer_norm_scratch(x) : 0;
  }

  template <class Scalar>
  void forward(const forward_call<Scalar>& call) const {
    const auto parameters = detail::affine_of<Scalar>(affine, call.parameters);
    if (scope == layer_norm_scope::picture) {
      simd::picture_norm(call.inputs[0], parameters, epsilon, detail::moments_in(call.saved), call.output,
                         call.scratch);
    } else {
      simd::layer_norm(call.inputs[0], parameters, epsilon, call.output);
    }
  }
  template <class Scalar>
  void backward(const backward_call<Scalar>& call) const {
    const auto parameters = detail::affine_of<Scalar>(affine, call.parameters);
    const auto gradients = detail::affine_gradient_of(affine, call);
    if (scope == layer_norm_scope::picture) {
      simd::picture_norm_backward(call.inputs[0], call.output_gradient, parameters,
                                  detail::moments_in(call.saved), call.input_gradients[0], call.accumulate[0],
                                  gradients, call.scratch);
    } else {
      simd::layer_norm_backward(call.inputs[0], call.output_gradient, parameters, epsilon,
                                call.input_gradients[0], call.accumulate[0], gradients, call.scratch);
    }
  }
};

}  // namespace layers

/// Options of `layer_norm`.
struct layer_norm_options {
  double epsilon = 1e-5;
  bool affine = true;  ///< whether a weight and a bias follow
  layer_norm_scope scope = layer_norm_scope::pixel;
};

/// Layer normalization. Parameters: weight and bias, (channels), or (channels, rows, columns) over pictures,
/// whose extents must be known then.
constexpr architecture layer_norm(const layer_norm_options& options = {}) {
  return layer(
      layers::layer_norm{.epsilon = options.epsilon, .affine = options.affine, .scope = options.scope});
}

LOOKALIKE_COMPILED_LAYER(layer_norm)

}  // namespace lookalike

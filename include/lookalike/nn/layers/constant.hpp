#pragma once

/// \file
/// A learned map that depends on nothing: where a generator starts (Karras et al., 2019), or the positions in
/// a row of tokens.

#include <tuple>

#include <lookalike/nn/architecture.hpp>
#include <lookalike/nn/detail/compiled_layer.hpp>
#include <lookalike/nn/detail/window_shape.hpp>
#include <lookalike/simd/layout.hpp>

namespace lookalike {

/// Options of `constant`.
struct constant_options {
  initial_value initial = initial_value::normal;  ///< before anything is learned
};

namespace layers {

/// The same map for every picture of the batch. Reads nothing.
struct constant {
  static constexpr std::string_view kind = "constant";
  static constexpr int inputs = 0;
  static constexpr bool backward_reads_output = false;

  int channels = 1, height = 1, width = 1;
  initial_value initial = initial_value::normal;
  static constexpr auto attributes =
      std::tuple(attribute("channels", &constant::channels), attribute("height", &constant::height),
                 attribute("width", &constant::width), attribute("initial", &constant::initial));

  constexpr shape infer_shape(std::span<const shape>, diagnosis& problem) const {
    if (channels < 1) problem << "expects 1 or more channels, given " << channels;
    detail::expect_positive({height, width}, "a map", problem);
    return {channels, height, width};
  }
  constexpr void parameters(std::span<const shape>, parameter_list& list) const {
    list.add("weight", {channels, height, width}, {.initial = initial, .fan_in = channels});
  }
  template <class Scalar>
  void forward(const forward_call<Scalar>& call) const {
    tensor_view<const Scalar> weight = picture(call.parameters[0]);
    weight.extents[0] = call.output.batch;
    weight.strides[0] = 0;  // again for every picture
    simd::copy(weight, call.output);
  }
  template <class Scalar>
  void backward(const backward_call<Scalar>& call) const {
    if (!call.wants_parameter_gradient(0)) return;
    const bool accumulate = true;
    for (int n = 0; n < call.output_gradient.batch; ++n)
      simd::copy(call.output_gradient.picture(n), picture(call.parameter_gradients[0]), accumulate);
  }

 private:
  template <class Scalar>
  tensor_view<Scalar> picture(Scalar* data) const {
    return tensor_view<Scalar>::contiguous(data, 1, channels, height, width);
  }
};

}  // namespace layers

/// A learned map of the given extents. Parameters: weight (channels, height, width). What comes in from the
/// left is not read: `branch(identity(), constant(8, 4, 4)) | add()`.
constexpr architecture constant(int channels, int height, int width, constant_options options = {}) {
  const auto numbers = detail::to_numbers(layers::constant{channels, height, width, options.initial});
  return detail::single_node(rules_of<layers::constant>, numbers, {});
}

LOOKALIKE_COMPILED_LAYER(constant)

}  // namespace lookalike

#pragma once

/// \file
/// Sums and products of maps, element by element: residual connections (He et al., 2016), gates (Hu et al.,
/// 2018), conditions. A map of 1 x 1 pixels is repeated over the height and width of the others, a map of one
/// channel over their channels.

#include <string_view>

#include <lookalike/nn/combinators.hpp>
#include <lookalike/nn/detail/compiled_layer.hpp>
#include <lookalike/simd/elementwise.hpp>

namespace lookalike {

namespace detail {

/// The extents that all inputs fit to.
constexpr shape broadcast_shape(std::span<const shape> x, diagnosis& problem) {
  const auto fit = [&](int& have, int given, std::string_view what) {
    if (given == have || given == dynamic) return;
    if (have == dynamic || have == 0) {
      have = given;
    } else if (!problem.failed()) {
      problem << "expects " << have << " " << what << " from every branch, given " << given;
    }
  };
  shape result{0, 0, 0};
  bool open_height = false, open_width = false;
  for (const shape& s : x) {
    if (s.channels != 1) fit(result.channels, s.channels, "channels");
    if (s.height == 1 && s.width == 1) continue;
    fit(result.height, s.height, "rows");
    fit(result.width, s.width, "columns");
    open_height = open_height || s.height == dynamic;
    open_width = open_width || s.width == dynamic;
  }
  if (result.channels == 0) result.channels = 1;
  if (result.height == 0) result.height = open_height ? dynamic : 1;
  if (result.width == 0) result.width = open_width ? dynamic : 1;
  return result;
}

}  // namespace detail

namespace layers {

/// The sum of any number of inputs.
struct add {
  static constexpr std::string_view kind = "add";
  static constexpr int inputs = any_number;
  static constexpr bool backward_reads_inputs = false;
  static constexpr bool backward_reads_output = false;
  static constexpr bool in_place = true;
  static constexpr bool overwrites_gradients = true;
  static constexpr fusion_role fusion = fusion_role::adds;

  constexpr shape infer_shape(std::span<const shape> x, diagnosis& problem) const {
    return detail::broadcast_shape(x, problem);
  }
  template <class Scalar>
  void forward(const forward_call<Scalar>& call) const {
    simd::add(call.inputs, call.output);
  }
  template <class Scalar>
  void backward(const backward_call<Scalar>& call) const {
    for (std::size_t i = 0; i < call.inputs.size(); ++i) {
      if (!call.wants_input_gradient(i)) continue;
      const bool in_its_place = call.input_gradients[i].data == call.output_gradient.data;
      if (!in_its_place)
        simd::add_backward(call.output_gradient, call.input_gradients[i], call.accumulate[i]);
    }
  }
};

/// The product of any number of inputs.
struct multiply {
  static constexpr std::string_view kind = "multiply";
  static constexpr int inputs = any_number;
  static constexpr bool backward_reads_output = false;
  static constexpr bool in_place = true;
  static constexpr bool overwrites_gradients = true;

  constexpr shape infer_shape(std::span<const shape> x, diagnosis& problem) const {
    return detail::broadcast_shape(x, problem);
  }
  template <class Scalar>
  void forward(const forward_call<Scalar>& call) const {
    simd::multiply(call.inputs, call.output);
  }
  template <class Scalar>
  void backward(const backward_call<Scalar>& call) const {
    for (std::size_t i = 0; i < call.inputs.size(); ++i) {
      if (call.wants_input_gradient(i))
        simd::multiply_backward(call.inputs, call.output_gradient, i, call.input_gradients[i],
                                call.accumulate[i]);
    }
  }
};

}  // namespace layers

/// The sum of what comes in: `branch(a, b) | add()`.
constexpr architecture add() {
  return layer(layers::add{});
}

/// The product of what comes in: `skip(gate | sigmoid()) | multiply()`.
constexpr architecture multiply() {
  return layer(layers::multiply{});
}

/// body(x) + shortcut(x).
constexpr architecture residual(const architecture& body, const architecture& shortcut = identity()) {
  return branch(body, shortcut) | add();
}

LOOKALIKE_COMPILED_LAYER(add)
LOOKALIKE_COMPILED_LAYER(multiply)

}  // namespace lookalike

#pragma once

/// \file
/// Numbers of things become vectors: labels, words, bins of color.

#include <tuple>

#include <lookalike/nn/architecture.hpp>
#include <lookalike/nn/detail/compiled_layer.hpp>
#include <lookalike/simd/embedding.hpp>
#include <lookalike/simd/layout.hpp>

namespace lookalike {

namespace layers {

/// y = row x of a learned table, at each pixel of a map of one channel. x holds whole numbers from 0 to
/// count - 1; others throw `value_error` when the network runs. There is no gradient with respect to x.
struct embedding {
  static constexpr std::string_view kind = "embedding";
  static constexpr bool backward_reads_output = false;
  static constexpr bool overwrites_gradients = true;

  int count = 1;
  int dimension = 1;
  static constexpr auto attributes =
      std::tuple(attribute("count", &embedding::count), attribute("dimension", &embedding::dimension));

  constexpr shape infer_shape(std::span<const shape> x, diagnosis& problem) const {
    if (count < 1 || dimension < 1)
      problem << "expects 1 or more rows of 1 or more numbers, given " << count << " of " << dimension;
    if (x[0].channels != 1 && !problem.failed())
      problem << "expects 1 channel of row numbers, given " << x[0].channels;
    return {dimension, x[0].height, x[0].width};
  }
  constexpr void parameters(std::span<const shape>, parameter_list& list) const {
    list.add("weight", {count, dimension}, {.initial = initial_value::normal});
  }
  template <class Scalar>
  void forward(const forward_call<Scalar>& call) const {
    simd::embedding(call.inputs[0], call.parameters[0], count, call.output);
  }
  template <class Scalar>
  void backward(const backward_call<Scalar>& call) const {
    if (call.wants_parameter_gradient(0))
      simd::embedding_backward(call.inputs[0], call.output_gradient, count, call.parameter_gradients[0]);
    if (call.wants_input_gradient(0) && !call.accumulate[0]) simd::fill(call.input_gradients[0], Scalar(0));
  }
};

}  // namespace layers

/// A learned vector of `dimension` numbers for each of `count` things. Parameters: weight (count, dimension).
constexpr architecture embedding(int count, int dimension) {
  return layer(layers::embedding{count, dimension});
}

LOOKALIKE_COMPILED_LAYER(embedding)

}  // namespace lookalike

#pragma once

/// \file
/// Feature maps side by side: what a skip connection ends in.

#include <string_view>

#include <lookalike/nn/architecture.hpp>
#include <lookalike/nn/detail/compiled_layer.hpp>
#include <lookalike/simd/elementwise.hpp>

namespace lookalike {

namespace layers {

/// The inputs' channels one after another. An input of 1 x 1 pixels (a condition, a global feature) is
/// repeated over the height and width of the others. Inputs that lie in the output already, which the memory
/// plan arranges where it can, are not touched.
struct concat {
  static constexpr std::string_view kind = "concat";
  static constexpr int inputs = any_number;
  static constexpr bool backward_reads_inputs = false;
  static constexpr bool backward_reads_output = false;
  static constexpr bool concatenates = true;
  static constexpr bool overwrites_gradients = true;

  constexpr shape infer_shape(std::span<const shape> x, diagnosis& problem) const {
    shape result = x[0];
    for (const shape& s : x.subspan(1)) {
      const auto fit = [&](int& have, int given, bool vector, std::string_view what) {
        if (have == given || vector) return;
        if (have == dynamic || given == dynamic) {
          have = dynamic;
        } else if (!problem.failed()) {
          problem << "expects " << have << " " << what << " from every branch, given " << given;
        }
      };
      const bool given_vector = s.height == 1 && s.width == 1;
      if (result.height == 1 && result.width == 1) {
        result.height = s.height;
        result.width = s.width;
      }
      fit(result.height, s.height, given_vector, "rows");
      fit(result.width, s.width, given_vector, "columns");
      result.channels =
          result.channels == dynamic || s.channels == dynamic ? dynamic : result.channels + s.channels;
    }
    return result;
  }

  template <class Scalar>
  void forward(const forward_call<Scalar>& call) const {
    int first = 0;
    for (const feature_map<const Scalar>& in : call.inputs) {
      const feature_map<Scalar> out = call.output.slice(first, in.channels);
      first += in.channels;
      if (in.data == out.data) continue;
      simd::add(std::span<const feature_map<const Scalar>>(&in, 1), out);  // repeats a vector
    }
  }

  template <class Scalar>
  void backward(const backward_call<Scalar>& call) const {
    int first = 0;
    for (std::size_t i = 0; i < call.inputs.size(); ++i) {
      const feature_map<Scalar>& to = call.input_gradients[i];
      const int channels = call.inputs[i].channels;
      const feature_map<const Scalar> from = call.output_gradient.slice(first, channels);
      first += channels;
      if (!call.wants_input_gradient(i) || to.data == from.data) continue;
      simd::add_backward(from, to, call.accumulate[i]);
    }
  }
};

}  // namespace layers

/// Concatenates by channel. Layers of one input do so by themselves; this says it aloud.
constexpr architecture concat() {
  return layer(layers::concat{});
}

LOOKALIKE_COMPILED_LAYER(concat)

}  // namespace lookalike

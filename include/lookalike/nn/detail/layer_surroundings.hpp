#pragma once

/// \file
/// The small networks in which a layer is tried out: on its own, in place of what it reads, reading and
/// writing slices of wider maps, twice over the same input with the same parameters.

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include <lookalike/nn/combinators.hpp>
#include <lookalike/nn/layers/concat.hpp>

namespace lookalike::detail {

/// y = w[c] x: stands beside the layer that is tried out.
struct channel_scale {
  static constexpr std::string_view kind = "channel_scale";
  static constexpr bool backward_reads_output = false;
  static constexpr bool overwrites_gradients = true;

  constexpr shape infer_shape(std::span<const shape> x, diagnosis&) const { return x[0]; }
  constexpr void parameters(std::span<const shape> x, parameter_list& list) const {
    list.add("weight", {x[0].channels}, {.initial = initial_value::ones});
  }
  template <class Scalar>
  void forward(const forward_call<Scalar>& call) const {
    for_each_pixel(call.output, [&](int n, int y, int x, Scalar* out) {
      const Scalar* in = call.inputs[0].pixel(n, y, x);
      for (int c = 0; c < call.output.channels; ++c) out[c] = call.parameters[0][c] * in[c];
    });
  }
  template <class Scalar>
  void backward(const backward_call<Scalar>& call) const {
    for_each_pixel(call.output_gradient, [&](int n, int y, int x, const Scalar* g) {
      const Scalar* in = call.inputs[0].pixel(n, y, x);
      for (int c = 0; c < call.output_gradient.channels; ++c) {
        if (call.wants_parameter_gradient(0)) call.parameter_gradients[0][c] += g[c] * in[c];
        if (!call.wants_input_gradient(0)) continue;
        Scalar& to = call.input_gradients[0].pixel(n, y, x)[c];
        to = (call.accumulate[0] ? to : Scalar(0)) + g[c] * call.parameters[0][c];
      }
    });
  }
};

/// A network around a layer, whose parameters are called "checked...". Its inputs are "x0", "x1", ...
struct layer_surrounding {
  std::string text;
  architecture network;
  /// The output that holds the layer's, in its last channels; -1: the inputs are others than on its own.
  int output = 0;
  bool one_input = false;  ///< the only input goes into all of the layer's
};

/// `given` are the shapes of the layer's inputs; heights and widths may be `dynamic`. Those in `constant`
/// have no gradient, and their values stay as they are.
inline std::vector<layer_surrounding> surroundings_of(const architecture& body,
                                                      const std::vector<shape>& given,
                                                      const std::vector<std::size_t>& constant) {
  std::vector<layer_surrounding> result;
  const architecture checked = named("checked", body);
  const auto source = [&](std::size_t i) {
    return input("x" + std::to_string(i), given[i].channels, {given[i].height, given[i].width});
  };
  if (given.empty()) {  // a network has at least one input, which says how many pictures there are
    const architecture pictures = input("x0", 1, {1, 1});
    result.push_back({"on its own", pictures | branch(identity(), checked), 1});
    result.push_back(
        {"twice", pictures | branch(identity(), shared("checked", body), shared("checked", body)), 1});
    result.push_back(
        {"in a concatenation",
         pictures | branch(identity(), checked | branch(layer(channel_scale{}), identity()) | concat()), 1});
    return result;
  }
  const auto part = [](std::size_t i) { return "source" + std::to_string(i); };
  constexpr_vector<architecture> sources, scaled, from_slices;
  const architecture beside = branch(layer(channel_scale{}), identity()) | concat();
  from_slices.push_back(checked | beside);
  bool alike = true;
  for (std::size_t i = 0; i < given.size(); ++i) {
    sources.push_back(source(i));
    const bool varies = std::find(constant.begin(), constant.end(), i) == constant.end();
    scaled.push_back(named(part(i), varies ? source(i) | layer(channel_scale{}) : source(i)));
    from_slices.push_back(from(part(i)) | beside);
    alike = alike && given[i] == given[0];
  }
  result.push_back({"on its own", branch(sources) | checked, 0});
  result.push_back({"as the only reader", branch(scaled) | checked, 0});
  result.push_back({"twice",
                    branch(sources) | branch(identity(), shared("checked", body), shared("checked", body)),
                    static_cast<int>(given.size())});
  result.push_back({"in a concatenation", branch(scaled) | branch(from_slices), 0});
  if (alike && given.size() > 1) {
    constexpr_vector<architecture> copies(static_cast<int>(given.size()));
    result.push_back({"with one input in all places", source(0) | branch(copies) | checked, -1, true});
  }
  return result;
}

}  // namespace lookalike::detail

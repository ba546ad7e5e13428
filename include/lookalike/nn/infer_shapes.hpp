#pragma once

/// \file
/// Shape inference: the extents of everything that flows through a network, or one sentence about what does
/// not fit: `decoder.up2.add0: expects 128 channels from the skip branch, given 64`.

#include <span>

#include <lookalike/nn/architecture.hpp>
#include <lookalike/nn/names.hpp>

namespace lookalike {

namespace detail {

/// One loop for compile time and run time. `Graph` tells about nodes: size, inputs(i), infer(i, inputs,
/// problem), name(i).
template <class Graph>
constexpr diagnosis infer_shapes_over(const Graph& graph, std::span<const shape> given,
                                      std::span<shape> shapes) {
  constexpr_vector<shape> inputs;
  std::size_t next_input = 0;
  diagnosis problem;
  for (int i = 0; i < graph.size(); ++i) {
    inputs.resize(0);
    for (int source : graph.inputs(i)) inputs.push_back(shapes[static_cast<std::size_t>(source)]);
    shape result = graph.infer(i, inputs.view(), problem);
    if (!problem.failed() && graph.is_input(i) && next_input < given.size()) {
      const shape& g = given[next_input++];
      const auto fit = [&](int& declared, int extent, std::string_view what) {
        if (extent == dynamic || declared == extent) return;
        if (declared == dynamic) {
          declared = extent;
        } else if (!problem.failed()) {
          problem << "expects " << declared << " " << what << ", given " << extent;
        }
      };
      fit(result.channels, g.channels, "channels");
      fit(result.height, g.height, "rows");
      fit(result.width, g.width, "columns");
    }
    if (!problem.failed()) {
      const auto check = [&](int extent, std::string_view what) {
        if (problem.failed() || extent >= 1 || extent == dynamic) return;
        problem << "yields " << extent << " " << what << ", wanted 1 or more; its input is too small";
      };
      check(result.channels, "channels");
      check(result.height, "rows");
      check(result.width, "columns");
    }
    if (problem.failed()) {
      diagnosis named;
      named << graph.name(i) << ": " << problem.text();
      return named;
    }
    shapes[static_cast<std::size_t>(i)] = result;
  }
  return {};
}

struct architecture_graph {
  architecture_view view;
  constexpr int size() const { return view.size(); }
  constexpr std::span<const int> inputs(int i) const { return view.inputs(i); }
  constexpr bool is_input(int i) const { return view.at(i).rules->kind == "input"; }
  constexpr shape infer(int i, std::span<const shape> inputs, diagnosis& problem) const {
    return view.at(i).rules->infer_shape(view.instance(i), inputs, problem);
  }
  constexpr static_sentence name(int i) const { return node_name(view, i); }
};

}  // namespace detail

/// Fills `shapes`, one for each node of a resolved architecture. `given` are the extents of the inputs, as
/// far as they are known, in the order in which the inputs come; it may be empty. Complexity: linear.
constexpr diagnosis infer_shapes(const architecture_view& a, std::span<const shape> given,
                                 std::span<shape> shapes) {
  return detail::infer_shapes_over(detail::architecture_graph{a}, given, shapes);
}

}  // namespace lookalike

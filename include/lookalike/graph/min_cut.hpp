#pragma once

/// \file
/// The minimum cut of a grid with two terminals, by the algorithm of Boykov and Kolmogorov ("An experimental
/// comparison of min-cut/max-flow algorithms for energy minimization in vision", PAMI 2004) as Boost.Graph
/// implements it, after an exact reduction of the graph. The result carries its certificate: the value of a
/// flow is never above the value of a cut, so where both are equal both are optimal.

#include <cstdint>
#include <vector>

#include <boost/graph/boykov_kolmogorov_max_flow.hpp>

#include <lookalike/graph/boost_graph.hpp>
#include <lookalike/graph/detail/push_to_sink.hpp>

namespace lookalike {

/// A minimum cut and its certificate.
struct cut {
  /// Non-zero where a pixel is on the sink's side.
  mask labels;
  /// Value of a maximum flow, and of this cut. They are equal.
  std::int64_t flow = 0;
  std::int64_t value = 0;
};

/// A minimum cut of `network`. Where several cuts are minimal, the one with the fewest pixels on the sink's
/// side: exactly those from which the sink can be reached in the residual graph of a maximum flow, which is
/// the same set for every maximum flow and so for every algorithm. Pixels fixed to a side stay there.
///
/// Throws `value_error` when the network is invalid, `error` should flow and cut disagree. On seams measured
/// time grows a little faster than the number of free pixels; the worst case is O(pixels^2 * value).
inline cut minimum_cut(const grid_network& network) {
  grid_graph graph(network);
  detail::push_to_sink(graph);

  cut result{mask(network.height(), network.width()), 0, 0};
  result.flow = graph.settled_flow();
  if (graph.pixels() > 0) {
    // The algorithm starts by copying capacities to residuals; here they share their memory.
    result.flow += boost::boykov_kolmogorov_max_flow(
        graph, get(boost::edge_capacity, graph), grid_residual_map{graph.capacities()},
        get(boost::edge_reverse, graph), get(boost::vertex_index, graph), graph.source(), graph.sink());
  }
  for (std::ptrdiff_t i = 0; i < network.fixed.area(); ++i) {
    const auto at = static_cast<std::size_t>(i);
    result.labels.values()[at] = network.fixed.values()[at] == cut_side::sink ? 1 : 0;
  }
  for (const grid_graph::vertex pixel : detail::reaching_sink(graph).order) {
    result.labels.values()[static_cast<std::size_t>(graph.position(pixel))] = 1;
  }
  result.value = cut_value(network, result.labels);
  require<error>(result.flow == result.value, "minimum_cut: found a flow of ", result.flow, " and a cut of ",
                 result.value, ", wanted them equal");
  return result;
}

}  // namespace lookalike

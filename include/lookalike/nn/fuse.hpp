#pragma once

/// \file
/// Fusion for inference: batch normalization, the addition of a shortcut and an activation that follow a
/// convolution (or another layer that can store through an epilogue) become part of it, and what does nothing
/// in inference, such as dropout, goes. An architecture becomes an architecture.

#include <utility>

#include <lookalike/nn/architecture.hpp>

namespace lookalike {

/// What `fuse` returns.
struct fused_architecture {
  architecture graph;              ///< node::source says which node of the original each comes from
  constexpr_vector<int> value_of;  ///< for each original node the one that yields its value, or -1
};

/// Fuses a resolved architecture whose shapes have been inferred. Parts that are exposed stay. A value that
/// somebody else reads too is never changed. Complexity: linear.
constexpr fused_architecture fuse(const architecture_view& a, std::span<const shape> shapes) {
  const int count = a.size();
  constexpr_vector<int> readers(count);
  for (int i = 0; i < count; ++i)
    for (int source : a.inputs(i)) ++readers[source];
  for (int exit : a.exits) ++readers[exit];
  for (int i = 0; i < count; ++i) readers[i] += a.at(i).kept ? 1 : 0;

  fused_architecture result;
  architecture& graph = result.graph;
  result.value_of.resize(count);
  constexpr_vector<int>& value_of = result.value_of;
  constexpr_vector<constexpr_vector<int>> edges;
  for (double number : a.numbers) graph.numbers.push_back(number);

  constexpr_vector<int> vanished, stands_for;  // other names of a value

  // The node that yields `source`, if something may be put into its store.
  const auto open_store = [&](int source) {
    if (readers[source] != 1 || value_of[source] < 0) return -1;
    const node& n = graph.nodes[value_of[source]];
    return n.rules->fusion == fusion_role::accepts_epilogue && n.activation < 0 ? value_of[source] : -1;
  };

  for (int i = 0; i < count; ++i) {
    const node& n = a.at(i);
    const std::span<const int> inputs = a.inputs(i);
    const auto put_into = [&](int target, int node::*what) {
      graph.nodes[target].*what = i;
      graph.nodes[target].kept = n.kept;
      for (int source : inputs) {
        if (value_of[source] == target) value_of[source] = -1;
      }
      for (int same : vanished) {
        if (value_of[same] == target) value_of[same] = -1;
      }
      for (int same : stands_for) {
        if (value_of[same] == target) value_of[same] = -1;
      }
      value_of[i] = target;
    };
    if (n.rules->fusion == fusion_role::vanishes) {
      value_of[i] = value_of[inputs[0]];
      vanished.push_back(i);
      stands_for.push_back(inputs[0]);
      graph.nodes[value_of[i]].kept = graph.nodes[value_of[i]].kept || n.kept;
      // Its readers are readers of what it stands for.
      readers[inputs[0]] += readers[i] - 1;
      readers[i] = readers[inputs[0]];
      continue;
    }
    if (n.rules->fusion == fusion_role::normalizes) {
      const int target = open_store(inputs[0]);
      if (target >= 0 && graph.nodes[target].normalization < 0 && graph.nodes[target].addition < 0) {
        put_into(target, &node::normalization);
        continue;
      }
    }
    if (n.rules->fusion == fusion_role::activates) {
      const int target = open_store(inputs[0]);
      if (target >= 0) {
        put_into(target, &node::activation);
        continue;
      }
    }
    if (n.rules->fusion == fusion_role::adds && inputs.size() == 2 && inputs[0] != inputs[1] &&
        shapes[static_cast<std::size_t>(inputs[0])] == shapes[static_cast<std::size_t>(inputs[1])]) {
      // Into the operand that is computed last, so that the other one is there by then.
      const int last = value_of[inputs[1]] > value_of[inputs[0]] ? inputs[1] : inputs[0];
      const int other = last == inputs[0] ? inputs[1] : inputs[0];
      const int target = open_store(last);
      if (target >= 0 && graph.nodes[target].addition < 0 && value_of[other] >= 0 &&
          value_of[other] < target) {
        edges[target].push_back(value_of[other]);
        put_into(target, &node::addition);
        continue;
      }
    }
    node moved = n;
    moved.source = i;
    graph.nodes.push_back(moved);
    constexpr_vector<int> reads;
    for (int source : inputs) reads.push_back(value_of[source]);
    edges.push_back(std::move(reads));
    value_of[i] = graph.nodes.size() - 1;
  }
  for (int i = 0; i < graph.nodes.size(); ++i) graph.nodes[i].edges = detail::append(graph.edges, edges[i]);
  graph.exits = {};
  for (int exit : a.exits) graph.exits.push_back(value_of[exit]);
  return result;
}

}  // namespace lookalike

#pragma once

/// \file
/// The weights of a network in the forms that its layers read best, made once for inference.

#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include <lookalike/core/memory.hpp>
#include <lookalike/nn/detail/executor.hpp>

namespace lookalike::detail {

/// How node `i` of the graph of `s` wants its weights packed. `inputs` becomes the shapes of what it reads.
template <class Scalar>
weight_packing packing_of(const run_setting<Scalar>& s, int i, std::vector<shape>& inputs) {
  const run_graph<Scalar>& g = *s.graph;
  const run_node<Scalar>& n = g.at(i);
  if (n.packing == nullptr) return {};
  inputs.clear();
  for (int source : g.inputs(i)) inputs.push_back(s.shapes()[static_cast<std::size_t>(source)]);
  run_extents extents;
  extents.inputs = inputs;
  extents.output = s.shapes()[static_cast<std::size_t>(i)];
  extents.batch = 1;
  extents.execution = s.execution_of(n);
  return n.packing(g.instance(i), extents);
}

/// Packed weights by node and form, made when a plan first wants them: plans for other extents share what
/// they have in common. Holds as long as the parameters do not change. Safe to use from several threads.
template <class Scalar>
class packed_weights {
 public:
  /// For each node of a graph its packed weights, or null.
  using table = std::vector<const Scalar*>;

  /// The table for the graph and plan of `s`. Valid as long as this object and the table live.
  std::shared_ptr<const table> of(const run_setting<Scalar>& s,
                                  const std::shared_ptr<const planned_run>& plan) {
    const std::lock_guard hold(guard_);
    for (const auto& [known, weights] : tables_) {
      if (known == plan) return weights;
    }
    auto weights = std::make_shared<table>();
    for (int i = 0; i < s.graph->size(); ++i) weights->push_back(of_node(s, i));
    if (tables_.size() >= most_tables) tables_.erase(tables_.begin());
    tables_.emplace_back(plan, weights);
    return weights;
  }

  std::size_t bytes() const {
    const std::lock_guard hold(guard_);
    std::size_t sum = 0;
    for (const auto& block : blocks_) sum += sizeof(Scalar) * block->values.size();
    return sum;
  }

 private:
  struct node_weights {
    int node;
    weight_packing packing;
    aligned_vector<Scalar> values;
  };
  static constexpr std::size_t most_tables = 64;

  const Scalar* of_node(const run_setting<Scalar>& s, int i) {
    const run_graph<Scalar>& g = *s.graph;
    const run_node<Scalar>& n = g.at(i);
    std::vector<shape> inputs;
    const weight_packing packing = packing_of(s, i, inputs);
    if (packing.form == 0) return nullptr;
    // A part that is shared has several nodes and one set of parameters.
    const pool_range slots = s.what->slots_of[static_cast<std::size_t>(n.source)];
    for (const auto& block : blocks_) {
      if (block->node == slots.first && block->packing == packing) return block->values.data();
    }
    std::vector<const Scalar*> parameters;
    for (int k = slots.first; k < slots.first + slots.count; ++k)
      parameters.push_back(s.parameters + s.what->slots[static_cast<std::size_t>(k)].offset);
    auto block = std::make_unique<node_weights>(node_weights{slots.first, packing, {}});
    block->values.resize(static_cast<std::size_t>(packing.size));
    n.pack(g.instance(i), packing, inputs, parameters, block->values.data());
    blocks_.push_back(std::move(block));
    return blocks_.back()->values.data();
  }

  mutable std::mutex guard_;
  std::vector<std::unique_ptr<node_weights>> blocks_;
  std::vector<std::pair<std::shared_ptr<const planned_run>, std::shared_ptr<const table>>> tables_;
};

}  // namespace lookalike::detail

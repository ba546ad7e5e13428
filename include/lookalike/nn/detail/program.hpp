#pragma once

/// \file
/// A network in the form in which it runs: tables. `model` has the compiler make them, `dynamic_model` makes
/// them itself; what runs them (detail/executor.hpp) does not know the difference and is compiled once.
///
/// A node's table row names the functions of one scalar type only, and never the rules of its layer, so that
/// a program holds no kernel that it does not run.

#include <string_view>

#include <lookalike/nn/detail/lowering.hpp>

namespace lookalike::detail {

template <class Scalar>
struct run_node {
  std::string_view kind;  ///< of layer
  pool_range attributes;
  pool_range edges;  ///< the values it reads; after them the shortcut, if one was fused in
  const void* context = nullptr;
  shape (*infer_shape)(const layer_rules::instance&, std::span<const shape>, diagnosis&) = nullptr;
  std::int64_t (*scratch_size)(const layer_rules::instance&, const run_extents&) = nullptr;
  std::int64_t (*saved_size)(const layer_rules::instance&, const run_extents&) = nullptr;
  weight_packing (*packing)(const layer_rules::instance&, const run_extents&) = nullptr;  ///< null: none
  layer_rules::pack_function<Scalar> pack = nullptr;
  void (*forward)(const layer_rules::instance&, const forward_call<Scalar>&) = nullptr;
  bool is_input = false;
  bool kept = false;
  bool backward_reads_inputs = true;
  bool backward_reads_output = true;
  bool in_place = false;
  bool concatenates = false;
  bool overwrites_gradients = false;
  int source = -1;  ///< the node of the unfused network that has its parameters and seeds its chance
  // What was fused in:
  bool has_epilogue = false;
  bool has_shortcut = false;
  pool_range normalization_slots;
  double epsilon = 0;
  simd::activation_options activation;
};

template <class Scalar>
using backward_function = void (*)(const layer_rules::instance&, const backward_call<Scalar>&);

/// One graph of nodes.
template <class Scalar>
struct run_graph {
  std::span<const run_node<Scalar>> nodes;
  std::span<const int> edges;
  std::span<const double> numbers;
  std::span<const int> exits;

  constexpr int size() const { return static_cast<int>(nodes.size()); }
  constexpr const run_node<Scalar>& at(int i) const { return nodes[static_cast<std::size_t>(i)]; }
  /// Everything node `i` reads, the shortcut of an epilogue included.
  constexpr std::span<const int> reads(int i) const {
    const pool_range r = at(i).edges;
    return edges.subspan(static_cast<std::size_t>(r.first), static_cast<std::size_t>(r.count));
  }
  /// What the layer itself reads.
  constexpr std::span<const int> inputs(int i) const {
    const std::span<const int> all = reads(i);
    return all.subspan(0, all.size() - (at(i).has_shortcut ? 1 : 0));
  }
  constexpr layer_rules::instance instance(int i) const {
    const pool_range r = at(i).attributes;
    return {numbers.subspan(static_cast<std::size_t>(r.first), static_cast<std::size_t>(r.count)),
            at(i).context};
  }
};

/// A network that can run.
template <class Scalar>
struct program {
  run_graph<Scalar> graph;        ///< as written: for training
  run_graph<Scalar> fused;        ///< for inference
  std::span<const int> value_of;  ///< see fused_architecture
  std::span<const backward_function<Scalar>> backward;
  std::span<const parameter_slot> slots;
  std::span<const pool_range> slots_of;
  std::int64_t parameter_count = 0;
  std::span<const int> inputs;
  std::span<const char> text;
  std::span<const pool_range> names;
  std::span<const named_part> parts;
  std::span<const shape> shapes;  ///< as far as they are known without a picture

  constexpr std::string_view text_of(pool_range r) const {
    return {text.data() + r.first, static_cast<std::size_t>(r.count)};
  }
  constexpr std::string_view name(int i) const { return text_of(names[static_cast<std::size_t>(i)]); }
};

template <class Scalar>
constexpr run_node<Scalar> make_run_node(const architecture_view& fused, int i,
                                         const architecture_view& graph,
                                         std::span<const pool_range> slots_of) {
  const node& n = fused.at(i);
  const layer_rules& rules = *n.rules;
  run_node<Scalar> r;
  r.kind = rules.kind;
  r.attributes = n.attributes;
  r.edges = n.edges;
  r.context = rules.context;
  r.infer_shape = rules.infer_shape;
  r.scratch_size = rules.template scratch_size<Scalar>();
  r.saved_size = rules.saved_size;
  r.packing = rules.template packing<Scalar>();
  r.pack = rules.template pack<Scalar>();
  r.forward = rules.template forward<Scalar>();
  r.is_input = architecture_graph{fused}.is_input(i);
  r.kept = n.kept;
  r.backward_reads_inputs = rules.backward_reads_inputs;
  r.backward_reads_output = rules.backward_reads_output;
  r.in_place = rules.in_place;
  r.concatenates = rules.concatenates;
  r.overwrites_gradients = rules.overwrites_gradients;
  r.source = n.source;
  r.has_shortcut = n.addition >= 0;
  r.has_epilogue = n.normalization >= 0 || n.addition >= 0 || n.activation >= 0;
  if (n.normalization >= 0) {
    r.normalization_slots = slots_of[static_cast<std::size_t>(n.normalization)];
    const layer_rules& norm = *graph.at(n.normalization).rules;
    const std::span<const double> numbers = graph.instance(n.normalization).attributes;
    for (std::size_t k = 0; k < norm.attribute_names.size(); ++k) {
      if (norm.attribute_names[k] == "epsilon") r.epsilon = numbers[k];
    }
  }
  if (n.activation >= 0)
    r.activation = graph.at(n.activation).rules->fused_activation(graph.instance(n.activation));
  return r;
}

template <class Scalar>
struct program_graph {
  const program<Scalar>& p;
  constexpr int size() const { return p.graph.size(); }
  constexpr std::span<const int> inputs(int i) const { return p.graph.inputs(i); }
  constexpr bool is_input(int i) const { return p.graph.at(i).is_input; }
  constexpr shape infer(int i, std::span<const shape> inputs, diagnosis& problem) const {
    if (is_input(i)) return p.shapes[static_cast<std::size_t>(i)];  // with the extents given to the model
    return p.graph.at(i).infer_shape(p.graph.instance(i), inputs, problem);
  }
  constexpr std::string_view name(int i) const { return p.name(i); }
};

}  // namespace lookalike::detail

#pragma once

/// \file
/// The loops that run a program's tables, forward and backward, and the memory they run in.

#include <chrono>
#include <cmath>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include <lookalike/core/memory.hpp>
#include <lookalike/core/tensor.hpp>
#include <lookalike/nn/detail/refuse.hpp>
#include <lookalike/nn/memory_plan.hpp>

namespace lookalike::detail {

/// A memory plan for certain extents, with the shapes it belongs to.
struct planned_run {
  std::vector<shape> inputs;  ///< what the plan is for
  bool backward = false;
  bool fused = false;         ///< which graph runs
  std::vector<shape> shapes;  ///< of its nodes
  memory_plan memory;
};

/// A gradient from outside, and the node whose value it belongs to.
template <class Scalar>
struct outer_gradient {
  int node = -1;
  tensor_view<const Scalar> value;
};

/// The memory of one pass.
template <class Scalar>
struct arena {
  aligned_vector<Scalar> block;
  aligned_vector<Scalar> scratch;
  aligned_vector<Scalar> saved;
  aligned_vector<Scalar> epilogue_values;  ///< scale and shift of fused normalizations
  std::vector<feature_map<Scalar>> values;
  std::vector<feature_map<Scalar>> gradients;
  std::vector<feature_map<const Scalar>> reads;  ///< for each edge what lies at its other end
  std::vector<feature_map<Scalar>> edge_gradients;
  std::vector<std::pair<std::int64_t, std::int64_t>> saved_ranges;  ///< for each node
  std::vector<const Scalar*> parameters;
  std::vector<Scalar*> buffers;
  std::vector<Scalar*> parameter_gradients;
  std::vector<shape> edge_shapes;
  std::vector<char> touched;  ///< whether a gradient has arrived
  std::vector<char> needs_gradient;
  std::vector<outer_gradient<Scalar>> outer;
  std::vector<tensor_view<const Scalar>> input_gradients;
  std::unique_ptr<bool[]> accumulate;
  std::size_t accumulate_size = 0;
};

/// Arenas that wait for the next pass.
template <class Scalar>
struct arena_pool {
  std::mutex guard;
  std::vector<std::unique_ptr<arena<Scalar>>> waiting;
};

template <class Scalar>
struct return_to_pool {
  std::shared_ptr<arena_pool<Scalar>> pool;
  void operator()(arena<Scalar>* a) const {
    std::unique_ptr<arena<Scalar>> back(a);
    if (!pool) return;
    const std::lock_guard hold(pool->guard);
    pool->waiting.push_back(std::move(back));
  }
};

template <class Scalar>
using borrowed_arena = std::unique_ptr<arena<Scalar>, return_to_pool<Scalar>>;

template <class Scalar>
borrowed_arena<Scalar> borrow_arena(const std::shared_ptr<arena_pool<Scalar>>& pool) {
  const std::lock_guard hold(pool->guard);
  if (pool->waiting.empty()) return {new arena<Scalar>, {pool}};
  borrowed_arena<Scalar> a(pool->waiting.back().release(), {pool});
  pool->waiting.pop_back();
  return a;
}

/// Grows, never shrinks; what is new is undefined to the caller.
template <class Vector>
void at_least(Vector& v, std::size_t count) {
  if (v.size() < count) v.resize(count);
}

/// A seed for one node, so that the chance of one layer does not depend on the layers around it.
inline std::uint64_t node_seed(std::uint64_t seed, int node) {  // SplitMix64
  std::uint64_t z = seed + 0x9e3779b97f4a7c15ULL * (static_cast<std::uint64_t>(node) + 1);
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
  return z ^ (z >> 31);
}

template <class Scalar>
tensor_view<Scalar> as_tensor_view(const feature_map<Scalar>& m) {
  return {m.data, {m.batch, m.channels, m.height, m.width}, {m.picture_pitch(), 1, m.row_pitch(), m.pitch}};
}

/// Copies (or adds) an array of any strides into a map.
template <class Scalar>
void import_tensor(const tensor_view<const Scalar>& from, const feature_map<Scalar>& to, bool add) {
  for_each_pixel(to, [&](int n, int y, int x, Scalar* pixel) {
    const Scalar* at = from.data + n * from.strides[0] + y * from.strides[2] + x * from.strides[3];
    if (add) {
      for (int c = 0; c < to.channels; ++c) pixel[c] += at[c * from.strides[1]];
    } else {
      for (int c = 0; c < to.channels; ++c) pixel[c] = at[c * from.strides[1]];
    }
  });
}

template <class Scalar>
void clear(const feature_map<Scalar>& map) {
  if (map.pitch == map.channels) {
    std::fill_n(map.data, map.pixels() * map.pitch, Scalar(0));
    return;
  }
  for_each_pixel(map, [&](int, int, int, Scalar* pixel) { std::fill_n(pixel, map.channels, Scalar(0)); });
}

/// What a run needs besides its memory.
template <class Scalar>
struct run_setting {
  const program<Scalar>* what = nullptr;
  const run_graph<Scalar>* graph = nullptr;
  const planned_run* plan = nullptr;
  const Scalar* parameters = nullptr;
  Scalar* buffers = nullptr;  ///< the same block where buffers may change, or null
  std::span<const Scalar* const> packed =
      {};  ///< for each node its packed weights, or null; empty: nothing is
  execution_options execution = {};
  /// Of the nodes as written, where they have one of their own; `automatic`: what `execution` says.
  std::span<const simd::convolution_algorithm> algorithms = {};
  std::span<double> seconds = {};  ///< what each node as written takes is added; empty: nobody measures
  int batch = 0;
  bool training = false;
  std::uint64_t seed = 0;

  execution_options execution_of(const run_node<Scalar>& n) const {
    execution_options how = execution;
    if (!algorithms.empty()) {
      const auto own = algorithms[static_cast<std::size_t>(n.source)];
      if (own != simd::convolution_algorithm::automatic) how.algorithm = own;
    }
    return how;
  }
  const Scalar* packed_weights(int node) const {
    return packed.empty() ? nullptr : packed[static_cast<std::size_t>(node)];
  }
  std::span<const shape> shapes() const { return plan->shapes; }
};

/// Sets all maps and pointers of a pass.
template <class Scalar>
void lay_out(const run_setting<Scalar>& s, arena<Scalar>& a) {
  const run_graph<Scalar>& g = *s.graph;
  const auto count = static_cast<std::size_t>(g.size());
  const memory_plan& memory = s.plan->memory;
  at_least(a.block, static_cast<std::size_t>(memory.size * s.batch + parameter_alignment));
  at_least(a.values, count);
  at_least(a.reads, g.edges.size());
  at_least(a.edge_shapes, g.edges.size());
  at_least(a.saved_ranges, count);
  const auto place = [&](const value_place& p, const shape& extent) {
    return feature_map<Scalar>{p.offset < 0 ? nullptr : a.block.data() + p.offset * s.batch + p.first_channel,
                               s.batch,
                               extent.height,
                               extent.width,
                               extent.channels,
                               p.pitch};
  };
  for (int i = 0; i < g.size(); ++i)
    a.values[static_cast<std::size_t>(i)] = place(memory.values[i], s.shapes()[static_cast<std::size_t>(i)]);
  if (s.plan->backward) {
    at_least(a.gradients, count);
    for (int i = 0; i < g.size(); ++i)
      a.gradients[static_cast<std::size_t>(i)] =
          place(memory.gradients[i], s.shapes()[static_cast<std::size_t>(i)]);
  }

  std::int64_t saved = 0;
  std::int64_t scratch = 0;
  std::int64_t epilogue_values = 0;
  for (int i = 0; i < g.size(); ++i) {
    const run_node<Scalar>& n = g.at(i);
    for (int e = n.edges.first; e < n.edges.first + n.edges.count; ++e) {
      const auto source = static_cast<std::size_t>(g.edges[static_cast<std::size_t>(e)]);
      a.reads[static_cast<std::size_t>(e)] = a.values[source];
      a.edge_shapes[static_cast<std::size_t>(e)] = s.shapes()[source];
    }
    run_extents extents;
    extents.inputs = std::span<const shape>(a.edge_shapes)
                         .subspan(static_cast<std::size_t>(n.edges.first), g.inputs(i).size());
    extents.output = s.shapes()[static_cast<std::size_t>(i)];
    extents.batch = s.batch;
    extents.packed = s.packed_weights(i) != nullptr;
    extents.execution = s.execution_of(n);
    scratch = std::max(scratch, n.scratch_size(g.instance(i), extents));
    if (s.plan->backward) {
      const std::int64_t size = n.saved_size(g.instance(i), extents);
      a.saved_ranges[static_cast<std::size_t>(i)] = {saved, size};
      saved += round_up(size, parameter_alignment);
      extents.backward = true;
      scratch = std::max(scratch, n.scratch_size(g.instance(i), extents));
    } else {
      // Nobody reads it afterwards, but a layer may write it.
      const std::int64_t size = n.saved_size(g.instance(i), extents);
      a.saved_ranges[static_cast<std::size_t>(i)] = {0, size};
      saved = std::max(saved, size);
    }
    if (n.normalization_slots.count > 0) epilogue_values += 2 * extents.output.channels;
  }
  at_least(a.saved, static_cast<std::size_t>(saved));
  at_least(a.scratch, static_cast<std::size_t>(scratch));
  at_least(a.epilogue_values, static_cast<std::size_t>(epilogue_values));

  const std::size_t slot_count = s.what->slots.size();
  at_least(a.parameters, slot_count);
  at_least(a.buffers, slot_count);
  for (std::size_t k = 0; k < slot_count; ++k) {
    const parameter_slot& slot = s.what->slots[k];
    a.parameters[k] = s.parameters + slot.offset;
    a.buffers[k] = slot.declared.trainable || s.buffers == nullptr ? nullptr : s.buffers + slot.offset;
  }
}

/// Batch normalization as scale and shift: y = scale x + shift.
template <class Scalar>
void fold_normalization(const run_setting<Scalar>& s, const arena<Scalar>& a, const run_node<Scalar>& n,
                        int channels, Scalar* scale, Scalar* shift) {
  const Scalar *weight = nullptr, *bias = nullptr, *mean = nullptr, *variance = nullptr;
  for (int k = n.normalization_slots.first; k < n.normalization_slots.first + n.normalization_slots.count;
       ++k) {
    const std::string_view name = s.what->slots[static_cast<std::size_t>(k)].declared.name;
    const Scalar* values = a.parameters[static_cast<std::size_t>(k)];
    if (name == "weight") weight = values;
    if (name == "bias") bias = values;
    if (name == "running_mean") mean = values;
    if (name == "running_variance") variance = values;
  }
  for (int c = 0; c < channels; ++c) {
    scale[c] = (weight != nullptr ? weight[c] : Scalar(1)) / std::sqrt(variance[c] + Scalar(n.epsilon));
    shift[c] = (bias != nullptr ? bias[c] : Scalar(0)) - mean[c] * scale[c];
  }
}

/// Runs all nodes. `given` are the inputs, in order.
template <class Scalar>
void run_forward(const run_setting<Scalar>& s, arena<Scalar>& a,
                 std::span<const tensor_view<const Scalar>> given) {
  const run_graph<Scalar>& g = *s.graph;
  Scalar* epilogue_values = a.epilogue_values.data();
  std::size_t next_input = 0;
  for (int i = 0; i < g.size(); ++i) {
    const run_node<Scalar>& n = g.at(i);
    const feature_map<Scalar>& output = a.values[static_cast<std::size_t>(i)];
    if (n.is_input) {
      import_tensor(given[next_input++], output, false);
      continue;
    }
    forward_call<Scalar> call;
    const std::span<const feature_map<const Scalar>> reads(a.reads);
    call.inputs = reads.subspan(static_cast<std::size_t>(n.edges.first), g.inputs(i).size());
    call.output = output;
    const pool_range slots = s.what->slots_of[static_cast<std::size_t>(n.source)];
    const auto first_slot = static_cast<std::size_t>(slots.first);
    const auto slot_count = static_cast<std::size_t>(slots.count);
    call.parameters = std::span<const Scalar* const>(a.parameters).subspan(first_slot, slot_count);
    call.buffers = std::span<Scalar* const>(a.buffers).subspan(first_slot, slot_count);
    call.training = s.training;
    call.seed = node_seed(s.seed, n.source);
    const auto [saved_first, saved_count] = a.saved_ranges[static_cast<std::size_t>(i)];
    call.saved = std::span<Scalar>(a.saved).subspan(static_cast<std::size_t>(saved_first),
                                                    static_cast<std::size_t>(saved_count));
    call.scratch = a.scratch;
    call.packed = s.packed_weights(i);
    call.execution = s.execution_of(n);
    simd::epilogue<Scalar> epilogue;
    if (n.has_epilogue) {
      if (n.normalization_slots.count > 0) {
        fold_normalization(s, a, n, output.channels, epilogue_values, epilogue_values + output.channels);
        epilogue.scale = epilogue_values;
        epilogue.shift = epilogue_values + output.channels;
        epilogue_values += 2 * output.channels;
      }
      if (n.has_shortcut)
        epilogue.residual = reads[static_cast<std::size_t>(n.edges.first + n.edges.count - 1)];
      epilogue.activation = n.activation;
      call.epilogue = &epilogue;
    }
    if (s.seconds.empty()) {
      n.forward(g.instance(i), call);
      continue;
    }
    const auto start = std::chrono::steady_clock::now();
    n.forward(g.instance(i), call);
    s.seconds[static_cast<std::size_t>(n.source)] +=
        std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  }
}

/// Runs all nodes backward. Adds into `parameter_gradients` (a block like the parameters; null: unwanted).
template <class Scalar>
void run_backward(const run_setting<Scalar>& s, arena<Scalar>& a,
                  std::span<const outer_gradient<Scalar>> given, Scalar* parameter_gradients,
                  bool input_gradients) {
  const run_graph<Scalar>& g = *s.graph;
  const auto count = static_cast<std::size_t>(g.size());
  at_least(a.touched, count);
  at_least(a.needs_gradient, count);
  at_least(a.edge_gradients, g.edges.size());
  if (a.accumulate_size < g.edges.size()) {
    a.accumulate = std::make_unique<bool[]>(g.edges.size());
    a.accumulate_size = g.edges.size();
  }
  at_least(a.parameter_gradients, s.what->slots.size());
  for (std::size_t k = 0; k < s.what->slots.size(); ++k) {
    const parameter_slot& slot = s.what->slots[k];
    a.parameter_gradients[k] = parameter_gradients == nullptr || !slot.declared.trainable
                                   ? nullptr
                                   : parameter_gradients + slot.offset;
  }
  const auto learns = [&](int i) {
    return parameter_gradients != nullptr && s.what->slots_of[static_cast<std::size_t>(i)].count > 0;
  };
  for (int i = 0; i < g.size(); ++i) {
    bool needs = g.at(i).is_input ? input_gradients : learns(i);
    for (int source : g.inputs(i)) needs = needs || a.needs_gradient[static_cast<std::size_t>(source)] != 0;
    a.needs_gradient[static_cast<std::size_t>(i)] = needs ? 1 : 0;
    a.touched[static_cast<std::size_t>(i)] = 0;
  }

  for (int i = g.size() - 1; i >= 0; --i) {
    const run_node<Scalar>& n = g.at(i);
    const auto at = static_cast<std::size_t>(i);
    for (const outer_gradient<Scalar>& outer : given) {
      if (outer.node != i) continue;
      import_tensor(outer.value, a.gradients[at], a.touched[at] != 0);
      a.touched[at] = 1;
    }
    if (n.is_input) {
      if (input_gradients && a.touched[at] == 0) clear(a.gradients[at]);
      continue;
    }
    if (a.touched[at] == 0 || a.needs_gradient[at] == 0) continue;

    const auto first_edge = static_cast<std::size_t>(n.edges.first);
    const std::span<const int> inputs = g.inputs(i);
    for (std::size_t q = 0; q < inputs.size(); ++q) {
      const auto source = static_cast<std::size_t>(inputs[q]);
      feature_map<Scalar>& to = a.edge_gradients[first_edge + q];
      to = a.gradients[source];
      if (a.needs_gradient[source] == 0) {
        to.data = nullptr;
        continue;
      }
      if (!n.overwrites_gradients && a.touched[source] == 0) {
        clear(to);
        a.touched[source] = 1;
      }
      a.accumulate[first_edge + q] = a.touched[source] != 0;
      a.touched[source] = 1;
    }
    backward_call<Scalar> call;
    call.inputs = std::span<const feature_map<const Scalar>>(a.reads).subspan(first_edge, inputs.size());
    call.output = a.values[at];
    call.output_gradient = a.gradients[at];
    call.input_gradients =
        std::span<const feature_map<Scalar>>(a.edge_gradients).subspan(first_edge, inputs.size());
    call.accumulate = std::span<const bool>(a.accumulate.get() + first_edge, inputs.size());
    const pool_range slots = s.what->slots_of[at];
    const auto first_slot = static_cast<std::size_t>(slots.first);
    const auto slot_count = static_cast<std::size_t>(slots.count);
    call.parameters = std::span<const Scalar* const>(a.parameters).subspan(first_slot, slot_count);
    call.parameter_gradients =
        std::span<Scalar* const>(a.parameter_gradients).subspan(first_slot, slot_count);
    call.training = s.training;
    call.seed = node_seed(s.seed, n.source);
    const auto [saved_first, saved_count] = a.saved_ranges[at];
    call.saved = std::span<const Scalar>(a.saved).subspan(static_cast<std::size_t>(saved_first),
                                                          static_cast<std::size_t>(saved_count));
    call.scratch = a.scratch;
    call.execution = s.execution;
    const backward_function<Scalar> backward = s.what->backward[at];
    if (backward == nullptr)
      refuse({s.what->name(i), ": has no backward run, so no gradient passes through it"});
    backward(g.instance(i), call);
  }
}

}  // namespace lookalike::detail

#pragma once

/// \file
/// Where everything lies while a network runs. All values of a pass share one block of memory (the arena);
/// two whose lifetimes do not overlap may share a place, what is concatenated is produced in its slice of the
/// concatenation, and an activation takes the place of what it reads. Offsets are for one picture; a batch of
/// n multiplies them by n.

#include <cstdint>
#include <span>

#include <lookalike/nn/detail/program.hpp>

namespace lookalike {

/// The place of one value: a feature map whose pixels are `pitch` scalars apart.
struct value_place {
  std::int64_t offset = -1;  ///< scalars for one picture; -1: has no place
  int first_channel = 0;     ///< of the slice, within the wider map that starts at `offset`
  int pitch = 0;
  friend constexpr bool operator==(const value_place&, const value_place&) = default;
};

/// A plan for one set of extents.
struct memory_plan {
  constexpr_vector<value_place> values;     ///< for each node
  constexpr_vector<value_place> gradients;  ///< the same; only for training
  std::int64_t size = 0;                    ///< scalars for one picture
  std::int64_t size_without_sharing = 0;    ///< what it would be if every value had a place of its own
};

namespace detail {

/// Lifetimes and places that are being assigned. A slot lies in another one's (parent), or on its own.
class slot_planner {
 public:
  struct slot {
    int parent = -1;
    int born = 0;
    int dies = 0;
    int first_channel = 0;  ///< within the parent
    int channels = 0;
    std::int64_t pixels = 0;
    std::int64_t offset = -1;
    bool used = false;
  };

  constexpr explicit slot_planner(int count) : slots_(count) {}
  constexpr slot& operator[](int i) { return slots_[i]; }
  constexpr const slot& operator[](int i) const { return slots_[i]; }

  constexpr int root(int i) const {
    while (slots_[i].parent >= 0) i = slots_[i].parent;
    return i;
  }
  /// Puts the slot `child`, which has no parent yet, into `parent` from `first_channel` on.
  constexpr void put_into(int child, int parent, int first_channel) {
    slots_[child].parent = parent;
    slots_[child].first_channel = first_channel;
    slot& r = slots_[root(parent)];
    if (slots_[child].born < r.born) r.born = slots_[child].born;
    if (slots_[child].dies > r.dies) r.dies = slots_[child].dies;
  }

  /// Gives every root a place: the largest first, each at the lowest offset that is free during its life.
  constexpr std::int64_t assign() {
    constexpr_vector<int> order;
    for (int i = 0; i < slots_.size(); ++i) {
      if (slots_[i].used && slots_[i].parent < 0) order.push_back(i);
    }
    sort_by_size(order);
    constexpr_vector<int> by_offset;
    std::int64_t total = 0;
    for (int i : order) {
      slot& s = slots_[i];
      std::int64_t at = 0;
      for (int other : by_offset) {
        const slot& o = slots_[other];
        if (o.dies < s.born || o.born > s.dies) continue;
        if (o.offset - at >= size(s)) break;
        if (o.offset + size(o) > at) at = o.offset + size(o);
      }
      s.offset = at;
      by_offset.push_back(i);
      for (int j = by_offset.size() - 1; j > 0 && slots_[by_offset[j - 1]].offset > at; --j)
        std::swap(by_offset[j], by_offset[j - 1]);
      if (at + size(s) > total) total = at + size(s);
    }
    return total;
  }

  constexpr value_place place(int i) const {
    value_place p;
    int first = 0;
    if (!slots_[i].used) return p;
    while (slots_[i].parent >= 0) {
      first += slots_[i].first_channel;
      i = slots_[i].parent;
    }
    return {slots_[i].offset, first, slots_[i].channels};
  }

  static constexpr std::int64_t size(const slot& s) {
    return round_up(s.pixels * s.channels, parameter_alignment);
  }

 private:
  // Bottom-up merge sort: stable, and few steps for the compiler to evaluate.
  constexpr void sort_by_size(constexpr_vector<int>& order) const {
    const int n = order.size();
    constexpr_vector<int> merged(n);
    for (int run = 1; run < n; run *= 2) {
      for (int left = 0; left < n; left += 2 * run) {
        const int middle = left + run < n ? left + run : n;
        const int right = left + 2 * run < n ? left + 2 * run : n;
        int a = left, b = middle;
        for (int to = left; to < right; ++to) {
          const bool take_first =
              b >= right || (a < middle && size(slots_[order[a]]) >= size(slots_[order[b]]));
          merged[to] = take_first ? order[a++] : order[b++];
        }
      }
      for (int i = 0; i < n; ++i) order[i] = merged[i];
    }
  }

  constexpr_vector<slot> slots_;
};

}  // namespace detail

/// Plans the memory of `graph`, whose shapes are all known. With `backward`, values live as long as their
/// gradients need them, and gradients have places too. Complexity: quadratic at worst in the number of nodes.
template <class Scalar>
constexpr memory_plan plan_memory(const detail::run_graph<Scalar>& graph, std::span<const shape> shapes,
                                  bool backward) {
  const int count = graph.size();
  const int end = 2 * count;  // node i runs forward at time i, backward at time end - 1 - i
  detail::slot_planner slots(2 * count);
  const auto gradient = [&](int i) { return count + i; };

  constexpr_vector<int> readers(count), last_reader(count);
  for (int i = 0; i < count; ++i) last_reader[i] = i;
  for (int i = 0; i < count; ++i) {
    for (int source : graph.reads(i)) {
      ++readers[source];
      last_reader[source] = i;
    }
  }
  for (int i = 0; i < count; ++i) {
    const shape& s = shapes[static_cast<std::size_t>(i)];
    detail::slot_planner::slot& value = slots[i];
    value.used = true;
    value.channels = s.channels;
    value.pixels = std::int64_t{s.height} * s.width;
    value.born = i;
    value.dies = last_reader[i];
    if (graph.at(i).kept) value.dies = end;
    if (!backward) continue;
    if (graph.at(i).backward_reads_output && end - 1 - i > value.dies) value.dies = end - 1 - i;
    detail::slot_planner::slot& g = slots[gradient(i)];
    g = value;
    g.born = end - 1 - last_reader[i];
    g.dies = graph.at(i).is_input ? end : end - 1 - i;
  }
  for (int exit : graph.exits) {
    slots[exit].dies = end;
    ++readers[exit];
  }
  if (backward) {
    for (int i = 0; i < count; ++i) {
      if (!graph.at(i).backward_reads_inputs) continue;
      for (int source : graph.inputs(i)) {
        if (end - 1 - i > slots[source].dies) slots[source].dies = end - 1 - i;
      }
    }
  }

  // Activations take the place of what they alone read.
  for (int i = 0; i < count; ++i) {
    if (!graph.at(i).in_place || graph.inputs(i).empty()) continue;
    const int source = graph.inputs(i)[0];
    const auto& from = graph.at(source);
    if (readers[source] != 1 || from.is_input || from.kept || from.concatenates) continue;
    if (shapes[static_cast<std::size_t>(source)] != shapes[static_cast<std::size_t>(i)]) continue;
    if (backward && (from.backward_reads_output || graph.at(i).backward_reads_inputs ||
                     !graph.at(i).overwrites_gradients))
      continue;
    slots.put_into(source, i, 0);
    if (backward) slots.put_into(gradient(source), gradient(i), 0);
  }

  // What is concatenated is produced in its slice.
  for (int i = 0; i < count; ++i) {
    if (!graph.at(i).concatenates) continue;
    int first = 0;
    for (int source : graph.inputs(i)) {
      const int channels = shapes[static_cast<std::size_t>(source)].channels;
      for (int half = 0; half < (backward ? 2 : 1); ++half) {
        const int whole = half * count + i;
        const int part = slots.root(half * count + source);
        // A gradient that others add to later must not be written before this node's own.
        if (half == 1 && last_reader[source] != i) continue;
        if (half == 1 && graph.at(source).is_input) continue;
        if (half == 0 && graph.at(source).is_input && readers[source] > 1) continue;
        if (part == slots.root(whole) || slots[part].pixels != slots[whole].pixels ||
            slots[part].channels != channels)
          continue;
        slots.put_into(part, whole, first);
      }
      first += channels;
    }
  }

  memory_plan plan;
  for (int i = 0; i < 2 * count; ++i) {
    if (slots[i].used) plan.size_without_sharing += detail::slot_planner::size(slots[i]);
  }
  plan.size = slots.assign();
  for (int i = 0; i < count; ++i) {
    plan.values.push_back(slots.place(i));
    if (backward) plan.gradients.push_back(slots.place(gradient(i)));
  }
  return plan;
}

}  // namespace lookalike

#pragma once

/// \file
/// A network whose architecture the compiler knows. It infers shapes and fuses layers during compilation;
/// what is left at run time are tables and the kernels they name. A mistake of composition is a compile error
/// whose first line names the layer and what it expects. A definition is a struct, so that names in the
/// program stay short however large the network:
///
///     struct segmentation {
///       static constexpr architecture define() { return input(3) | unet(4, 64, block) | conv(2, {.kernel =
///       1}); }
///     };
///     model<segmentation> net;
///     auto pass = net.forward(pictures, {.training = true});
///     net.get<"encoder.conv0.weight">();   // a view of 64 x 3 x 3 x 3; a misspelt name does not compile

#include <array>
#include <cstddef>
#include <memory>
#include <string_view>
#include <utility>

#include <lookalike/core/static_text.hpp>
#include <lookalike/nn/network.hpp>

namespace lookalike {

/// A view of a parameter whose dimensions (in PyTorch's order) the compiler knows.
template <class Scalar, std::int64_t... Dimensions>
struct parameter_view {
  static constexpr std::array<std::int64_t, sizeof...(Dimensions)> dimensions{Dimensions...};
  Scalar* data = nullptr;

  static constexpr std::int64_t size() { return (Dimensions * ... * 1); }
  constexpr Scalar* begin() const { return data; }
  constexpr Scalar* end() const { return data + size(); }
  /// The number at these indices, one for each dimension.
  template <class... Indices>
  constexpr Scalar& operator()(Indices... indices) const {
    static_assert(sizeof...(Indices) == sizeof...(Dimensions), "one index for each dimension");
    std::int64_t at = 0;
    ((at = at * Dimensions + static_cast<std::int64_t>(indices)), ...);
    return data[at];
  }
};

namespace detail {

template <class Value, int Count>
constexpr std::array<Value, static_cast<std::size_t>(Count)> frozen(const constexpr_vector<Value>& values) {
  std::array<Value, static_cast<std::size_t>(Count)> result{};
  for (std::size_t i = 0; i < result.size(); ++i) result[i] = values[static_cast<int>(i)];
  return result;
}

struct lowering_sizes {
  int nodes = 0, edges = 0, numbers = 0, exits = 0;
  int fused_nodes = 0, fused_edges = 0;
  int slots = 0, inputs = 0, text = 0, parts = 0;
  std::int64_t parameter_count = 0;
  std::int64_t trainable_count = 0;
};

/// The tables of a definition. Everything is a constant; only what a program refers to ends up in it.
template <class Definition, class Scalar, int Height, int Width>
struct static_tables {
  struct summary {
    lowering_sizes sizes;
    diagnosis problem;
  };
  static constexpr summary first_look = [] {
    const lowering low = lower(Definition::define(), Height, Width);
    summary s;
    s.problem = low.problem;
    if (s.problem.failed()) return s;
    s.sizes = {low.graph.nodes.size(),
               low.graph.edges.size(),
               low.graph.numbers.size(),
               low.graph.exits.size(),
               low.fused.graph.nodes.size(),
               low.fused.graph.edges.size(),
               low.slots.size(),
               low.inputs.size(),
               low.text.size(),
               low.parts.size(),
               low.parameter_count,
               low.trainable_count};
    return s;
  }();
  static constexpr lowering_sizes sizes = first_look.sizes;
  struct sentence_of {
    static constexpr static_sentence text() { return first_look.problem.text(); }
  };
  static constexpr bool fits = check_composition<!first_look.problem.failed(), sentence_of>();

  static constexpr std::size_t count = static_cast<std::size_t>(sizes.nodes);
  static constexpr std::size_t fused_count = static_cast<std::size_t>(sizes.fused_nodes);

  // What `lower` found, as arrays. Never referred to by a running program: it names the rules of all layers.
  struct tables {
    std::array<run_node<Scalar>, count> nodes{};
    std::array<run_node<Scalar>, fused_count> fused_nodes{};
    std::array<backward_function<Scalar>, count> backward{};
    std::array<int, static_cast<std::size_t>(sizes.edges)> edges{};
    std::array<int, static_cast<std::size_t>(sizes.fused_edges)> fused_edges{};
    std::array<double, static_cast<std::size_t>(sizes.numbers)> numbers{};
    std::array<int, static_cast<std::size_t>(sizes.exits)> exits{}, fused_exits{};
    std::array<int, count> value_of{};
    std::array<parameter_slot, static_cast<std::size_t>(sizes.slots)> slots{};
    std::array<pool_range, count> slots_of{}, names{};
    std::array<int, static_cast<std::size_t>(sizes.inputs)> inputs{};
    std::array<char, static_cast<std::size_t>(sizes.text)> text{};
    std::array<named_part, static_cast<std::size_t>(sizes.parts)> parts{};
    std::array<shape, count> shapes{};
  };
  static constexpr tables all = [] {
    tables t;
    if (first_look.problem.failed()) return t;
    const lowering low = lower(Definition::define(), Height, Width);
    const architecture_view graph(low.graph);
    const architecture_view fused(low.fused.graph);
    for (std::size_t i = 0; i < count; ++i) {
      t.nodes[i] = make_run_node<Scalar>(graph, static_cast<int>(i), graph, low.slots_of.view());
      t.backward[i] = graph.nodes[i].rules->template backward<Scalar>();
    }
    for (std::size_t i = 0; i < fused_count; ++i)
      t.fused_nodes[i] = make_run_node<Scalar>(fused, static_cast<int>(i), graph, low.slots_of.view());
    t.edges = frozen<int, sizes.edges>(low.graph.edges);
    t.fused_edges = frozen<int, sizes.fused_edges>(low.fused.graph.edges);
    t.numbers = frozen<double, sizes.numbers>(low.graph.numbers);
    t.exits = frozen<int, sizes.exits>(low.graph.exits);
    t.fused_exits = frozen<int, sizes.exits>(low.fused.graph.exits);
    t.value_of = frozen<int, sizes.nodes>(low.fused.value_of);
    t.slots = frozen<parameter_slot, sizes.slots>(low.slots);
    t.slots_of = frozen<pool_range, sizes.nodes>(low.slots_of);
    t.names = frozen<pool_range, sizes.nodes>(low.names);
    t.inputs = frozen<int, sizes.inputs>(low.inputs);
    t.text = frozen<char, sizes.text>(low.text);
    t.parts = frozen<named_part, sizes.parts>(low.parts);
    t.shapes = frozen<shape, sizes.nodes>(low.shapes);
    return t;
  }();

  static constexpr auto nodes = all.nodes;
  static constexpr auto fused_nodes = all.fused_nodes;
  static constexpr auto backward = all.backward;
  static constexpr auto edges = all.edges;
  static constexpr auto fused_edges = all.fused_edges;
  static constexpr auto numbers = all.numbers;
  static constexpr auto exits = all.exits;
  static constexpr auto fused_exits = all.fused_exits;
  static constexpr auto value_of = all.value_of;
  static constexpr auto slots = all.slots;
  static constexpr auto slots_of = all.slots_of;
  static constexpr auto names = all.names;
  static constexpr auto inputs = all.inputs;
  static constexpr auto text = all.text;
  static constexpr auto parts = all.parts;
  static constexpr auto shapes = all.shapes;

  static constexpr detail::program<Scalar> program = [] {
    detail::program<Scalar> p;
    p.graph = {nodes, edges, numbers, exits};
    p.fused = {fused_nodes, fused_edges, numbers, fused_exits};
    p.value_of = value_of;
    p.backward = backward;
    p.slots = slots;
    p.slots_of = slots_of;
    p.parameter_count = sizes.parameter_count;
    p.inputs = inputs;
    p.text = text;
    p.names = names;
    p.parts = parts;
    p.shapes = shapes;
    return p;
  }();

  /// The row of the parameter that is called `name`; -1 where there is none.
  static constexpr int find_parameter(std::string_view name) {
    for (std::size_t k = 0; k < all.slots.size(); ++k) {
      const parameter_slot& slot = all.slots[k];
      const std::string_view node = program.name(slot.node);
      if (name.size() == node.size() + 1 + slot.declared.name.size() && name.starts_with(node) &&
          name.ends_with(slot.declared.name) && name[node.size()] == '.')
        return static_cast<int>(k);
    }
    return -1;
  }

  // Where all extents are known, so is the memory plan of inference.
  static constexpr bool extents_known = [] {
    bool known = count > 0;
    for (const shape& s : all.shapes) known = known && s.is_static();
    return known;
  }();
  struct static_plan {
    std::array<value_place, fused_count> values{};
    std::int64_t size = 0;
    std::int64_t size_without_sharing = 0;
  };
  static constexpr std::array<shape, fused_count> fused_shapes = [] {
    std::array<shape, fused_count> result{};
    for (std::size_t i = 0; i < fused_count; ++i)
      result[i] = all.shapes[static_cast<std::size_t>(all.fused_nodes[i].source)];
    return result;
  }();
  static constexpr static_plan plan() {
    const memory_plan made = plan_memory(program.fused, std::span<const shape>(fused_shapes), false);
    static_plan p;
    for (std::size_t i = 0; i < fused_count; ++i) p.values[i] = made.values[static_cast<int>(i)];
    p.size = made.size;
    p.size_without_sharing = made.size_without_sharing;
    return p;
  }
};

template <static_text Name>
struct no_such_parameter {
  static constexpr static_sentence text() {
    static_sentence s;
    return s << "model: no parameter is called '" << std::string_view(Name) << "'";
  }
};

}  // namespace detail

/// The network that `Definition::define()` describes, with parameters of its own. `Height` and `Width` hold
/// for inputs that do not say theirs; where they are `dynamic` every picture may have another size, and plans
/// are made and kept as sizes come. Bit for bit the same results as `dynamic_model` of the same architecture.
template <class Definition, class Scalar = float, int Height = dynamic, int Width = dynamic>
class model : public network<Scalar> {
  using tables = detail::static_tables<Definition, Scalar, Height, Width>;
  static_assert(tables::fits);

 public:
  using definition = Definition;
  /// How many numbers are learned.
  static constexpr std::int64_t static_parameter_count = tables::sizes.trainable_count;

  model() {
    this->set_program(
        std::shared_ptr<const detail::program<Scalar>>(std::shared_ptr<void>(), &tables::program));
    if constexpr (tables::extents_known) {
      static constexpr auto known = tables::plan();
      auto plan = std::make_shared<detail::planned_run>();
      for (int input : tables::inputs)
        plan->inputs.push_back(tables::shapes[static_cast<std::size_t>(input)]);
      plan->fused = true;
      plan->shapes.assign(tables::fused_shapes.begin(), tables::fused_shapes.end());
      for (const value_place& p : known.values) plan->memory.values.push_back(p);
      plan->memory.size = known.size;
      plan->memory.size_without_sharing = known.size_without_sharing;
      this->keep_plan(std::move(plan));
    }
  }

  /// The parameter of that full name, as a view that knows its dimensions.
  template <static_text Name>
  auto get() {
    return view<Name, Scalar>(this->values().data());
  }
  template <static_text Name>
  auto get() const {
    return view<Name, const Scalar>(this->values().data());
  }

  /// Extents that come out of output `i` (`dynamic` where they depend on the input's).
  static constexpr shape static_output_shape(std::size_t i = 0) {
    return tables::shapes[static_cast<std::size_t>(tables::exits[i])];
  }

 private:
  template <static_text Name, class Value>
  static auto view(Value* block) {
    constexpr int at = tables::find_parameter(Name);
    static_assert(check_composition<(at >= 0), detail::no_such_parameter<Name>>());
    if constexpr (at >= 0) {
      constexpr detail::parameter_slot slot = tables::slots[static_cast<std::size_t>(at)];
      return [&]<std::size_t... Axis>(std::index_sequence<Axis...>) {
        return parameter_view<Value, slot.declared.dimensions[Axis]...>{block + slot.offset};
      }
      (std::make_index_sequence<static_cast<std::size_t>(slot.declared.rank)>{});
    }
  }
};

}  // namespace lookalike

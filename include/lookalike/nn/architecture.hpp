#pragma once

/// \file
/// A network as a value. An `architecture` is a recipe: a flat list of nodes, each a layer with its options
/// and with edges to the nodes it reads, and the names around them. It is an ordinary `constexpr` value
/// without parameters, made by layers (nn/layers.hpp) and combinators (nn/combinators.hpp), so loops, ifs and
/// recursion make networks, at compile time and at run time alike. `model` and `dynamic_model` run it.

#include <cstdint>
#include <span>
#include <string_view>

#include <lookalike/core/constexpr_vector.hpp>
#include <lookalike/nn/layer.hpp>

namespace lookalike {

/// An edge that is not tied yet: whatever comes in from the left of `|`.
inline constexpr int incoming = -1;

/// Part of one of an architecture's pools.
struct pool_range {
  int first = 0;
  int count = 0;
  friend constexpr bool operator==(const pool_range&, const pool_range&) = default;
};

/// One layer of a network.
struct node {
  const layer_rules* rules = nullptr;
  pool_range attributes;  ///< into `architecture::numbers`
  pool_range edges;       ///< into `architecture::edges`
  pool_range text;        ///< into `architecture::characters`: what `from` refers to, an input's name
  int scope = -1;
  // Set by passes:
  int ordinal = 0;         ///< among the nodes of its kind in its scope
  int source = -1;         ///< before fusion
  int normalization = -1;  ///< source of the batch normalization that was fused in
  int addition = -1;       ///< source of the addition; its other operand is the last edge
  int activation = -1;     ///< source of the activation
  bool kept = false;       ///< exposed

  constexpr bool is(const layer_rules& other) const { return rules->kind == other.kind; }
  friend constexpr bool operator==(const node& a, const node& b) {
    return a.is(*b.rules) && a.attributes == b.attributes && a.edges == b.edges && a.text == b.text &&
           a.scope == b.scope;
  }
};

/// A name around a part of a network.
struct name_scope {
  pool_range name;
  int parent = -1;
  bool shared = false;  ///< all scopes of this full name have the same parameters
  pool_range exits;     ///< into `architecture::edges`: what the part yields
  friend constexpr bool operator==(const name_scope&, const name_scope&) = default;
};

/// The recipe of a network. `architecture{}` hands on what comes in.
struct architecture {
  constexpr_vector<node> nodes;  ///< in an order in which they can run
  constexpr_vector<int> edges;
  constexpr_vector<double> numbers;
  constexpr_vector<char> characters;
  constexpr_vector<name_scope> scopes;
  constexpr_vector<pool_range> exposed;   ///< names of what must be kept in inference
  constexpr_vector<int> exits{incoming};  ///< the list of tensors that comes out

  friend constexpr bool operator==(const architecture&, const architecture&) = default;
};

/// What the passes read: an architecture, or the arrays that a `model` keeps of one.
struct architecture_view {
  std::span<const node> nodes;
  std::span<const int> edges;
  std::span<const double> numbers;
  std::span<const char> characters;
  std::span<const name_scope> scopes;
  std::span<const pool_range> exposed;
  std::span<const int> exits;

  constexpr architecture_view() = default;
  constexpr architecture_view(const architecture& a)
      : nodes(a.nodes.view()),
        edges(a.edges.view()),
        numbers(a.numbers.view()),
        characters(a.characters.view()),
        scopes(a.scopes.view()),
        exposed(a.exposed.view()),
        exits(a.exits.view()) {}

  constexpr int size() const { return static_cast<int>(nodes.size()); }
  constexpr const node& at(int i) const { return nodes[static_cast<std::size_t>(i)]; }
  constexpr std::string_view text(pool_range r) const {
    return r.count == 0 ? std::string_view()
                        : std::string_view(characters.data() + r.first, static_cast<std::size_t>(r.count));
  }
  constexpr std::span<const int> range(pool_range r) const {
    return edges.subspan(static_cast<std::size_t>(r.first), static_cast<std::size_t>(r.count));
  }
  /// The nodes that node `i` reads.
  constexpr std::span<const int> inputs(int i) const { return range(at(i).edges); }
  constexpr layer_rules::instance instance(int i) const {
    const node& n = at(i);
    return {numbers.subspan(static_cast<std::size_t>(n.attributes.first),
                            static_cast<std::size_t>(n.attributes.count)),
            n.rules->context};
  }
};

// ---- making architectures
// ----------------------------------------------------------------------------------

namespace detail {

template <class Value, class Range>
constexpr pool_range append(constexpr_vector<Value>& pool, const Range& values) {
  const int first = pool.size();
  for (const auto& value : values) pool.push_back(value);
  return {first, pool.size() - first};
}

/// Copies `body` behind what `a` has. Its loose edges are tied to `feed`, its outermost scopes put into
/// `scope`. Returns what it yields.
constexpr constexpr_vector<int> splice(architecture& a, const architecture& body,
                                       const constexpr_vector<int>& feed, int scope = -1) {
  const int node_base = a.nodes.size();
  const int scope_base = a.scopes.size();
  const int number_base = a.numbers.size();
  const int character_base = a.characters.size();
  const auto tie = [&](std::span<const int> edges) {
    constexpr_vector<int> tied;
    for (int edge : edges) {
      if (edge == incoming) {
        for (int source : feed) tied.push_back(source);
      } else {
        tied.push_back(edge + node_base);
      }
    }
    return tied;
  };
  const architecture_view view(body);

  append(a.characters, body.characters);
  append(a.numbers, body.numbers);
  a.scopes.reserve(scope_base + body.scopes.size());
  for (const name_scope& s : body.scopes) {
    name_scope moved = s;
    moved.name.first += character_base;
    moved.parent = s.parent < 0 ? scope : s.parent + scope_base;
    moved.exits = append(a.edges, tie(view.range(s.exits)));
    a.scopes.push_back(moved);
  }
  a.nodes.reserve(node_base + body.nodes.size());
  for (int i = 0; i < body.nodes.size(); ++i) {
    node moved = body.nodes[i];
    moved.attributes.first += number_base;
    moved.text.first += character_base;
    moved.scope = moved.scope < 0 ? scope : moved.scope + scope_base;
    moved.edges = append(a.edges, tie(view.inputs(i)));
    a.nodes.push_back(moved);
  }
  for (pool_range name : body.exposed) a.exposed.push_back({name.first + character_base, name.count});
  return tie(body.exits.view());
}

/// One node that reads `edges`.
constexpr architecture single_node(const layer_rules& rules, std::span<const double> attributes,
                                   const constexpr_vector<int>& edges, std::string_view text = {}) {
  architecture a;
  node n;
  n.rules = &rules;
  n.attributes = append(a.numbers, attributes);
  n.edges = append(a.edges, edges);
  n.text = append(a.characters, text);
  a.nodes.push_back(n);
  a.exits = {0};
  return a;
}

}  // namespace detail

/// One layer as an architecture. `layer(my_layer{.option = 3})` is how a layer of one's own enters a network;
/// those of the library have functions of their own: `conv(64)`, `relu()`.
template <class Layer>
constexpr architecture layer(const Layer& l) {
  const auto numbers = detail::to_numbers(l);
  return detail::single_node(rules_of<Layer>, numbers, {incoming});
}

/// One layer that exists only at run time; `rules` must outlive all that is made of it.
constexpr architecture layer(const layer_rules& rules, std::span<const double> attributes = {}) {
  return detail::single_node(rules, attributes, {incoming});
}

}  // namespace lookalike

#pragma once

/// \file
/// A network as a value. An `architecture` is a recipe: a flat list of nodes, each a layer with its options
/// and with edges to the nodes it reads, and the names around them. It is an ordinary `constexpr` value
/// without parameters, made by layers (nn/layers.hpp) and combinators (nn/combinators.hpp), so loops, ifs and
/// recursion make networks, at compile time and at run time alike. `model` and `dynamic_model` run it.

#include <cstdint>
#include <span>
#include <string_view>
#include <type_traits>

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
};

/// A name around a part of a network.
struct name_scope {
  pool_range name;
  int parent = -1;
  bool shared = false;  ///< all scopes of this full name have the same parameters
  pool_range exits;     ///< into `architecture::edges`: what the part yields
};

/// The name of something that must be kept in inference, and the scope in which it was said.
struct exposed_name {
  pool_range name;
  int scope = -1;
};

/// The recipe of a network. `architecture{}` hands on what comes in.
struct architecture {
  constexpr_vector<node> nodes;  ///< in an order in which they can run
  constexpr_vector<int> edges;
  constexpr_vector<double> numbers;
  constexpr_vector<char> characters;
  constexpr_vector<name_scope> scopes;
  constexpr_vector<exposed_name> exposed;
  constexpr_vector<int> exits{incoming};  ///< the list of tensors that comes out

  /// Whether both are the same network: the same layers with the same options, edges and names, in the same
  /// order, however they were put together. Layers count as the same where their kinds are called the same.
  friend constexpr bool operator==(const architecture& a, const architecture& b);
};

/// What the passes read: an architecture, or the arrays that a `model` keeps of one.
struct architecture_view {
  std::span<const node> nodes;
  std::span<const int> edges;
  std::span<const double> numbers;
  std::span<const char> characters;
  std::span<const name_scope> scopes;
  std::span<const exposed_name> exposed;
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

constexpr bool operator==(const architecture& left, const architecture& right) {
  const architecture_view a(left);
  const architecture_view b(right);
  const auto equal = [](const auto& x, const auto& y) {
    if (x.size() != y.size()) return false;
    for (std::size_t i = 0; i < x.size(); ++i) {
      if (!(x[i] == y[i])) return false;
    }
    return true;
  };
  if (a.nodes.size() != b.nodes.size() || a.scopes.size() != b.scopes.size() ||
      a.exposed.size() != b.exposed.size() || !equal(a.exits, b.exits))
    return false;
  for (int i = 0; i < a.size(); ++i) {
    const node& x = a.at(i);
    const node& y = b.at(i);
    if (!x.is(*y.rules) || x.scope != y.scope || a.text(x.text) != b.text(y.text) ||
        !equal(a.inputs(i), b.inputs(i)) || !equal(a.instance(i).attributes, b.instance(i).attributes))
      return false;
  }
  for (std::size_t s = 0; s < a.scopes.size(); ++s) {
    const name_scope& x = a.scopes[s];
    const name_scope& y = b.scopes[s];
    if (x.parent != y.parent || x.shared != y.shared || a.text(x.name) != b.text(y.name) ||
        !equal(a.range(x.exits), b.range(y.exits)))
      return false;
  }
  for (std::size_t e = 0; e < a.exposed.size(); ++e) {
    if (a.exposed[e].scope != b.exposed[e].scope || a.text(a.exposed[e].name) != b.text(b.exposed[e].name))
      return false;
  }
  return true;
}

// ---- making architectures
// ----------------------------------------------------------------------------------

namespace detail {

template <class Value>
constexpr pool_range append(constexpr_vector<Value>& pool,
                            std::span<const std::type_identity_t<Value>> values) {
  const int first = pool.size();
  pool.append(values.data(), static_cast<int>(values.size()));
  return {first, static_cast<int>(values.size())};
}
template <class Value>
constexpr pool_range append(constexpr_vector<Value>& pool, const constexpr_vector<Value>& values) {
  return append(pool, values.view());
}
constexpr pool_range append(constexpr_vector<char>& pool, std::string_view text) {
  return append(pool, std::span<const char>(text.data(), text.size()));
}

/// Copies `body` behind what `a` has. Its loose edges are tied to `feed`, its outermost scopes put into
/// `scope`. Returns what it yields.
constexpr constexpr_vector<int> splice(architecture& a, const architecture& body,
                                       const constexpr_vector<int>& feed, int scope = -1) {
  const int node_base = a.nodes.size();
  const int scope_base = a.scopes.size();
  const int number_base = a.numbers.size();
  const int character_base = a.characters.size();
  // Written without small functions: a compiler that evaluates this spends its time on calls.
  const int* feeds = feed.begin();
  const int feed_count = feed.size();
  const int* edges = body.edges.begin();
  const auto tie = [&](pool_range range, const int* from, constexpr_vector<int>& to) {
    const int first = to.size();
    for (int i = range.first; i < range.first + range.count; ++i) {
      if (from[i] == incoming) {
        to.append(feeds, feed_count);
      } else {
        to.push_back(from[i] + node_base);
      }
    }
    return pool_range{first, to.size() - first};
  };

  append(a.characters, body.characters);
  append(a.numbers, body.numbers);
  a.scopes.append(body.scopes.begin(), body.scopes.size());
  for (int i = scope_base; i < scope_base + body.scopes.size(); ++i) {
    name_scope& moved = a.scopes[i];
    moved.name.first += character_base;
    moved.parent = moved.parent < 0 ? scope : moved.parent + scope_base;
    moved.exits = tie(moved.exits, edges, a.edges);
  }
  a.nodes.append(body.nodes.begin(), body.nodes.size());
  node* moved = a.nodes.begin() + node_base;
  for (node* end = moved + body.nodes.size(); moved != end; ++moved) {
    moved->attributes.first += number_base;
    moved->text.first += character_base;
    moved->scope = moved->scope < 0 ? scope : moved->scope + scope_base;
    moved->edges = tie(moved->edges, edges, a.edges);
  }
  for (exposed_name e : body.exposed) {
    e.name.first += character_base;
    e.scope = e.scope < 0 ? scope : e.scope + scope_base;
    a.exposed.push_back(e);
  }
  constexpr_vector<int> exits;
  tie({0, body.exits.size()}, body.exits.begin(), exits);
  return exits;
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
  constexpr_vector<int> edges;
  if (rules_of<Layer>.inputs != 0) edges.push_back(incoming);
  return detail::single_node(rules_of<Layer>, numbers, edges);
}

/// One layer that exists only at run time; `rules` must outlive all that is made of it.
constexpr architecture layer(const layer_rules& rules, std::span<const double> attributes = {}) {
  constexpr_vector<int> edges;
  if (rules.inputs != 0) edges.push_back(incoming);
  return detail::single_node(rules, attributes, edges);
}

}  // namespace lookalike

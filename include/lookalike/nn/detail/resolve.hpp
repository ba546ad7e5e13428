#pragma once

/// \file
/// From what a person wrote to what can run: names become edges, several inputs of a layer that takes one are
/// concatenated, and what cannot be tied is reported.

#include <string_view>
#include <utility>

#include <lookalike/nn/combinators.hpp>
#include <lookalike/nn/layers/concat.hpp>
#include <lookalike/nn/names.hpp>

namespace lookalike::detail {

/// An architecture whose edges all lead to earlier nodes, or what is wrong with it.
struct resolved_architecture {
  architecture graph;
  diagnosis problem;
};

/// What `from` node `i` refers to: edges into the architecture, none where there is no such part.
constexpr constexpr_vector<int> referred_edges(const architecture_view& a, int i) {
  const std::string_view path = a.text(a.at(i).text);
  constexpr_vector<int> found;
  for (int base = a.at(i).scope;; base = a.scopes[static_cast<std::size_t>(base)].parent) {
    for (int s = static_cast<int>(a.scopes.size()) - 1; s >= 0; --s) {
      if (!scope_has_path(a, s, base, path)) continue;
      bool earlier = true;
      const std::span<const int> exits = a.range(a.scopes[static_cast<std::size_t>(s)].exits);
      for (int exit : exits) earlier = earlier && exit != incoming && exit < i;
      if (!earlier) continue;
      for (int exit : exits) found.push_back(exit);
      return found;
    }
    for (int j = i - 1; j >= 0; --j) {
      if (a.at(j).is(rules_of<from_layer>) || !node_has_path(a, j, base, path)) continue;
      found.push_back(j);
      return found;
    }
    if (base < 0) return found;
  }
}

/// Marks the nodes that `expose` names: looked for in the scopes around, inner ones first.
constexpr bool mark_kept(architecture& a, const exposed_name& e) {
  const architecture_view view(a);
  const std::string_view path = view.text(e.name);
  for (int base = e.scope;; base = a.scopes[base].parent) {
    for (int s = a.scopes.size() - 1; s >= 0; --s) {
      if (!scope_has_path(view, s, base, path)) continue;
      for (int exit : view.range(a.scopes[s].exits)) a.nodes[exit].kept = true;
      return true;
    }
    for (int i = a.nodes.size() - 1; i >= 0; --i) {
      if (!node_has_path(view, i, base, path)) continue;
      a.nodes[i].kept = true;
      return true;
    }
    if (base < 0) return false;
  }
}

constexpr void report_inputs(diagnosis& problem, const static_sentence& name, int wanted, int given) {
  if (wanted == any_number) {
    problem << name << ": expects 1 or more inputs, given " << given;
  } else {
    problem << name << ": expects " << wanted << (wanted == 1 ? " input" : " inputs") << ", given " << given;
  }
}

/// No two nodes may have the same full name, unless both are parts of something `shared`, and no node may be
/// called like a scope.
constexpr void check_names(const architecture_view& a, diagnosis& problem) {
  const constexpr_vector<std::uint64_t> scopes = scope_hashes(a);
  constexpr_vector<char> in_shared;
  for (const name_scope& s : a.scopes)
    in_shared.push_back(s.shared || (s.parent >= 0 && in_shared[s.parent]) ? 1 : 0);
  int buckets = 16;
  while (buckets < 4 * a.size()) buckets *= 2;
  constexpr_vector<int> table(buckets);  // node + 1
  constexpr_vector<std::uint64_t> hashes(a.size());
  const auto bucket = [&](std::uint64_t at) {
    return static_cast<int>(at % static_cast<std::uint64_t>(buckets));
  };
  for (int i = 0; i < a.size(); ++i) {
    const node& n = a.at(i);
    if (n.ordinal == implicit_concat) continue;
    const std::uint64_t hash = node_hash(a, i, n.scope < 0 ? hash_of_nothing : scopes[n.scope]);
    hashes[i] = hash;
    for (std::uint64_t at = hash;; ++at) {
      int& slot = table[bucket(at)];
      if (slot == 0) {
        slot = i + 1;
        break;
      }
      const int other = slot - 1;
      if (hashes[other] != hash) continue;
      const static_sentence name = node_name(a, i);
      if (node_name(a, other).view() != name.view()) continue;
      const auto is_shared = [&](const node& x) { return x.scope >= 0 && in_shared[x.scope] != 0; };
      if (is_shared(n) && is_shared(a.at(other))) break;
      problem << name << ": this name comes twice; expects another name around one of them, or shared(...)";
      return;
    }
  }
  for (int s = 0; s < static_cast<int>(a.scopes.size()); ++s) {
    const name_scope& scope = a.scopes[static_cast<std::size_t>(s)];
    const std::string_view own = a.text(scope.name);
    const std::uint64_t hash = mix_text(scope.parent < 0 ? hash_of_nothing : scopes[scope.parent], own);
    for (std::uint64_t at = hash; table[bucket(at)] != 0; ++at) {
      const int i = table[bucket(at)] - 1;
      if (hashes[i] != hash) continue;
      static_sentence path;
      append_scope(a, scope.parent, path);
      path << own;
      if (node_name(a, i).view() != path.view()) continue;
      problem << path << ": both a layer and a part have this name; expects another name for the part";
      return;
    }
  }
}

constexpr resolved_architecture resolve(architecture a) {
  resolved_architecture result;
  diagnosis& problem = result.problem;
  number_nodes(a);
  const architecture_view before(a);
  for (const name_scope& s : a.scopes) {
    if (s.name.count > 0) continue;
    problem << "named: expects a name, given ''";
    return result;
  }

  // Where each node goes, and what reading it means.
  const int count = a.nodes.size();
  constexpr_vector<constexpr_vector<int>> reads(count);
  architecture& graph = result.graph;
  graph.exits = {};
  graph.numbers = a.numbers;
  graph.characters = a.characters;
  graph.scopes = a.scopes;
  const auto tie = [&](std::span<const int> edges, int reader) {
    constexpr_vector<int> tied;
    for (int edge : edges) {
      if (edge == incoming) {
        if (!problem.failed()) {
          if (reader >= 0) problem << node_name(before, reader) << ": ";
          problem << "nothing comes in; a network begins with input(channels)";
        }
        return tied;
      }
      for (int source : reads[edge]) tied.push_back(source);
    }
    return tied;
  };
  for (int i = 0; i < count && !problem.failed(); ++i) {
    node n = a.nodes[i];
    if (n.is(rules_of<from_layer>)) {
      const constexpr_vector<int> found = referred_edges(before, i);
      if (found.empty()) {
        static_sentence scope;
        append_scope(before, n.scope, scope);
        problem << scope << "from: expects the name of a part before it, given '" << before.text(n.text)
                << "'";
      }
      for (int j : found)
        for (int source : reads[j]) reads[i].push_back(source);
      continue;
    }
    constexpr_vector<int> inputs = tie(before.inputs(i), i);
    if (problem.failed()) break;
    const int wanted = n.rules->inputs;
    if (wanted == 1 && inputs.size() > 1) {
      node join;
      join.rules = &rules_of<layers::concat>;
      join.scope = n.scope;
      join.ordinal = implicit_concat;
      join.edges = append(graph.edges, inputs);
      graph.nodes.push_back(join);
      inputs = {graph.nodes.size() - 1};
    }
    if (wanted == any_number ? inputs.empty() : inputs.size() != wanted)
      report_inputs(problem, node_name(before, i), wanted, inputs.size());
    n.edges = append(graph.edges, inputs);
    graph.nodes.push_back(n);
    reads[i].push_back(graph.nodes.size() - 1);
  }
  if (problem.failed()) return result;
  for (name_scope& s : graph.scopes) s.exits = append(graph.edges, tie(before.range(s.exits), -1));
  graph.exits = tie(before.exits, -1);
  bool begins = false;
  for (const node& n : graph.nodes) begins = begins || n.is(rules_of<input_layer>);
  if (!problem.failed() && !begins) problem << "the network has no input; it begins with input(channels)";
  if (!problem.failed() && graph.exits.empty()) problem << "the network yields nothing";
  if (problem.failed()) return result;
  for (int i = 0; i < graph.nodes.size(); ++i) graph.nodes[i].source = i;
  for (const exposed_name& e : a.exposed) {
    if (mark_kept(graph, e)) continue;
    static_sentence scope;
    append_scope(graph, e.scope, scope);
    problem << scope << "expose: expects the name of a part, given '" << architecture_view(graph).text(e.name)
            << "'";
    return result;
  }
  check_names(graph, problem);
  return result;
}

}  // namespace lookalike::detail

#pragma once

/// \file
/// What the nodes of an architecture are called. A node's full name is the path of the scopes around it, its
/// kind, and how many of that kind come before it in the same scope: `encoder.conv1`; inputs may have a name
/// of their own. An implicit concatenation is called after the layer that it feeds: `decoder.conv0.input`.

#include <cstdint>
#include <string_view>

#include <lookalike/core/static_text.hpp>
#include <lookalike/nn/architecture.hpp>

namespace lookalike {

namespace detail {

inline constexpr int implicit_concat = -1;  ///< as a node's ordinal

constexpr void append_scope(const architecture_view& a, int scope, static_sentence& name) {
  if (scope < 0) return;
  const name_scope& s = a.scopes[static_cast<std::size_t>(scope)];
  append_scope(a, s.parent, name);
  name << a.text(s.name) << std::string_view(".");
}

/// The last part of a node's name: "conv1".
constexpr static_sentence local_name(const architecture_view& a, int i) {
  static_sentence name;
  const node& n = a.at(i);
  if (n.text.count > 0 && n.rules->inputs == 0) return name << a.text(n.text);
  return name << n.rules->kind << n.ordinal;
}

/// Counts the nodes of each kind in each scope.
constexpr void number_nodes(architecture& a) {
  constexpr_vector<int> last(a.scopes.size() + 1);  // node + 1 of each scope; the first for those in none
  constexpr_vector<int> before(a.nodes.size());     // the node + 1 before in the same scope
  node* nodes = a.nodes.begin();
  for (int i = 0; i < a.nodes.size(); ++i) {
    int& newest = last[nodes[i].scope + 1];
    before[i] = newest;
    newest = i + 1;
    nodes[i].ordinal = 0;
    for (int j = before[i]; j > 0; j = before[j - 1]) {
      if (!nodes[j - 1].is(*nodes[i].rules)) continue;
      nodes[i].ordinal = nodes[j - 1].ordinal + 1;
      break;
    }
  }
}

constexpr std::uint64_t mix_text(std::uint64_t hash, std::string_view text) {  // FNV-1a
  for (char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
  return hash;
}

inline constexpr std::uint64_t hash_of_nothing = 0xcbf29ce484222325ULL;

/// An ordinal in decimal digits, of which the last `count` are used.
struct decimal {
  char digits[12]{};
  int count = 0;
  constexpr explicit decimal(int number) {
    do {
      digits[11 - count++] = static_cast<char>('0' + number % 10);
      number /= 10;
    } while (number > 0);
  }
  constexpr std::string_view view() const { return {digits + 12 - count, static_cast<std::size_t>(count)}; }
};

/// The hash of a node's full name, given that of the scope around it. No implicit concatenations.
constexpr std::uint64_t node_hash(const architecture_view& a, int i, std::uint64_t scope) {
  const node& n = a.at(i);
  if (n.text.count > 0 && n.rules->inputs == 0) return mix_text(scope, a.text(n.text));
  return mix_text(mix_text(scope, n.rules->kind), decimal(n.ordinal).view());
}

/// For each scope a hash of its full path.
constexpr constexpr_vector<std::uint64_t> scope_hashes(const architecture_view& a) {
  constexpr_vector<std::uint64_t> hashes;
  for (const name_scope& s : a.scopes) {
    const std::uint64_t before = s.parent < 0 ? hash_of_nothing : hashes[s.parent];
    hashes.push_back(mix_text(mix_text(before, a.text(s.name)), "."));
  }
  return hashes;
}

/// Whether the scope `s`, seen from the scope `base` around it, has the path `path`.
constexpr bool scope_has_path(const architecture_view& a, int s, int base, std::string_view path) {
  while (s >= 0) {
    const std::string_view name = a.text(a.scopes[static_cast<std::size_t>(s)].name);
    if (!path.ends_with(name)) return false;
    path.remove_suffix(name.size());
    s = a.scopes[static_cast<std::size_t>(s)].parent;
    if (path.empty()) return s == base;
    if (path.back() != '.') return false;
    path.remove_suffix(1);
  }
  return false;
}

/// Whether node `i`, seen from `base`, has the path `path`.
constexpr bool node_has_path(const architecture_view& a, int i, int base, std::string_view path) {
  constexpr std::string_view input = ".input";
  if (a.at(i).ordinal == implicit_concat) {
    if (!path.ends_with(input)) return false;
    path.remove_suffix(input.size());
    ++i;
  }
  const static_sentence local = local_name(a, i);
  if (!path.ends_with(local.view())) return false;
  path.remove_suffix(local.size());
  if (path.empty()) return a.at(i).scope == base;
  if (path.back() != '.') return false;
  path.remove_suffix(1);
  return scope_has_path(a, a.at(i).scope, base, path);
}

}  // namespace detail

/// The full name of node `i`.
constexpr static_sentence node_name(const architecture_view& a, int i) {
  const node& n = a.at(i);
  if (n.ordinal == detail::implicit_concat) return node_name(a, i + 1) << std::string_view(".input");
  static_sentence name;
  detail::append_scope(a, n.scope, name);
  return name << detail::local_name(a, i);
}

/// The node that is called `name`, or the one that the part called `name` ends with; -1 where there is none.
/// Where several are (shared parts), the last.
constexpr int find_node(const architecture_view& a, std::string_view name) {
  for (int i = a.size() - 1; i >= 0; --i) {
    if (detail::node_has_path(a, i, -1, name)) return i;
  }
  for (int s = static_cast<int>(a.scopes.size()) - 1; s >= 0; --s) {
    const name_scope& scope = a.scopes[static_cast<std::size_t>(s)];
    if (scope.exits.count == 1 && detail::scope_has_path(a, s, -1, name)) return a.range(scope.exits)[0];
  }
  return -1;
}

}  // namespace lookalike

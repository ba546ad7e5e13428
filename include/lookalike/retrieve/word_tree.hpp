#pragma once

/// \file
/// Nouns in a tree, each below a more general one: dog, carnivore, mammal, animal, ... entity. What labels
/// mean to each other, so that neighbors which disagree about the breed still agree about the animal.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include <lookalike/core/error.hpp>

namespace lookalike {

/// A handle of a tree that does not change: cheap to copy, shared. Nodes are numbers 0 ... size() - 1, in the
/// order in which their names came first.
class word_tree {
 public:
  /// From (child, parent) pairs of names; the same pair may come twice. Throws `value_error` when there is no
  /// pair, a name is empty, a node has two parents, or the nodes are not below one single root.
  explicit word_tree(std::span<const std::pair<std::string, std::string>> child_and_parent)
      : state_(std::make_shared<const state>(child_and_parent)) {}

  int size() const { return static_cast<int>(state_->names.size()); }
  int root() const { return state_->root; }
  const std::string& name(int node) const { return state_->names[checked(node)]; }
  /// -1 above the root.
  int parent(int node) const { return state_->parents[checked(node)]; }
  /// In the order of their numbers.
  const std::vector<int>& children(int node) const { return state_->children[checked(node)]; }
  /// Edges between a node and the root.
  int depth(int node) const { return state_->depths[checked(node)]; }

  /// The node of a name, -1 if there is none.
  int find(std::string_view name) const {
    const auto found = state_->numbers.find(std::string(name));
    return found == state_->numbers.end() ? -1 : found->second;
  }
  /// The same, but throws `value_error` if there is none.
  int node(std::string_view name) const {
    const int found = find(name);
    require(found >= 0, "word_tree: given '", name, "', wanted one of its ", size(), " names");
    return found;
  }

  /// The node, its parent, and so on to the root.
  std::vector<int> path_to_root(int node) const {
    std::vector<int> path;
    for (int at = static_cast<int>(checked(node)); at >= 0;
         at = state_->parents[static_cast<std::size_t>(at)])
      path.push_back(at);
    return path;
  }
  /// Whether `node` is `ancestor` or below it.
  bool is_within(int node, int ancestor) const {
    checked(ancestor);
    for (int at = static_cast<int>(checked(node)); at >= 0;
         at = state_->parents[static_cast<std::size_t>(at)])
      if (at == ancestor) return true;
    return false;
  }

 private:
  struct state {
    std::vector<std::string> names;
    std::vector<int> parents;
    std::vector<int> depths;
    std::vector<std::vector<int>> children;
    std::unordered_map<std::string, int> numbers;
    int root = -1;

    explicit state(std::span<const std::pair<std::string, std::string>> pairs) {
      require(!pairs.empty(), "word_tree: given no pairs, wanted at least one (child, parent)");
      for (const auto& [child_name, parent_name] : pairs) {
        require(!child_name.empty() && !parent_name.empty(), "word_tree: given the pair ('", child_name,
                "', '", parent_name, "'), wanted two names");
        const int child = number_of(child_name), parent = number_of(parent_name);
        int& known = parents[static_cast<std::size_t>(child)];
        require(known < 0 || known == parent, "word_tree: given two parents of '", child_name, "', '",
                known < 0 ? "" : names[static_cast<std::size_t>(known)], "' and '", parent_name,
                "', wanted one");
        known = parent;
      }
      depths.assign(names.size(), -1);
      for (std::size_t node = 0; node < names.size(); ++node) {
        // Up to the root or a node whose depth is known, and down again.
        std::vector<std::size_t> path;
        auto at = static_cast<std::int64_t>(node);
        while (at >= 0 && depths[static_cast<std::size_t>(at)] < 0) {
          require(path.size() < names.size(), "word_tree: given '", names[node],
                  "' below itself, wanted a tree");
          path.push_back(static_cast<std::size_t>(at));
          at = parents[static_cast<std::size_t>(at)];
        }
        if (at < 0 && !path.empty()) {
          require(root < 0, "word_tree: given two roots, '",
                  root < 0 ? "" : names[static_cast<std::size_t>(root)], "' and '", names[path.back()],
                  "', wanted one");
          root = static_cast<int>(path.back());
        }
        int depth = at < 0 ? -1 : depths[static_cast<std::size_t>(at)];
        for (auto back = path.rbegin(); back != path.rend(); ++back) depths[*back] = ++depth;
      }
      children.resize(names.size());
      for (std::size_t node = 0; node < names.size(); ++node)
        if (parents[node] >= 0)
          children[static_cast<std::size_t>(parents[node])].push_back(static_cast<int>(node));
    }

    int number_of(const std::string& name) {
      const auto [place, added] = numbers.try_emplace(name, static_cast<int>(names.size()));
      if (added) {
        names.push_back(name);
        parents.push_back(-1);
      }
      return place->second;
    }
  };

  std::size_t checked(int node) const {
    require(node >= 0 && node < size(), "word_tree: given the node ", node, ", wanted 0 to ", size() - 1);
    return static_cast<std::size_t>(node);
  }

  std::shared_ptr<const state> state_;
};

}  // namespace lookalike

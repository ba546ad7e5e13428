#pragma once

/// \file
/// What matches say together about a tree of nouns: each adds a vote to every node between its noun and the
/// root, so that a label can be chosen at any semantic level (A. Torralba, R. Fergus and W. Freeman: 80
/// million tiny images, PAMI 30(11), 2008, section 5.1).

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <utility>
#include <vector>

#include <lookalike/core/error.hpp>
#include <lookalike/retrieve/matches.hpp>
#include <lookalike/retrieve/word_tree.hpp>

namespace lookalike {

class tree_votes {
 public:
  explicit tree_votes(word_tree tree)
      : tree_(std::move(tree)),
        votes_(static_cast<std::size_t>(tree_.size()), 0),
        first_(votes_.size(), std::numeric_limits<int>::max()) {}

  /// One more match, whose noun is `node`; nearest matches first.
  void add(int node) {
    for (const int at : tree_.path_to_root(node)) {
      ++votes_[static_cast<std::size_t>(at)];
      first_[static_cast<std::size_t>(at)] = std::min(first_[static_cast<std::size_t>(at)], total_);
    }
    ++total_;
  }

  const word_tree& tree() const { return tree_; }
  /// Matches that have voted.
  int total() const { return total_; }
  /// Votes of all nodes.
  std::span<const int> votes() const { return votes_; }
  int votes(int node) const { return tree_.name(node), votes_[static_cast<std::size_t>(node)]; }
  /// Votes at a node, of all votes: its score. 0 before there is one.
  double share(int node) const { return total_ > 0 ? static_cast<double>(votes(node)) / total_ : 0.0; }

  /// Which of `nodes` has the most votes; of several, the one with the nearest match. -1 if none has any.
  int best(std::span<const int> nodes) const {
    int chosen = -1;
    for (const int node : nodes) {
      if (votes(node) == 0) continue;
      const auto rank = [&](int n) {
        return std::pair(-votes_[static_cast<std::size_t>(n)], first_[static_cast<std::size_t>(n)]);
      };
      if (chosen < 0 || rank(node) < rank(chosen)) chosen = node;
    }
    return chosen;
  }
  /// The best among the children of a node. -1 where no vote goes further down.
  int best_child(int node) const { return best(tree_.children(node)); }
  /// From the root down, always to the best child, as far as votes go. Empty before there is a vote.
  std::vector<int> best_path() const {
    std::vector<int> path;
    for (int at = total_ > 0 ? tree_.root() : -1; at >= 0; at = best_child(at)) path.push_back(at);
    return path;
  }

 private:
  word_tree tree_;
  std::vector<int> votes_;
  std::vector<int> first_;  // which match voted for a node first
  int total_ = 0;
};

/// The votes of all matches. `nodes[id]` is the node of an entry's noun. Throws `value_error` when there is
/// no match, or one whose id has no node.
inline tree_votes vote(const matches& found, std::span<const int> nodes, const word_tree& tree) {
  require(found.count > 0, "vote: given no matches, wanted at least one");
  tree_votes votes(tree);
  for (int i = 0; i < found.count; ++i) {
    const std::int64_t id = found.ids[static_cast<std::size_t>(i)];
    require(id >= 0 && id < std::ssize(nodes), "vote: given a match with the id ", id, ", wanted one of the ",
            nodes.size(), " that have nodes");
    votes.add(nodes[static_cast<std::size_t>(id)]);
  }
  return votes;
}

}  // namespace lookalike

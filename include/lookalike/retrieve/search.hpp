#pragma once

/// \file
/// What can be asked of a search, whatever is searched.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <limits>
#include <utility>
#include <vector>

#include <lookalike/core/error.hpp>
#include <lookalike/retrieve/matches.hpp>

namespace lookalike {

struct search_options {
  /// How many to find.
  int k = 10;
  /// Ids that must not be found: the query itself and its near duplicates, when an experiment would otherwise
  /// be too easy.
  std::vector<std::int64_t> leave_out{};
  /// Only ids for which it returns true are found. Called on the searching thread, once an entry.
  std::function<bool(std::int64_t)> filter{};
  /// What the distances of the blocks are divided by, where it is not what the collection measures on itself:
  /// for a shard of a larger one.
  std::vector<double> block_distances{};
  /// Factors for the blocks of a descriptor, in their order; empty: each block's own importance. An index of
  /// other things than descriptors ignores them.
  std::vector<float> importance{};
};

namespace detail {

/// Tells which entries a search may find.
class admission {
 public:
  explicit admission(const search_options& options) : options_(options), left_out_(options.leave_out) {
    require(options.k >= 1, "search: given k = ", options.k, ", wanted at least 1");
    std::sort(left_out_.begin(), left_out_.end());
  }
  bool operator()(std::int64_t id) const {
    return !std::binary_search(left_out_.begin(), left_out_.end(), id) &&
           (!options_.filter || options_.filter(id));
  }

 private:
  const search_options& options_;
  std::vector<std::int64_t> left_out_;
};

/// The `k` smallest of (distance, id), padded.
inline matches nearest_of(std::vector<std::pair<float, std::int64_t>> candidates, int k) {
  const auto length = static_cast<std::size_t>(k);
  const auto found = std::min(length, candidates.size());
  std::partial_sort(candidates.begin(), candidates.begin() + static_cast<std::ptrdiff_t>(found),
                    candidates.end());
  matches result;
  result.count = static_cast<int>(found);
  result.ids.assign(length, -1);
  result.distances.assign(length, std::numeric_limits<float>::infinity());
  for (std::size_t i = 0; i < found; ++i) {
    result.distances[i] = candidates[i].first;
    result.ids[i] = candidates[i].second;
  }
  return result;
}

}  // namespace detail

}  // namespace lookalike

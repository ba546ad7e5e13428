#pragma once

/// \file
/// What can be asked of a search, whatever is searched.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <span>
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
  /// Nothing farther than this is found. There may be fewer than k then.
  float radius = std::numeric_limits<float>::infinity();
  /// Only these ids are found, where it is given; those that there are not do no harm.
  std::optional<std::vector<std::int64_t>> only{};
  /// Only ids that it says true for are found, where it is not empty; those beyond its end are not.
  std::vector<bool> bitmap{};
};

namespace detail {

/// Tells which entries a search may find.
class admission {
 public:
  explicit admission(const search_options& options) : options_(options), left_out_(options.leave_out) {
    require(options.k >= 1, "search: given k = ", options.k, ", wanted at least 1");
    require(!std::isnan(options.radius), "search: given a radius that is not a number");
    std::sort(left_out_.begin(), left_out_.end());
    if (options.only) only_ = *options.only;
    std::sort(only_.begin(), only_.end());
  }
  bool admits_all() const {
    return left_out_.empty() && !options_.only && options_.bitmap.empty() && !options_.filter;
  }
  bool operator()(std::int64_t id) const {
    const auto is_in = [&](const std::vector<std::int64_t>& sorted) {
      return !sorted.empty() && std::binary_search(sorted.begin(), sorted.end(), id);
    };
    if (is_in(left_out_) || (options_.only && !is_in(only_))) return false;
    if (!options_.bitmap.empty() &&
        (id >= std::ssize(options_.bitmap) || !options_.bitmap[static_cast<std::size_t>(id)])) {
      return false;
    }
    return !options_.filter || options_.filter(id);
  }

 private:
  const search_options& options_;
  std::vector<std::int64_t> left_out_, only_;
};

/// The `k` smallest of (distance, id) within the radius, padded.
inline matches nearest_of(std::vector<std::pair<float, std::int64_t>> candidates, int k,
                          float radius = std::numeric_limits<float>::infinity()) {
  std::erase_if(candidates, [&](const auto& entry) { return !(entry.first <= radius); });
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

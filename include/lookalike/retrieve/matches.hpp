#pragma once

/// \file
/// What comes back from a look-up.

#include <cstdint>
#include <limits>
#include <memory>
#include <string_view>
#include <vector>

#include <lookalike/image/photo_source.hpp>

namespace lookalike {

/// The nearest entries of an index, nearest first, those at equal distance by id. `ids` and `distances` have
/// the length k that was asked for; from `count` on they are padded with -1 and infinity.
struct matches {
  static constexpr std::string_view value_name = "matches";

  std::vector<std::int64_t> ids;
  /// Smaller is nearer; what they measure is the index's to say.
  std::vector<float> distances;
  int count = 0;
  /// Whether these are provably the nearest ones.
  bool certified = false;
  /// Where the photographs with these ids can be read; null when the index knows of none.
  std::shared_ptr<const photo_source> source;
};

/// The nearest entries for each of several queries, query after query, as `matches` has them for one.
struct neighbors {
  static constexpr std::string_view value_name = "neighbors";

  /// (queries, k)
  std::vector<std::int64_t> ids;
  std::vector<float> distances;
  /// How many were found for each query.
  std::vector<int> counts;
  int k = 0;
  /// Whether these are provably the nearest ones.
  bool certified = false;

  std::int64_t size() const { return static_cast<std::int64_t>(counts.size()); }
  /// Those of one query.
  matches of(std::int64_t query) const {
    const auto first = static_cast<std::ptrdiff_t>(query) * k;
    matches one;
    one.ids.assign(ids.begin() + first, ids.begin() + first + k);
    one.distances.assign(distances.begin() + first, distances.begin() + first + k);
    one.count = counts[static_cast<std::size_t>(query)];
    one.certified = certified;
    return one;
  }
};

}  // namespace lookalike

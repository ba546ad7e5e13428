#pragma once

/// \file
/// How much of the exact answer an approximate search finds.

#include <algorithm>

#include <lookalike/core/error.hpp>
#include <lookalike/retrieve/matches.hpp>

namespace lookalike {

/// The part, 0 to 1, of the entries of `exact` that `found` has among as many; 1 where `exact` is empty.
/// Entries as near as the last of `exact` count, whichever of those at equal distance were found. Throws
/// `value_error` unless `exact` is certified.
inline double recall(const matches& found, const matches& exact) {
  require(exact.certified, "recall: given matches that are not certified as the exact answer");
  if (exact.count == 0) return 1;
  const float last = exact.distances[static_cast<std::size_t>(exact.count) - 1];
  const auto exact_end = exact.ids.begin() + exact.count;
  int hits = 0;
  for (int i = 0; i < std::min(found.count, exact.count); ++i) {
    const auto at = static_cast<std::size_t>(i);
    hits += found.distances[at] <= last || std::find(exact.ids.begin(), exact_end, found.ids[at]) != exact_end
                ? 1
                : 0;
  }
  return static_cast<double>(hits) / exact.count;
}

}  // namespace lookalike

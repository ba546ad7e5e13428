#pragma once

/// \file
/// The nearest vectors of an array, exactly, without an index: the array is read where it lies.
///
///     const neighbors found = nearest(vector_view(pixels, 50'000, 3072), {queries, 100, 3072},
///                                     metric::correlation, {.k = 50});
///
/// What is asked again and again belongs into a `vector_index`, which prepares itself once.

#include <cstdint>
#include <vector>

#include <lookalike/core/progress.hpp>
#include <lookalike/retrieve/detail/vector_search.hpp>
#include <lookalike/retrieve/matches.hpp>
#include <lookalike/retrieve/metric.hpp>
#include <lookalike/retrieve/search.hpp>
#include <lookalike/retrieve/vector_view.hpp>

namespace lookalike {

/// The nearest of `vectors` to each of `queries`; ids are the numbers of rows. With many queries principal
/// components are prepared first, where they pay. `watcher` hears of "prepare" and "look up".
///
/// Throws `value_error` for k < 1, queries of another dimension or element type, and numbers that are not
/// finite; `interrupted` when `watcher` asks for a stop. Costs at most a product of matrices, and memory for
/// the result and a few megabytes a thread.
inline neighbors nearest(const vector_view& vectors, const vector_view& queries,
                         metric how = metric::squared_l2, const search_options& options = {},
                         std::uint64_t seed = 0, const progress& watcher = {}) {
  require(vectors.size() > 0, "nearest: given no vectors, wanted at least one");
  detail::search_counts counts;
  return detail::known_vectors(vectors, how, {}, queries.size(), seed, watcher)
      .search(queries, options, false, {}, counts, watcher);
}

/// All pairs: the nearest of `vectors` to each of them, itself left out.
inline neighbors nearest_pairs(const vector_view& vectors, metric how = metric::squared_l2,
                               const search_options& options = {}, std::uint64_t seed = 0,
                               const progress& watcher = {}) {
  require(vectors.size() > 0, "nearest: given no vectors, wanted at least one");
  detail::search_counts counts;
  return detail::known_vectors(vectors, how, {}, vectors.size(), seed, watcher)
      .search(vectors, options, true, {}, counts, watcher);
}

}  // namespace lookalike

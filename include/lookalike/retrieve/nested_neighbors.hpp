#pragma once

/// \file
/// The nearest neighbors among the first vectors of a collection, for several numbers of vectors at once: how
/// neighbors get better as a collection grows, for the price of one search in the largest. Every distance is
/// computed once; a growing list of the k nearest is read off whenever a size has been reached, and it may be
/// grown in several random orders.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <numeric>
#include <span>
#include <utility>
#include <vector>

#include <lookalike/core/error.hpp>
#include <lookalike/core/memory.hpp>
#include <lookalike/core/parallel.hpp>
#include <lookalike/core/progress.hpp>
#include <lookalike/core/random.hpp>
#include <lookalike/core/tensor.hpp>
#include <lookalike/retrieve/detail/precise_rows.hpp>
#include <lookalike/simd/precise.hpp>

namespace lookalike {

struct nested_search_options {
  /// How many to find among the first of each.
  int k = 10;
  /// Numbers of vectors, ascending, none above what there is.
  std::vector<std::int64_t> sizes{};
  /// Orders in which the collection grows. With one repetition it grows as it lies, unless `shuffle`; with
  /// more, always in random orders.
  int repetitions = 1;
  bool shuffle = false;
  std::uint64_t seed = 0;
  /// Vectors whose cosine with the query (for tiny images: normalized correlation) is at least this are near
  /// duplicates, and are not found. Above 1: all are.
  double near_duplicates = 2;
};

/// The neighbors of some queries, each list nearest first, those at equal distance by number.
class nested_matches {
 public:
  nested_matches(std::int64_t first, std::int64_t queries, int neighbors, int repetitions, int sizes)
      : first_query(first), query_count(queries), k(neighbors), sizes_(sizes) {
    const auto size = static_cast<std::size_t>(queries * k * repetitions * sizes);
    ids_.assign(size, -1);
    distances_.assign(size, std::numeric_limits<float>::infinity());
  }

  /// The number of the first query, and how many follow.
  std::int64_t first_query = 0;
  std::int64_t query_count = 0;
  int k = 0;

  /// query_count x k numbers of vectors, -1 where there are fewer than k.
  std::span<const std::int64_t> ids(int repetition, int size) const {
    return {ids_.data() + block(repetition, size), static_cast<std::size_t>(query_count * k)};
  }
  /// query_count x k squared Euclidean distances, infinite where there are fewer than k.
  std::span<const float> distances(int repetition, int size) const {
    return {distances_.data() + block(repetition, size), static_cast<std::size_t>(query_count * k)};
  }

  /// Of one query, for who fills them.
  std::pair<std::int64_t*, float*> row(int repetition, int size, std::int64_t query) {
    const std::int64_t at = block(repetition, size) + query * k;
    return {ids_.data() + at, distances_.data() + at};
  }

 private:
  std::int64_t block(int repetition, int size) const {
    return (static_cast<std::int64_t>(repetition) * sizes_ + size) * query_count * k;
  }

  int sizes_ = 0;
  std::vector<std::int64_t> ids_;
  std::vector<float> distances_;
};

namespace detail {

/// The list of one query while the collection grows.
class growing_list {
 public:
  explicit growing_list(int k) : k_(static_cast<std::size_t>(k)) {}

  float limit() const {
    return heap_.size() < k_ ? std::numeric_limits<float>::infinity() : heap_.front().first;
  }
  void add(float distance, std::int64_t id) {
    const std::pair entry(distance, id);
    if (heap_.size() == k_) {
      if (entry > heap_.front()) return;
      std::pop_heap(heap_.begin(), heap_.end());
      heap_.back() = entry;
    } else {
      heap_.push_back(entry);
    }
    std::push_heap(heap_.begin(), heap_.end());
  }
  void write(std::int64_t* ids, float* distances) {
    sorted_ = heap_;
    std::sort(sorted_.begin(), sorted_.end());
    for (std::size_t i = 0; i < sorted_.size(); ++i) {
      distances[i] = sorted_[i].first;
      ids[i] = sorted_[i].second;
    }
  }
  void clear() { heap_.clear(); }

 private:
  std::size_t k_;
  std::vector<std::pair<float, std::int64_t>> heap_;  // the furthest first
  std::vector<std::pair<float, std::int64_t>> sorted_;
};

}  // namespace detail

/// The orders in which a collection grows: a permutation of its vectors for each repetition.
inline std::vector<std::vector<std::int64_t>> nested_orders(std::int64_t count,
                                                            const nested_search_options& options) {
  std::vector<std::vector<std::int64_t>> orders;
  for (int repetition = 0; repetition < options.repetitions; ++repetition) {
    if (options.repetitions == 1 && !options.shuffle) {
      orders.emplace_back(static_cast<std::size_t>(count));
      std::iota(orders.back().begin(), orders.back().end(), std::int64_t{0});
    } else {
      orders.push_back(
          random_sequence(options.seed, static_cast<std::uint64_t>(repetition)).permutation(count));
    }
  }
  return orders;
}

/// Calls `visit(nested_matches)` with the neighbors of one block of queries after another, on the calling
/// thread. `vectors` and `queries` have a row for each sample, in NCHW order. Exact: what products of
/// matrices cannot rule out is measured in double precision. `watcher` hears of "look up", in queries.
///
/// Throws `value_error` for other dimensions, numbers that are not finite, k < 1, and sizes that do not
/// ascend from 1 on or exceed the number of vectors; `interrupted`. Costs one product of the queries with all
/// vectors, and for each repetition a pass over the distances.
inline void nested_neighbors(tensor_view<const float> vectors, tensor_view<const float> queries,
                             const nested_search_options& options,
                             const std::function<void(const nested_matches&)>& visit,
                             const progress& watcher = {}) {
  const std::int64_t count = vectors.batch();
  require(vectors.size() > 0, "nested_neighbors: given ", detail::extents_text(vectors.extents),
          " numbers, wanted at least one vector of at least one");
  const std::int64_t dimension = vectors.size() / count;
  require(queries.batch() == 0 || queries.size() / queries.batch() == dimension,
          "nested_neighbors: given queries of ", queries.batch() == 0 ? 0 : queries.size() / queries.batch(),
          " numbers, wanted ", dimension);
  require(options.k >= 1, "nested_neighbors: given k = ", options.k, ", wanted at least 1");
  require(options.repetitions >= 1, "nested_neighbors: given ", options.repetitions,
          " repetitions, wanted at least 1");
  require(!options.sizes.empty(), "nested_neighbors: given no sizes, wanted at least one");
  require(!std::isnan(options.near_duplicates),
          "nested_neighbors: given NaN as the correlation of near duplicates");
  for (std::size_t i = 0; i < options.sizes.size(); ++i) {
    const std::int64_t least = i == 0 ? 1 : options.sizes[i - 1] + 1;
    require(options.sizes[i] >= least && options.sizes[i] <= count, "nested_neighbors: given the size ",
            options.sizes[i], " at position ", i, ", wanted ", least, " to ", count, ", ascending");
  }
  const std::vector<double> lengths = detail::row_lengths(vectors, dimension, "nested_neighbors");
  const std::vector<double> query_lengths = detail::row_lengths(queries, dimension, "nested_neighbors");
  const std::vector<std::vector<std::int64_t>> orders = nested_orders(count, options);

  // See vector_index: a product of floats is wrong by at most n u |q| |x| / (1 - n u).
  const double rounding =
      static_cast<double>(dimension + 1) * static_cast<double>(std::numeric_limits<float>::epsilon()) / 2;
  const std::int64_t at_once = std::clamp<std::int64_t>((std::int64_t{1} << 24) / count, 1, 252);
  aligned_vector<float> products(static_cast<std::size_t>(std::min(queries.batch(), at_once) * count));
  const int sizes = static_cast<int>(options.sizes.size());
  for (std::int64_t first = 0; first < queries.batch(); first += at_once) {
    const std::int64_t block = std::min(at_once, queries.batch() - first);
    detail::multiply_rows(queries.data + first * dimension, block, vectors.data, count, dimension,
                          products.data());
    nested_matches found(first, block, options.k, options.repetitions, sizes);
    parallel_for(block, [&](std::int64_t q) {
      const float* const query = queries.data + (first + q) * dimension;
      const double length = query_lengths[static_cast<std::size_t>(first + q)];
      float* const bounds = products.data() + q * count;  // become lower bounds of squared distances
      for (std::int64_t row = 0; row < count; ++row) {
        const double other = lengths[static_cast<std::size_t>(row)];
        const double error = 2.3 * rounding * length * other + 1e-6 * (length * length + other * other);
        const double bound = length * length + other * other - 2 * static_cast<double>(bounds[row]) - error;
        bounds[row] = rounding > 0.1 || !std::isfinite(bound) ? 0.0f : static_cast<float>(bound);
      }
      std::vector<float> measured(static_cast<std::size_t>(count), -1.0f);
      detail::growing_list nearest(options.k);
      for (int repetition = 0; repetition < options.repetitions; ++repetition) {
        nearest.clear();
        std::int64_t at = 0;
        const std::int64_t* const order = orders[static_cast<std::size_t>(repetition)].data();
        for (int size = 0; size < sizes; ++size) {
          for (; at < options.sizes[static_cast<std::size_t>(size)]; ++at) {
            const std::int64_t row = order[at];
            if (bounds[row] > nearest.limit()) continue;
            float& distance = measured[static_cast<std::size_t>(row)];
            if (distance < 0) {
              const double squared =
                  simd::precise_squared_l2(query, vectors.data + row * dimension, dimension);
              distance = static_cast<float>(squared);
              const double other = lengths[static_cast<std::size_t>(row)];
              const double twice = length * length + other * other - squared;
              if (twice >= 2 * options.near_duplicates * length * other && length * other > 0) {
                distance = std::numeric_limits<float>::infinity();
                bounds[row] = std::numeric_limits<float>::infinity();
              }
            }
            if (distance < std::numeric_limits<float>::infinity()) nearest.add(distance, row);
          }
          const auto [ids, distances] = found.row(repetition, size, q);
          nearest.write(ids, distances);
        }
      }
    });
    visit(found);
    report(watcher, "look up", first + block, queries.batch());
  }
}

}  // namespace lookalike

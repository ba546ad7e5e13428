#pragma once

/// \file
/// Vectors in memory, and the nearest of them by squared Euclidean distance: what a network's code, or any
/// other array with a row for each picture, is looked up in. Exact: products of matrices select, with a bound
/// of their rounding errors, what is then measured term by term in double precision.
///
///     const vector_index known(encode(net, "code").on_batches()(pictures));
///     const auto find = encode(net, "code") | lookup(known, 10);
///     const matches found = find(picture);
///
/// Where the rows have length 1, half the squared distance is 1 - the cosine.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <numeric>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include <lookalike/core/memory.hpp>
#include <lookalike/core/parallel.hpp>
#include <lookalike/core/tensor.hpp>
#include <lookalike/retrieve/descriptor.hpp>
#include <lookalike/retrieve/matches.hpp>
#include <lookalike/retrieve/search.hpp>
#include <lookalike/simd/inner_product.hpp>
#include <lookalike/simd/matrix_product.hpp>

namespace lookalike {

/// What a `vector_index` is asked: a row of numbers, or a descriptor's values whose cells all count fully.
struct feature_vector {
  static constexpr std::string_view value_name = "feature vector";

  std::vector<float> values;

  feature_vector() = default;
  feature_vector(std::vector<float> v) : values(std::move(v)) {}
  /// Throws `value_error` for a descriptor that is not valid, or of a picture with a hole.
  feature_vector(descriptor d) {
    require_valid(d, "feature_vector");
    for (const float weight : d.weights) {
      require(weight == 1, "feature_vector: given a cell weight of ", weight,
              ", wanted 1: vectors are compared as a whole");
    }
    values = std::move(d.values);
  }
};

class vector_batch_index;

/// A handle of vectors that do not change: cheap to copy, shared. All members may be called from many threads
/// at once.
class vector_index {
 public:
  static constexpr std::string_view value_name = "vector_index";
  using query = feature_vector;
  using search_options = lookalike::search_options;
  using result = matches;

  /// Takes the vectors over: those of the samples of `rows`, (count, channels, height, width), in NCHW order.
  /// `ids` are theirs, 0, 1, ... where none are given. Throws `value_error` when there is no number, one is
  /// not finite, or there are other than `count` ids, or the same one twice, or one below 0.
  explicit vector_index(tensor<float> rows, std::vector<std::int64_t> ids = {})
      : state_(std::make_shared<const state>(std::move(rows), std::move(ids))) {}

  std::int64_t size() const { return state_->rows.batch(); }
  /// Numbers in a vector.
  std::int64_t dimension() const { return state_->rows.size() / state_->rows.batch(); }

  /// The k nearest to one vector; distances are squared Euclidean ones. Throws `value_error` for k < 1, for
  /// vectors of another dimension, and for numbers that are not finite. Costs one pass over the vectors.
  matches search(const feature_vector& sought, const search_options& options = {}) const {
    require_dimension(static_cast<std::int64_t>(sought.values.size()));
    return std::move(search_rows(sought.values, 1, options, {})[0]);
  }

  /// The k nearest to each sample of a batch, at the speed of a product of matrices. `watcher` hears of "look
  /// up", in queries. Throws as above, and `interrupted`. `options.filter` is asked once an entry.
  std::vector<matches> search(const tensor<float>& sought, const search_options& options = {},
                              const progress& watcher = {}) const {
    if (sought.batch() > 0) require_dimension(sought.size() / sought.batch());
    return search_rows(std::span(sought.data(), static_cast<std::size_t>(sought.size())), sought.batch(),
                       options, watcher);
  }

  /// The index whose queries are whole batches, for `lookup`: tensor in, `std::vector<matches>` out.
  vector_batch_index on_batches() const;

 private:
  struct state {
    tensor<float> rows;
    std::vector<std::int64_t> ids;
    std::vector<double> lengths;

    state(tensor<float> r, std::vector<std::int64_t> i) : rows(std::move(r)), ids(std::move(i)) {
      const std::int64_t count = rows.batch();
      require(rows.size() > 0, "vector_index: given ", detail::extents_text(rows.extents()),
              " numbers, wanted at least one vector of at least one");
      if (ids.empty()) {
        ids.resize(static_cast<std::size_t>(count));
        std::iota(ids.begin(), ids.end(), std::int64_t{0});
      }
      require(std::ssize(ids) == count, "vector_index: given ", ids.size(), " ids for ", count, " vectors");
      std::vector<std::int64_t> sorted = ids;
      std::sort(sorted.begin(), sorted.end());
      require(sorted.front() >= 0, "vector_index: given the id ", sorted.front(), ", wanted 0 or more");
      const auto twice = std::adjacent_find(sorted.begin(), sorted.end());
      require(twice == sorted.end(), "vector_index: given the id ", twice == sorted.end() ? 0 : *twice,
              " twice");
      const std::int64_t dimension = rows.size() / count;
      for (std::int64_t row = 0; row < count; ++row) {
        lengths.push_back(std::sqrt(squared_norm("vector_index", rows.data() + row * dimension, dimension)));
      }
    }
  };

  /// Throws `value_error` for what is not finite.
  static double squared_norm(const char* where, const float* values, std::int64_t dimension) {
    double sum = 0;
    for (std::int64_t i = 0; i < dimension; ++i) {
      const double value = static_cast<double>(values[i]);
      sum += value * value;
    }
    require(std::isfinite(sum), where, ": given a vector whose squared length is ", sum,
            ", wanted finite numbers");
    return sum;
  }

  void require_dimension(std::int64_t given) const {
    require(given == dimension(), "search: given a vector of ", given, " numbers, wanted ", dimension());
  }

  std::vector<matches> search_rows(std::span<const float> queries, std::int64_t count,
                                   const search_options& options, const progress& watcher) const {
    const detail::admission admitted(options);
    std::vector<std::int64_t> rows;
    for (std::int64_t row = 0; row < size(); ++row) {
      if (admitted(state_->ids[static_cast<std::size_t>(row)])) rows.push_back(row);
    }
    // So many queries at a time that their products with all vectors take 64 MB, and no more than a product
    // of matrices profits from.
    const std::int64_t at_once = std::clamp<std::int64_t>((std::int64_t{1} << 24) / size(), 1, 252);
    std::vector<matches> found(static_cast<std::size_t>(count));
    aligned_vector<float> products(static_cast<std::size_t>(std::min(count, at_once) * size()));
    for (std::int64_t first = 0; first < count; first += at_once) {
      const std::int64_t block = std::min(at_once, count - first);
      const float* some = queries.data() + first * dimension();
      multiply(some, block, products.data());
      parallel_for(block, [&](std::int64_t i) {
        found[static_cast<std::size_t>(first + i)] =
            nearest(some + i * dimension(), products.data() + i * size(), rows, options.k);
      });
      report(watcher, "look up", first + block, count);
    }
    return found;
  }

  /// products[i * size() + row] = inner product of query i and a vector, in some order of summation.
  void multiply(const float* queries, std::int64_t count, float* products) const {
    const auto depth = static_cast<std::ptrdiff_t>(dimension());
    const auto columns = static_cast<std::ptrdiff_t>(size());
    const float* rows = state_->rows.data();
    if (count == 1) {
      constexpr std::int64_t rows_a_step = 2048;
      parallel_for((size() + rows_a_step - 1) / rows_a_step, [&](std::int64_t step) {
        const std::int64_t first = step * rows_a_step;
        simd::inner_products(std::min(rows_a_step, size() - first), depth, rows + first * depth, depth,
                             queries, products + first);
      });
      return;
    }
    const auto lines = static_cast<std::ptrdiff_t>(count);
    aligned_vector<float> scratch(
        static_cast<std::size_t>(simd::matrix_product_scratch<float>(lines, columns, depth)));
    simd::matrix_product<float>({queries, lines, depth, depth, 1}, {rows, depth, columns, 1, depth}, nullptr,
                                {products, lines, columns, columns, 1}, false, scratch);
  }

  /// The k nearest of `rows`, certified. A product of floats, summed in whatever order, is wrong by at most
  /// n u |q| |x| / (1 - n u) for n numbers and the unit u of rounding. So the distance is known up to twice
  /// that, and only vectors that can be nearer than the k-th bound from above are measured.
  matches nearest(const float* sought, const float* products, const std::vector<std::int64_t>& rows,
                  int k) const {
    const double squared_length = squared_norm("search", sought, dimension());
    const double rounding =
        static_cast<double>(dimension() + 1) * static_cast<double>(std::numeric_limits<float>::epsilon()) / 2;
    constexpr double infinity = std::numeric_limits<double>::infinity();
    constexpr double underflow = 1e-30;  // what products below the smallest normal number lose is less
    constexpr double overflow = 1e37;
    const double length = std::sqrt(squared_length);
    // Between which bounds the squared distance lies, less the squared length of what is sought.
    const auto bounds = [&](std::int64_t row) {
      const double other_length = state_->lengths[static_cast<std::size_t>(row)];
      const double product = length * other_length;
      if (product > overflow || rounding > 0.1) return std::pair(-infinity, infinity);
      const double middle = other_length * other_length - 2 * static_cast<double>(products[row]);
      const double error = 2.3 * rounding * product + underflow;
      return std::pair(middle - error, middle + error);
    };
    double limit = infinity;
    if (rows.size() > static_cast<std::size_t>(k)) {
      std::vector<double> nearest_bounds;  // a heap of the k smallest bounds from above, the largest first
      for (const std::int64_t row : rows) {
        const double bound = bounds(row).second;
        if (nearest_bounds.size() < static_cast<std::size_t>(k)) {
          nearest_bounds.push_back(bound);
          std::push_heap(nearest_bounds.begin(), nearest_bounds.end());
        } else if (bound < nearest_bounds.front()) {
          std::pop_heap(nearest_bounds.begin(), nearest_bounds.end());
          nearest_bounds.back() = bound;
          std::push_heap(nearest_bounds.begin(), nearest_bounds.end());
        }
      }
      // Distances that are rounded to the same float are ties, too.
      limit = nearest_bounds.front();
      limit += 1e-6 * std::max(0.0, limit + squared_length) + 1e-12 * (std::abs(limit) + squared_length);
    }
    std::vector<std::pair<float, std::int64_t>> candidates;
    for (const std::int64_t row : rows) {
      if (bounds(row).first > limit) continue;
      candidates.emplace_back(distance(sought, row), state_->ids[static_cast<std::size_t>(row)]);
    }
    matches found = detail::nearest_of(std::move(candidates), k);
    found.certified = true;
    return found;
  }

  float distance(const float* sought, std::int64_t row) const {
    const float* values = state_->rows.data() + row * dimension();
    double sum = 0;
    for (std::int64_t i = 0; i < dimension(); ++i) {
      const double difference = static_cast<double>(sought[i]) - static_cast<double>(values[i]);
      sum += difference * difference;
    }
    return static_cast<float>(sum);
  }

  std::shared_ptr<const state> state_;
};

/// A `vector_index` that is asked many things at once. Made by `vector_index::on_batches`.
class vector_batch_index {
 public:
  static constexpr std::string_view value_name = "vector_index, on batches";
  using query = tensor<float>;
  using search_options = lookalike::search_options;
  using result = std::vector<matches>;

  explicit vector_batch_index(vector_index each) : each_(std::move(each)) {}

  std::vector<matches> search(const tensor<float>& sought, const search_options& options = {}) const {
    return each_.search(sought, options);
  }

 private:
  vector_index each_;
};

inline vector_batch_index vector_index::on_batches() const {
  return vector_batch_index(*this);
}

}  // namespace lookalike

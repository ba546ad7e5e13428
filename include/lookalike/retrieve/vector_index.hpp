#pragma once

/// \file
/// Vectors in memory, of floats, 16-bit floats or bytes, and the nearest of them: what a network's code, or
/// any other array with a row for each picture, is looked up in. Exact: bounds from principal components, or
/// products of matrices with a bound of their rounding errors, select what is then measured term by term in
/// double precision, and bytes in whole numbers.
///
///     const vector_index known(encode(net, "code").on_batches()(pictures));
///     const auto find = encode(net, "code") | lookup(known, 10);
///     const matches found = find(picture);
///
/// Where the rows have length 1, half the squared distance is 1 - the cosine.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include <lookalike/core/tensor.hpp>
#include <lookalike/retrieve/descriptor.hpp>
#include <lookalike/retrieve/detail/vector_search.hpp>
#include <lookalike/retrieve/matches.hpp>
#include <lookalike/retrieve/metric.hpp>
#include <lookalike/retrieve/search.hpp>
#include <lookalike/retrieve/vector_view.hpp>

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

struct vector_index_options {
  metric how = metric::squared_l2;
  /// Of the vectors, unique and at least 0; none: 0, 1, ...
  std::vector<std::int64_t> ids{};
  /// Whether many long vectors are prepared for being asked often: their principal components are found,
  /// which takes as long as some hundred queries without, and a byte for each of some 260 numbers of a
  /// vector.
  bool prepare = true;
  /// Of the random start of the principal components. Results do not depend on it.
  std::uint64_t seed = 0;
};

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
      : vector_index(std::move(rows),
                     vector_index_options{.how = metric::squared_l2, .ids = std::move(ids)}) {}
  vector_index(tensor<float> rows, vector_index_options options, const progress& watcher = {})
      : vector_index(std::make_shared<const tensor<float>>(std::move(rows)), std::move(options), watcher) {}

  /// Vectors that lie elsewhere, which `keeper` keeps alive if somebody must. They are not copied.
  explicit vector_index(const vector_view& vectors, vector_index_options options = {},
                        std::shared_ptr<const void> keeper = nullptr, const progress& watcher = {})
      : state_(std::make_shared<const state>(vectors, std::move(options), std::move(keeper), watcher)) {}

  /// How many can be found.
  std::int64_t size() const { return state_->known.vectors().size() - removed_; }
  /// Numbers in a vector.
  std::int64_t dimension() const { return state_->known.vectors().dimension(); }
  metric how() const { return state_->known.how(); }
  element type() const { return state_->known.vectors().type(); }
  /// Bytes that were prepared besides the vectors; 0 where preparing does not pay.
  std::size_t prepared_memory() const {
    return state_->known.table() == nullptr ? 0 : state_->known.table()->memory();
  }

  /// The k nearest to one vector of floats. Throws `value_error` for k < 1, for vectors of another dimension,
  /// for numbers that are not finite, and where the vectors are of another type. Costs one pass over the
  /// vectors, or over what was prepared of them.
  matches search(const feature_vector& sought, const search_options& options = {}) const {
    require_dimension(static_cast<std::int64_t>(sought.values.size()));
    return search(vector_view(sought.values.data(), 1, dimension()), options).of(0);
  }

  /// The k nearest to each sample of a batch. `watcher` hears of "look up", in queries. Throws as above, and
  /// `interrupted`. `options.filter` is asked once an entry.
  std::vector<matches> search(const tensor<float>& sought, const search_options& options = {},
                              const progress& watcher = {}) const {
    if (sought.batch() > 0) require_dimension(sought.size() / sought.batch());
    const neighbors all = search(vector_view(sought), options, watcher);
    std::vector<matches> found;
    for (std::int64_t i = 0; i < all.size(); ++i) found.push_back(all.of(i));
    return found;
  }

  /// The same for vectors of the type of those that are searched.
  neighbors search(const vector_view& sought, const search_options& options = {},
                   const progress& watcher = {}) const {
    detail::search_counts counts;
    return search(sought, options, watcher, counts);
  }
  neighbors search(const vector_view& sought, const search_options& options, const progress& watcher,
                   detail::search_counts& counts) const {
    return state_->known.search(sought, options, false, tombstones(), counts, watcher);
  }

  /// All pairs: the nearest to each vector, itself left out. What was removed is not found, but has its row.
  neighbors pairs(const search_options& options = {}, const progress& watcher = {}) const {
    detail::search_counts counts;
    return state_->known.search(state_->known.vectors(), options, true, tombstones(), counts, watcher);
  }

  /// The index without some ids; those that it does not have do no harm. This handle stays as it is, and the
  /// memory is theirs together.
  vector_index without(std::vector<std::int64_t> ids) const {
    std::sort(ids.begin(), ids.end());
    std::vector<std::uint64_t> bits = tombstones();
    const std::int64_t rows = state_->known.vectors().size();
    bits.resize(static_cast<std::size_t>(rows + 63) / 64);
    vector_index rest = *this;
    for (std::int64_t row = 0; row < rows; ++row) {
      std::uint64_t& word = bits[static_cast<std::size_t>(row) / 64];
      const std::uint64_t bit = std::uint64_t{1} << (static_cast<std::size_t>(row) % 64);
      if ((word & bit) != 0 || !std::binary_search(ids.begin(), ids.end(), state_->known.id(row))) continue;
      word |= bit;
      ++rest.removed_;
    }
    rest.tombstones_ = std::make_shared<const std::vector<std::uint64_t>>(std::move(bits));
    return rest;
  }

  /// The index whose queries are whole batches, for `lookup`: tensor in, `std::vector<matches>` out.
  vector_batch_index on_batches() const;

 private:
  vector_index(std::shared_ptr<const tensor<float>> rows, vector_index_options options,
               const progress& watcher)
      : vector_index(view_of(*rows), std::move(options), rows, watcher) {}

  static vector_view view_of(const tensor<float>& rows) {
    require(rows.size() > 0, "vector_index: given ", detail::extents_text(rows.extents()),
            " numbers, wanted at least one vector of at least one");
    return rows;
  }

  struct state {
    std::shared_ptr<const void> keeper;
    detail::known_vectors known;

    state(const vector_view& vectors, vector_index_options options, std::shared_ptr<const void> k,
          const progress& watcher)
        : keeper(std::move(k)),
          known(checked(vectors, options.ids), options.how, options.ids,
                options.prepare ? std::numeric_limits<std::int64_t>::max() : 0, options.seed, watcher) {}
  };

  static vector_view checked(const vector_view& vectors, const std::vector<std::int64_t>& ids) {
    detail::require_ids(ids, vectors.size(), "vector_index");
    detail::require_finite(vectors, "vector_index");
    return vectors;
  }

  void require_dimension(std::int64_t given) const {
    require(given == dimension(), "search: given a vector of ", given, " numbers, wanted ", dimension());
  }

  const std::vector<std::uint64_t>& tombstones() const {
    static const std::vector<std::uint64_t> none;
    return tombstones_ ? *tombstones_ : none;
  }

  std::shared_ptr<const state> state_;
  std::shared_ptr<const std::vector<std::uint64_t>> tombstones_;
  std::int64_t removed_ = 0;
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

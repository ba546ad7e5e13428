#pragma once

/// \file
/// Looking up in a column of a collection by vectors: exact, by any metric, read where the column lies on
/// disk.
///
///     const column_index codes(collection::open("codes"), "code", metric::correlation);
///     const matches found = codes.search(code_of(picture), {.k = 20});

#include <cstdint>
#include <limits>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <lookalike/core/error.hpp>
#include <lookalike/core/progress.hpp>
#include <lookalike/retrieve/collection.hpp>
#include <lookalike/retrieve/column.hpp>
#include <lookalike/retrieve/detail/vector_search.hpp>
#include <lookalike/retrieve/matches.hpp>
#include <lookalike/retrieve/metric.hpp>
#include <lookalike/retrieve/search.hpp>
#include <lookalike/retrieve/vector_index.hpp>
#include <lookalike/retrieve/vector_view.hpp>

namespace lookalike {

/// A handle: cheap to copy, shared. All members may be called from many threads at once. It finds what the
/// collection's handle shows; what was removed before is not found.
class column_index {
 public:
  static constexpr std::string_view value_name = "column_index";
  using query = feature_vector;
  using search_options = lookalike::search_options;
  using result = matches;

  /// Throws `value_error` for a column that is not there, and for one whose rows go on with what masked
  /// search needs: those are looked up by descriptors, in the collection itself. Nothing is read yet.
  column_index(collection items, std::string_view column, metric how = metric::squared_l2)
      : state_(std::make_shared<state>(std::move(items), column, how)) {}

  const column_view& column() const { return state_->column; }
  metric how() const { return state_->how; }

  /// The k nearest to one vector of floats. Throws `value_error` for k < 1, for vectors of another dimension,
  /// for numbers that are not finite, and where the column is of another type. Costs one pass over the
  /// column; less after some hundred queries, when principal components have been prepared in memory (see
  /// `vector_index_options::prepare`).
  matches search(const feature_vector& sought, const search_options& options = {}) const {
    const auto dimension = static_cast<std::int64_t>(sought.values.size());
    require(dimension == column().dimension(), "search: given a vector of ", dimension, " numbers, wanted ",
            column().dimension(), ", as the column '", column().info().name, "' has");
    return search(vector_view(sought.values.data(), 1, dimension), options).of(0);
  }

  /// The nearest to each of several vectors of the column's type. `watcher` hears of "prepare" and "look up".
  neighbors search(const vector_view& sought, const search_options& options = {},
                   const progress& watcher = {}) const {
    const column_info& info = column().info();
    require(sought.type() == state_->vectors.type() &&
                (sought.size() == 0 || sought.dimension() == info.dimension),
            "search: given vectors of ", name_of(sought.type()), " x ", sought.dimension(), ", wanted ",
            describe_column(info.type, info.dimension, {}), ", as the column '", info.name, "' has");
    detail::search_counts counts;
    return state_->prepared_for(sought.size(), watcher)
        ->search(sought, options, false, state_->removed, counts, watcher);
  }

 private:
  struct state {
    collection items;
    column_view column;
    metric how;
    vector_view vectors;
    std::vector<std::uint64_t> removed;  // a bit for each row, or none

    state(collection of, std::string_view name, metric m)
        : items(std::move(of)), column(items.column(name)), how(m) {
      require(column.pitch() == column.dimension(), "column_index: given the column '", name, "' of ",
              describe_column(column.type(), column.dimension(), column.info().encoder),
              ", wanted one of values: an encoder's is searched by descriptors, in the collection");
      const element type = column.type() == column_type::float32   ? element::float32
                           : column.type() == column_type::float16 ? element::float16
                                                                   : element::uint8;
      vectors = vector_view(column.data(), type, column.rows(), column.dimension());
      if (items.size() == column.rows()) return;
      removed.assign(column.live().begin(), column.live().end());
      for (std::uint64_t& word : removed) word = ~word;
    }

    /// Made at first need, with principal components once they pay.
    std::shared_ptr<const detail::known_vectors> prepared_for(std::int64_t queries, const progress& watcher) {
      const std::lock_guard hold(guard);
      asked += queries;
      const bool is_better = known != nullptr && known->table() == nullptr && !was_prepared &&
                             detail::table_pays(vectors, asked);
      if (known == nullptr || is_better) {
        was_prepared = detail::table_pays(vectors, asked);
        known = std::make_shared<const detail::known_vectors>(
            vectors, how, std::vector<std::int64_t>(column.ids().begin(), column.ids().end()), asked, 0,
            watcher);
      }
      return known;
    }

    std::mutex guard;
    std::shared_ptr<const detail::known_vectors> known;
    std::int64_t asked = 0;
    bool was_prepared = false;
  };

  std::shared_ptr<state> state_;
};

}  // namespace lookalike

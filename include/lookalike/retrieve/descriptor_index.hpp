#pragma once

/// \file
/// Descriptors in memory, looked up exactly whatever part of the query is known. What a collection does with
/// those on disk, for arrays that come from elsewhere.
///
///     const descriptor_index scenes(scene_descriptor.blocks(), {values, 100'000, 528});
///     const matches found = scenes.search(scene_descriptor(picture_with_a_hole), {.k = 200});

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <numeric>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include <lookalike/core/progress.hpp>
#include <lookalike/retrieve/descriptor.hpp>
#include <lookalike/retrieve/detail/descriptor_table.hpp>
#include <lookalike/retrieve/detail/vector_search.hpp>
#include <lookalike/retrieve/matches.hpp>
#include <lookalike/retrieve/search.hpp>
#include <lookalike/retrieve/vector_view.hpp>

namespace lookalike {

struct descriptor_index_options {
  /// Of the descriptors, unique and at least 0; none: 0, 1, ...
  std::vector<std::int64_t> ids{};
  /// Whether 8192 descriptors and more are prepared for being asked often: some 370 bytes for each.
  bool prepare = true;
  /// Of the random start of the principal components. Results do not depend on it.
  std::uint64_t seed = 0;
};

/// A handle of descriptors that do not change: cheap to copy, shared. All members may be called from many
/// threads at once.
class descriptor_index {
 public:
  static constexpr std::string_view value_name = "descriptor_index";
  using query = descriptor;
  using search_options = lookalike::search_options;
  using result = matches;

  /// `values` are floats: a row for each descriptor, in the order of `blocks`. They are not copied; `keeper`
  /// keeps them alive if somebody must. Throws `value_error` where rows and blocks do not go together, there
  /// are no rows, a value is not finite, and for ids as `vector_index` does.
  descriptor_index(std::vector<descriptor_block> blocks, const vector_view& values,
                   descriptor_index_options options = {}, std::shared_ptr<const void> keeper = nullptr,
                   const progress& watcher = {})
      : state_(std::make_shared<const state>(std::move(blocks), values, std::move(options), std::move(keeper),
                                             watcher)) {}

  std::int64_t size() const { return state_->rows.count; }
  std::span<const descriptor_block> blocks() const { return state_->blocks; }
  /// For each block the mean squared distance of two descriptors (of at most 4096).
  const std::vector<double>& block_distances() const { return state_->distances; }
  /// Bytes that were prepared besides the values.
  std::size_t prepared_memory() const { return state_->table ? state_->table->memory() : 0; }

  /// The k nearest by the distance of `collection::search`. Throws `value_error` for k < 1, and for a query
  /// of other blocks, with values that are not finite or weights outside [0, 1].
  matches search(const descriptor& sought, const search_options& options = {}) const {
    return search(std::span(&sought, 1), options).of(0);
  }

  /// The same for several queries, each with weights of its own.
  neighbors search(std::span<const descriptor> sought, const search_options& options = {},
                   const progress& watcher = {}) const {
    detail::search_counts counts;
    return search(sought, options, watcher, counts);
  }
  neighbors search(std::span<const descriptor> sought, const search_options& options, const progress& watcher,
                   detail::search_counts& counts) const {
    for (const descriptor& one : sought) {
      require_valid(one, "search");
      require(comparable(one.blocks, blocks()), "search: given a descriptor of ", describe_blocks(one.blocks),
              ", wanted ", describe_blocks(blocks()), ", as the index has");
      require(one.blocks == sought[0].blocks, "search: given descriptors of different importance together");
    }
    if (sought.empty()) return detail::to_neighbors({}, options.k);
    const std::vector<double> factors =
        detail::block_factors(sought[0].blocks, options.importance, block_distances());
    const detail::admission admitted(options);
    std::vector<std::uint64_t> bits;
    if (!admitted.admits_all()) {
      bits.assign(static_cast<std::size_t>(size() + 63) / 64, 0);
      for (std::int64_t row = 0; row < size(); ++row) {
        const auto at = static_cast<std::size_t>(row);
        if (admitted(state_->id(row))) bits[at / 64] |= std::uint64_t{1} << (at % 64);
      }
    }
    const detail::row_filter filter{bits.empty() ? nullptr : bits.data(),
                                    state_->ids.empty() ? nullptr : state_->ids.data()};
    if (state_->table) {
      return detail::to_neighbors(
          state_->table->search(sought, factors, options.k, options.radius, filter, counts, watcher),
          options.k);
    }
    std::vector<detail::nearest_list> found(sought.size(), detail::nearest_list(options.k, options.radius));
    parallel_for(
        std::ssize(sought),
        [&](std::int64_t q) {
          detail::descriptor_distance distance(state_->rows, sought[static_cast<std::size_t>(q)], factors);
          for (std::int64_t row = 0; row < size(); ++row) {
            if (filter.admits(row)) found[static_cast<std::size_t>(q)].add(distance(row), filter.id(row));
          }
        },
        watcher, "look up");
    return detail::to_neighbors(found, options.k);
  }

 private:
  struct state {
    std::vector<descriptor_block> blocks;
    std::vector<std::int64_t> ids;
    std::shared_ptr<const void> keeper;
    detail::row_view rows;
    std::vector<double> distances;
    std::unique_ptr<const detail::descriptor_table> table;

    state(std::vector<descriptor_block> b, const vector_view& values, descriptor_index_options options,
          std::shared_ptr<const void> k, const progress& watcher)
        : blocks(std::move(b)), ids(std::move(options.ids)), keeper(std::move(k)) {
      require(!blocks.empty() && values.type() == element::float32 &&
                  values.dimension() == static_cast<std::int64_t>(value_count(blocks)),
              "descriptor_index: given rows of ", values.dimension(), " ", name_of(values.type()),
              ", wanted ", value_count(blocks), " float32 for ", describe_blocks(blocks));
      detail::require_ids(ids, values.size(), "descriptor_index");
      detail::require_finite(values, "descriptor_index");
      rows = {values.row_as<float>(0), values.size(), blocks, static_cast<std::size_t>(values.dimension())};
      distances = detail::mean_squared_distances(rows, [](std::int64_t) { return true; });
      constexpr std::int64_t least = 8192;
      if (options.prepare && rows.count >= least) {
        table = std::make_unique<const detail::descriptor_table>(
            rows, detail::block_factors(blocks, {}, distances), options.seed, watcher);
      }
    }
    std::int64_t id(std::int64_t row) const { return ids.empty() ? row : ids[static_cast<std::size_t>(row)]; }
  };

  std::shared_ptr<const state> state_;
};

}  // namespace lookalike

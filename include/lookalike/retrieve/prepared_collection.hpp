#pragma once

/// \file
/// A collection that is asked often: principal components of its descriptors in 8 bits bound how near each
/// photograph can be, and few descriptors are read. What is found is what `collection::search` finds.
///
///     const prepared_collection ready(photos);
///     const matches found = (fill_hole | scene_descriptor | lookup(ready, 200))(query);

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include <lookalike/core/progress.hpp>
#include <lookalike/retrieve/collection.hpp>
#include <lookalike/retrieve/descriptor.hpp>
#include <lookalike/retrieve/detail/descriptor_table.hpp>
#include <lookalike/retrieve/detail/vector_search.hpp>
#include <lookalike/retrieve/matches.hpp>
#include <lookalike/retrieve/search.hpp>

namespace lookalike {

/// A handle: cheap to copy, shared, of the collection as it is now. All members may be called from many
/// threads at once. Memory: some 370 bytes a photograph besides the mapped columns.
class prepared_collection {
 public:
  static constexpr std::string_view value_name = "prepared_collection";
  using query = descriptor;
  using search_options = lookalike::search_options;
  using result = matches;

  /// Takes as long as some dozens of searches without. `watcher` hears of "prepare". Throws `value_error` for
  /// a collection that is empty or has no descriptors, and `interrupted`. Results do not depend on `seed`.
  explicit prepared_collection(collection photos, std::uint64_t seed = 0, const progress& watcher = {})
      : photos_(std::move(photos)) {
    require(!photos_.empty(),
            "prepared_collection: given an empty collection, wanted at least one photograph");
    table_ = std::make_shared<const detail::descriptor_table>(
        rows(), detail::block_factors(photos_.blocks(), {}, photos_.block_distances()), seed, watcher);
  }

  const collection& photos() const { return photos_; }

  /// As `collection::search`, with the same errors.
  matches search(const descriptor& sought, const search_options& options = {}) const {
    return std::move(search(std::span(&sought, 1), options)[0]);
  }

  /// The same for several queries of the same importance, each with weights of its own.
  std::vector<matches> search(std::span<const descriptor> sought, const search_options& options = {},
                              const progress& watcher = {}) const {
    std::vector<matches> found;
    if (sought.empty()) return found;
    for (const descriptor& one : sought) {
      require_valid(one, "search");
      require(comparable(one.blocks, photos_.blocks()) && one.blocks == sought[0].blocks,
              "search: given a descriptor of ", describe_blocks(one.blocks), ", wanted ",
              describe_blocks(photos_.blocks()),
              ", as the collection has, of the same importance as the others");
    }
    const std::vector<double> factors = detail::block_factors(sought[0].blocks, options.importance,
                                                              photos_.scales_of(options, sought[0].blocks));
    const detail::admission admitted(options);
    const detail::snapshot& columns = photos_.state();
    std::vector<std::uint64_t> bits(static_cast<std::size_t>(rows().count + 63) / 64);
    for (const std::int64_t row : columns.live_rows()) {
      const auto at = static_cast<std::size_t>(row);
      if (admitted(columns.ids()[at])) bits[at / 64] |= std::uint64_t{1} << (at % 64);
    }
    detail::search_counts counts;
    const neighbors all =
        detail::to_neighbors(table_->search(sought, factors, options.k, options.radius,
                                            {bits.data(), columns.ids().data()}, counts, watcher),
                             options.k);
    for (std::int64_t i = 0; i < all.size(); ++i) {
      found.push_back(all.of(i));
      found.back().source = photos_.source();
    }
    return found;
  }

 private:
  detail::row_view rows() const { return photos_.state().descriptor_rows(detail::column_name::descriptors); }

  collection photos_;
  std::shared_ptr<const detail::descriptor_table> table_;
};

}  // namespace lookalike

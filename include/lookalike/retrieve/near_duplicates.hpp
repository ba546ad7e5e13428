#pragma once

/// \file
/// Other copies of a picture in a collection, recompressed, resized or slightly retouched. Finding them makes
/// scene completion trivially good, so experiments leave them out.

#include <cstdint>
#include <vector>

#include <lookalike/image/mask.hpp>
#include <lookalike/retrieve/collection.hpp>
#include <lookalike/retrieve/thumbnail.hpp>
#include <lookalike/retrieve/thumbnail_index.hpp>

namespace lookalike {

struct near_duplicate_options {
  /// Pictures whose 32 x 32 thumbnails have at least this normalized correlation are near duplicates.
  float correlation = 0.95f;
};

/// Ids, ascending, of the photographs whose thumbnails agree with the known part of `query`. They can be
/// given to `search_options::leave_out`. Copies that were cropped are not recognized. Throws `value_error`
/// for a query with nothing known, or a correlation outside [-1, 1].
inline std::vector<std::int64_t> near_duplicates(const collection& photos, const masked_image& query,
                                                 const near_duplicate_options& options = {}) {
  require(options.correlation >= -1 && options.correlation <= 1, "near_duplicates: given a correlation of ",
          options.correlation, ", wanted -1 to 1");
  const thumbnail_query thumbnail(query);
  const detail::snapshot& state = photos.state();
  const std::vector<float> correlations = detail::measure_thumbnails(
      state, [&](std::span<const std::uint8_t> candidate) { return thumbnail.correlation(candidate); });
  std::vector<std::int64_t> ids;
  for (std::size_t i = 0; i < correlations.size(); ++i) {
    if (correlations[i] >= options.correlation) {
      ids.push_back(state.ids()[static_cast<std::size_t>(state.live_rows()[i])]);
    }
  }
  return ids;
}

inline std::vector<std::int64_t> near_duplicates(const collection& photos, const image<3>& query,
                                                 const near_duplicate_options& options = {}) {
  return near_duplicates(photos, masked_image{query, mask(query.height(), query.width())}, options);
}

}  // namespace lookalike

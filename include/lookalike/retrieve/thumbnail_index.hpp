#pragma once

/// \file
/// Looking up by tiny images, the baseline that descriptors have to beat: 32 x 32 thumbnails compared pixel
/// by pixel, where the query is known.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include <lookalike/core/parallel.hpp>
#include <lookalike/image/mask.hpp>
#include <lookalike/retrieve/collection.hpp>
#include <lookalike/retrieve/matches.hpp>
#include <lookalike/retrieve/search.hpp>
#include <lookalike/retrieve/thumbnail.hpp>

namespace lookalike {

enum class thumbnail_distance {
  correlation,        ///< 1 - normalized correlation, which brightness and contrast do not change
  squared_difference  ///< mean squared difference of values 0..255
};

namespace detail {

/// `measure(thumbnail)` for every live row, in their order.
template <class Measure>
std::vector<float> measure_thumbnails(const snapshot& photos, const Measure& measure) {
  constexpr std::int64_t rows_a_step = 256;
  const std::vector<std::int64_t>& rows = photos.live_rows();
  const auto count = static_cast<std::int64_t>(rows.size());
  std::vector<float> result(rows.size());
  parallel_for((count + rows_a_step - 1) / rows_a_step, [&](std::int64_t step) {
    const std::int64_t end = std::min(count, (step + 1) * rows_a_step);
    for (std::int64_t i = step * rows_a_step; i < end; ++i) {
      const auto at = static_cast<std::size_t>(i);
      result[at] = static_cast<float>(measure(photos.thumbnail(rows[at])));
    }
  });
  return result;
}

}  // namespace detail

/// An index of the thumbnails of a collection; queries are pictures with a hole, filled or not.
class thumbnail_index {
 public:
  using query = masked_image;
  using search_options = lookalike::search_options;
  using result = matches;

  explicit thumbnail_index(collection photos, thumbnail_distance distance = thumbnail_distance::correlation)
      : photos_(std::move(photos)), distance_(distance) {}

  /// The k nearest, by exact search. Throws `value_error` for k < 1 and for a query with nothing known.
  matches search(const masked_image& sought, const search_options& options = {}) const {
    const detail::admission admitted(options);
    const thumbnail_query thumbnail(sought);
    const detail::snapshot& state = photos_.state();
    const std::vector<float> distances =
        detail::measure_thumbnails(state, [&](std::span<const std::uint8_t> candidate) {
          return distance_ == thumbnail_distance::correlation ? 1 - thumbnail.correlation(candidate)
                                                              : thumbnail.squared_difference(candidate);
        });
    std::vector<std::pair<float, std::int64_t>> candidates;
    for (std::size_t i = 0; i < distances.size(); ++i) {
      const std::int64_t id = state.ids()[static_cast<std::size_t>(state.live_rows()[i])];
      if (admitted(id)) candidates.emplace_back(distances[i], id);
    }
    matches found = detail::nearest_of(std::move(candidates), options.k, options.radius);
    found.certified = true;
    found.source = photos_.source();
    return found;
  }
  matches search(const image<3>& sought, const search_options& options = {}) const {
    return search(masked_image{sought, mask(sought.height(), sought.width())}, options);
  }

 private:
  collection photos_;
  thumbnail_distance distance_;
};

}  // namespace lookalike

#pragma once

/// \file
/// Colorization by look-up: gray picture in, pictures that look alike in gray found among colored ones, and
/// their colors laid over its lightness.
///
///     const gray_index known(collection::open("holiday_pictures"));
///     const colorization result = colorize(read_image("old.jpg"), known, {.k = 20});
///     write_image("colored.png", result.picture);

#include <cstdint>
#include <utility>
#include <variant>
#include <vector>

#include <lookalike/apps/average_color.hpp>
#include <lookalike/apps/colorization.hpp>
#include <lookalike/apps/global_transfer.hpp>
#include <lookalike/apps/vote_color.hpp>
#include <lookalike/apps/welsh.hpp>
#include <lookalike/retrieve/gray_index.hpp>
#include <lookalike/retrieve/lookup.hpp>
#include <lookalike/stage/branch.hpp>
#include <lookalike/stage/pipeline.hpp>

namespace lookalike {

/// The ways to make colors of matches; each is a stage, and can stand in a pipeline of one's own.
using color_decoder = std::variant<average_color_stage, vote_color_stage, global_transfer_stage, welsh_stage>;

struct colorize_options {
  int k = 20;  ///< neighbors that are looked up
  color_decoder decoder = average_color();
  std::vector<std::int64_t> leave_out{};  ///< ids that must not be used, such as copies of the query
  /// Pictures whose gray thumbnails correlate with the query's by at least this are not used; above 1: all
  /// may be.
  float near_duplicates = 2;
};

/// The algorithm, stage by stage. Each can be replaced by another of the same types.
template <describes_pictures Encoder, lookalike::index Index, stage Decoder>
auto colorization_by_lookup(Encoder encoder, Index known, int k, Decoder decoder,
                            typename Index::search_options options = {}) {
  return skip(std::move(encoder) | lookup(std::move(known), k, std::move(options))) | std::move(decoder);
}

namespace detail {

/// The neighbors of a query.
inline matches color_neighbors(const image<3>& picture, const gray_index& known,
                               const colorize_options& options) {
  query_lightness("colorize", picture);
  search_options search{.k = options.k, .leave_out = options.leave_out};
  require(options.near_duplicates >= -1, "colorize: given a correlation of ", options.near_duplicates,
          " for near duplicates, wanted at least -1");
  if (options.near_duplicates <= 1) {
    for (const std::int64_t id : known.near_duplicates(picture, options.near_duplicates))
      search.leave_out.push_back(id);
  }
  matches found = known.search(known.encoder()(picture), search);
  require(found.count > 0, "colorize: given a collection of which nothing is left, wanted at least one");
  return found;
}

inline colorization decode(const color_decoder& decoder, image<3> picture, matches found) {
  return std::visit(
      [&](const auto& stage) {
        return stage({std::move(picture), std::move(found)});
      },
      decoder);
}

}  // namespace detail

/// Colors for `picture` (of which only lightness is looked at) from the pictures of `known`. Throws
/// `value_error` when it is empty or has values outside [0, 1], k < 1, or nothing is left to take colors
/// from.
inline colorization colorize(image<3> picture, const gray_index& known,
                             const colorize_options& options = {}) {
  matches found = detail::color_neighbors(picture, known, options);
  return detail::decode(options.decoder, std::move(picture), std::move(found));
}

/// Up to `count` alternatives: the i-th takes its colors from the i-th nearest neighbor alone. To choose
/// from: of several plausible colorings, an average is usually none. Throws as `colorize` does, and for a
/// count below 1.
inline std::vector<colorization> colorize_alternatives(const image<3>& picture, const gray_index& known,
                                                       int count, colorize_options options = {}) {
  require(count >= 1, "colorize_alternatives: given a count of ", count, ", wanted at least 1");
  options.k = count;
  const matches found = detail::color_neighbors(picture, known, options);
  std::vector<colorization> results;
  for (std::size_t i = 0; i < static_cast<std::size_t>(found.count); ++i) {
    const matches one{{found.ids[i]}, {found.distances[i]}, 1, found.certified, found.source};
    results.push_back(detail::decode(options.decoder, picture, one));
  }
  return results;
}

}  // namespace lookalike

#pragma once

/// \file
/// The stage that gives every retrieved scene its place around the hole: local context matching of Hays &
/// Efros 2007, section 4, at a resolution of at most 1024 pixels.

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include <lookalike/blend/context_search.hpp>
#include <lookalike/blend/placements.hpp>
#include <lookalike/core/parallel.hpp>
#include <lookalike/image/color.hpp>
#include <lookalike/image/filter.hpp>
#include <lookalike/image/resample.hpp>
#include <lookalike/image/size.hpp>
#include <lookalike/retrieve/matches.hpp>

namespace lookalike {

struct context_match_options {
  /// Radius of the context band around the hole, in pixels at matching resolution.
  double band = 80;
  /// Scales of a candidate that are tried, in (0, 4].
  std::vector<double> scales{0.81, 0.90, 1.0};
  /// A candidate too small to cover the hole and enough of its band at any of `scales` may be enlarged until
  /// it just does, up to this factor. 1: never.
  double largest_enlargement = 2;
  /// Longest side of query and candidates at matching resolution, in pixels. Smaller pictures stay as they
  /// are.
  int longest_side = 1024;
  /// Coverage, offset penalty and the way translations are searched.
  context_search_options search{};
};

/// The texture of a picture: the 5x5 median of the gradient magnitude of its gray values ([0, 1] a pixel).
inline image<1> texture(const image<3>& picture) {
  return median(gradient_magnitude(rgb_to_gray(picture)), 5);
}

/// Query and its matches to placements. Candidates that fit nowhere, or cannot be read any more, are dropped.
class context_match_stage {
 public:
  using input = std::tuple<masked_image, matches>;
  using output = placements;
  static constexpr std::string_view name = "context_match";

  context_match_stage() = default;
  explicit context_match_stage(context_match_options options) : options_(std::move(options)) {
    require(!options_.scales.empty(), "context_match: given no scale, wanted at least one");
    for (double scale : options_.scales) {
      require(scale > 0 && scale <= 4, "context_match: given a scale of ", scale, ", wanted one in (0, 4]");
    }
    require(options_.longest_side >= 32, "context_match: given a longest side of ", options_.longest_side,
            ", wanted at least 32 pixels");
    require(options_.largest_enlargement >= 1, "context_match: given a largest enlargement of ",
            options_.largest_enlargement, ", wanted at least 1");
  }

  /// The stage with other options: `context_match({.band = 40})`.
  context_match_stage operator()(context_match_options options) const {
    return context_match_stage(std::move(options));
  }

  /// Throws `value_error` when query and mask do not fit together, when there is no match, and when no match
  /// can be placed. The photographs are read and searched on several threads.
  placements operator()(input query_and_matches, const progress& watcher = {}) const {
    masked_image& query = std::get<0>(query_and_matches);
    const matches& found = std::get<1>(query_and_matches);
    require_fillable(query.picture, query.hole, "context_match");
    require(found.source != nullptr && found.count > 0,
            "context_match: given no matches, wanted at least one photograph to place");
    placements result;
    result.longest_side = options_.longest_side;
    result.query = std::make_shared<const completion_query>(std::move(query), options_.longest_side);
    result.photos = found.source;

    const masked_image& matching = result.query->matching;
    const context_query colors(rgb_to_lab(matching.picture), matching.hole, options_.band, options_.search);
    const image<1> query_texture = texture(matching.picture);
    std::vector<std::optional<placed_scene>> placed(static_cast<std::size_t>(found.count));
    parallel_for(
        found.count,
        [&](std::int64_t i) {
          const auto at = static_cast<std::size_t>(i);
          placed[at] = place(*result.photos, found.ids[at], colors, query_texture);
          if (placed[at]) placed[at]->terms.scene = found.distances[at];
        },
        watcher, name);
    for (std::optional<placed_scene>& scene : placed) {
      if (scene) result.scenes.push_back(std::move(*scene));
    }
    require(!result.scenes.empty(), "context_match: none of ", found.count,
            " photographs covers the hole and ", 100 * options_.search.coverage,
            " % of its context at a longest side of ", options_.longest_side,
            " pixels; wanted larger photographs, or a smaller longest_side");
    return result;
  }

  const context_match_options& options() const { return options_; }

 private:
  std::optional<placed_scene> place(const photo_source& photos, std::int64_t id, const context_query& query,
                                    const image<1>& query_texture) const {
    byte_image bytes;
    try {
      bytes = photos.read_photo(id);
    } catch (const file_error&) {
      return std::nullopt;
    }
    const image<3> photo = to_float(bytes);
    std::optional<placed_scene> best;
    double least = std::numeric_limits<double>::infinity();
    const auto try_scale = [&](double scale) {
      const image_size extent = matching_size(size_of(photo), options_.longest_side, scale);
      if (query.covering(extent.height, extent.width).empty()) return;
      const image<3> scaled = resize(photo, extent.height, extent.width, resampling::bicubic);
      const std::optional<context_place> found = query.search(rgb_to_lab(scaled));
      if (!found || found->cost >= least) return;
      least = found->cost;
      best = placed_scene{
          id,
          photos.photo_name(id),
          scale,
          found->at,
          found->offset,
          cost_terms{.context = found->cost,
                     .texture = texture_error(query, query_texture, texture(scaled), found->at)}};
    };
    for (double scale : options_.scales) try_scale(scale);
    if (!best) {
      const double scale = least_covering_scale(query, size_of(photo));
      if (scale <= options_.largest_enlargement) try_scale(scale);
    }
    return best;
  }

  static double texture_error(const context_query& query, const image<1>& query_texture,
                              const image<1>& candidate_texture, translation at) {
    const auto compared =
        query.band().area_inside(at.y, at.x, candidate_texture.height(), candidate_texture.width());
    return context_error(query_texture, candidate_texture, query.band(), at) / static_cast<double>(compared);
  }

  // The scale at which the photograph is as large as the hole and its band together.
  double least_covering_scale(const context_query& query, image_size photo) const {
    const image_size extent = matching_size(photo, options_.longest_side, 1.0);
    const box reach = query.reach();
    return 1.001 * std::max(static_cast<double>(reach.height) / extent.height,
                            static_cast<double>(reach.width) / extent.width);
  }

  context_match_options options_;
};

/// `... | context_match | ...`, or with options `context_match({.band = 40})`.
inline const context_match_stage context_match;

}  // namespace lookalike

#pragma once

/// \file
/// What flows through the second half of scene completion: candidate scenes with a place (`placements`), with
/// a seam (`composites`), and blended (`completion`). Each step adds to what is known; nothing is thrown
/// away.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <lookalike/blend/context_error.hpp>
#include <lookalike/image/mask.hpp>
#include <lookalike/image/photo_source.hpp>
#include <lookalike/image/resample.hpp>
#include <lookalike/image/size.hpp>
#include <lookalike/stage/roles.hpp>
#include <lookalike/stage/value_name.hpp>

namespace lookalike {

/// The terms of the ranking (Hays & Efros 2007, section 6), each smaller for a better completion.
struct cost_terms {
  double scene = 0;    ///< distance of the scene descriptors
  double context = 0;  ///< color difference in the context band, with the offset penalty
  double texture = 0;  ///< mean squared difference of texture in the context band
  double seam = 0;     ///< energy of the cut
};

/// A candidate scene, and where it goes.
struct placed_scene {
  std::int64_t source = -1;  ///< id of the photograph
  std::string name;          ///< its name, usually a path
  double scale = 1;          ///< applied to the photograph at matching resolution
  translation at;            ///< its top left pixel in the query's frame, in pixels at matching resolution
  double offset = 0;         ///< distance between the centers, in pixels at matching resolution
  cost_terms terms;
};

/// A placed scene and the part of the picture it takes.
struct composite : placed_scene {
  mask from_patch;           ///< at matching resolution; non-zero: taken from the scene
  std::int64_t flow = 0;     ///< value of the maximum flow, and
  std::int64_t cut = 0;      ///< of the minimum cut: equal, which proves that no seam is cheaper
  double seam_unary = 0;     ///< what replacing known pixels costs, a part of terms.seam
  double seam_pairwise = 0;  ///< what the seam costs, the other part
  double score = 0;          ///< sum of the terms, each over its median; set by `rank`
};

/// A composite, blended.
struct completion : composite {
  image<3> picture;      ///< the filled photograph at full resolution, [0, 1]
  mask full_from_patch;  ///< `from_patch` at full resolution
};

/// The extent of a photograph at matching resolution (longest side at most `longest_side` pixels), times
/// `scale`.
inline image_size matching_size(image_size photo, int longest_side, double scale) {
  const double reduction =
      std::min(1.0, static_cast<double>(longest_side) / std::max({photo.height, photo.width, 1}));
  const auto scaled = [&](int extent) {
    return std::max(1, static_cast<int>(std::lround(extent * reduction * scale)));
  };
  return {scaled(photo.height), scaled(photo.width)};
}

/// The query at the two resolutions that matter: matching and pasting.
struct completion_query {
  masked_image full;      ///< as given
  masked_image matching;  ///< longest side reduced; a pixel is missing if any part of it is
  double reduction = 1;   ///< matching pixels a full pixel, at most 1

  /// `longest_side` is in pixels; smaller pictures stay as they are.
  completion_query(masked_image query, int longest_side) : full(std::move(query)) {
    const int height = full.picture.height(), width = full.picture.width();
    reduction = std::min(1.0, static_cast<double>(longest_side) / std::max({height, width, 1}));
    if (reduction == 1.0) {
      matching = full;
      return;
    }
    const auto [small_height, small_width] = matching_size({height, width}, longest_side, 1.0);
    matching.picture = resize(full.picture, small_height, small_width, resampling::area);
    matching.hole = mask(small_height, small_width);
    // Full pixel i overlaps the reduced pixels from i * n / N to the last before (i + 1) * n / N.
    const auto first = [](int i, int n, int of) { return static_cast<int>(std::int64_t{i} * n / of); };
    const auto last = [](int i, int n, int of) {
      return static_cast<int>(((std::int64_t{i} + 1) * n + of - 1) / of) - 1;
    };
    for (int y = 0; y < height; ++y) {
      for (int x = 0; x < width; ++x) {
        if (full.hole(y, x) == 0) continue;
        for (int v = first(y, small_height, height); v <= last(y, small_height, height); ++v) {
          for (int u = first(x, small_width, width); u <= last(x, small_width, width); ++u) {
            matching.hole(v, u) = 1;
          }
        }
      }
    }
  }
};

/// Completions are pictures, with what led to them: scene completion is no encoder, and blending decodes.
template <>
inline constexpr bool is_picture<std::vector<completion>> = true;

template <>
struct value_name<std::vector<completion>> {
  static constexpr static_sentence text() {
    static_sentence name;
    name << "completions";
    return name;
  }
};

namespace detail {
/// What all candidates of one query share.
struct completion_context {
  std::shared_ptr<const completion_query> query;
  std::shared_ptr<const photo_source> photos;
  int longest_side = 1024;  ///< of the query and of the candidates at matching resolution
};
}  // namespace detail

/// The candidates that fit somewhere, in the order of retrieval. Made by `context_match`.
struct placements : detail::completion_context {
  static constexpr std::string_view value_name = "placements";
  std::vector<placed_scene> scenes;
};

/// Candidates with their seams. Made by `seam`, ordered by `rank`.
struct composites : detail::completion_context {
  static constexpr std::string_view value_name = "composites";
  std::vector<composite> scenes;
};

}  // namespace lookalike

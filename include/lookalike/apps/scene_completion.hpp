#pragma once

/// \file
/// Scene completion using millions of photographs (James Hays and Alexei A. Efros, SIGGRAPH 2007; CACM
/// October 2008): a hole in a photograph is filled with a part of another photograph of a similar scene,
/// found by look-up, cut along the cheapest seam and blended in.

#include <cstdint>
#include <utility>
#include <vector>

#include <lookalike/apps/rank.hpp>
#include <lookalike/blend/context_match.hpp>
#include <lookalike/blend/poisson_blend.hpp>
#include <lookalike/blend/seam.hpp>
#include <lookalike/inpaint/fill_hole.hpp>
#include <lookalike/retrieve/collection.hpp>
#include <lookalike/retrieve/lookup.hpp>
#include <lookalike/retrieve/scene_descriptor.hpp>
#include <lookalike/stage/branch.hpp>
#include <lookalike/stage/pipeline.hpp>

namespace lookalike {

/// What can be chosen without writing a pipeline of one's own.
struct scene_completion_options {
  int candidates = 200;                   ///< photographs that are retrieved, placed and cut
  int count = 20;                         ///< completions that are blended and returned
  std::vector<std::int64_t> leave_out{};  ///< ids that must not be used, such as copies of the query
  context_match_options context{};
  seam_options seam{};
  rank_weights weights{};
  poisson_options blend{};
};

/// The algorithm, stage by stage. Every stage can be replaced by another of the same types; a misfit is a
/// compile error that names the stage.
inline auto scene_completion(const collection& photos, const scene_completion_options& options = {}) {
  return skip(fill_hole | scene_descriptor |
              lookup(photos, options.candidates, {.leave_out = options.leave_out})) |
         context_match(options.context) |        //
         seam(options.seam) |                    //
         rank(options.count, options.weights) |  //
         poisson_blend(options.blend);
}

/// Fills the hole of `query` (non-zero mask pixels) from `photos`; at most `options.count` completions, best
/// first. Throws `value_error` when query and mask do not fit together, the mask is empty or covers
/// everything, values are not finite or outside [0, 1], the collection is empty, or no photograph can be
/// placed; `interrupted` when `watcher` says so.
inline std::vector<completion> complete(masked_image query, const collection& photos,
                                        const scene_completion_options& options = {},
                                        const progress& watcher = {}) {
  require_fillable(query.picture, query.hole, "complete");
  for (std::size_t i = 0; i < query.hole.values().size(); ++i) {
    for (std::size_t c = 0; c < 3; ++c) {
      float& value = query.picture.values()[3 * i + c];
      if (query.hole.values()[i] != 0) {
        value = 0;  // what lies in the hole may be anything, and is never looked at
      } else {
        require(value >= 0.0f && value <= 1.0f, "complete: given a value of ", value,
                " at a known pixel, wanted finite values in [0, 1]");
      }
    }
  }
  return scene_completion(photos, options)(std::move(query), watcher);
}

}  // namespace lookalike

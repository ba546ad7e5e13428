#pragma once

/// \file
/// The stage that turns composites into finished pictures (Hays & Efros 2007, section 5; Perez et al. 2003).

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include <lookalike/blend/place_scene.hpp>
#include <lookalike/blend/placements.hpp>
#include <lookalike/blend/poisson.hpp>
#include <lookalike/core/parallel.hpp>

namespace lookalike {

/// Composites to completions, at the query's full resolution and in the order given. Put `rank(20)` before
/// it, so that 20 pictures are blended and not 200.
class poisson_blend_stage {
 public:
  using input = composites;
  using output = std::vector<completion>;
  static constexpr std::string_view name = "poisson_blend";

  poisson_blend_stage() = default;
  explicit poisson_blend_stage(poisson_options options) : options_(options) {}
  /// The stage with other options: `poisson_blend({.domain = blend_domain::patch_only})`.
  poisson_blend_stage operator()(poisson_options options) const { return poisson_blend_stage(options); }

  std::vector<completion> operator()(composites cut, const progress& watcher = {}) const {
    std::vector<completion> results(cut.scenes.size());
    const masked_image& query = cut.query->full;
    parallel_for(
        static_cast<std::int64_t>(cut.scenes.size()),
        [&](std::int64_t i, const progress& heartbeat) {
          completion& result = results[static_cast<std::size_t>(i)];
          static_cast<composite&>(result) = std::move(cut.scenes[static_cast<std::size_t>(i)]);
          const patch scene = place_scene(cut, result, query.picture.height(), query.picture.width());
          result.full_from_patch = seam_at_full_resolution(*cut.query, result.from_patch, scene.covered);
          result.picture = poisson_blend_pictures(query.picture, query.hole, scene.picture, scene.covered,
                                                  result.full_from_patch, options_, heartbeat);
        },
        watcher, name);
    return results;
  }

  const poisson_options& options() const { return options_; }

 private:
  poisson_options options_;
};

/// `... | rank(20) | poisson_blend`.
inline const poisson_blend_stage poisson_blend;

}  // namespace lookalike

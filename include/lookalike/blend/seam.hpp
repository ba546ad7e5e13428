#pragma once

/// \file
/// The stage that cuts every placed scene along the cheapest seam (Hays & Efros 2007, section 5).

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

#include <lookalike/blend/place_scene.hpp>
#include <lookalike/blend/placements.hpp>
#include <lookalike/blend/seam_cut.hpp>
#include <lookalike/core/parallel.hpp>

namespace lookalike {

/// Placements to composites: for each scene the part of the picture that it takes, at matching resolution.
class seam_stage {
 public:
  using input = placements;
  using output = composites;
  static constexpr std::string_view name = "seam";

  seam_stage() = default;
  explicit seam_stage(seam_options options) : options_(options) {}
  /// The stage with other options: `seam({.unary_weight = 0.01})`.
  seam_stage operator()(seam_options options) const { return seam_stage(options); }

  /// The scenes are read and cut on several threads. Throws what `read_photo` throws.
  composites operator()(placements placed, const progress& watcher = {}) const {
    composites result;
    static_cast<detail::completion_context&>(result) = placed;
    std::vector<composite> cuts(placed.scenes.size());
    const masked_image& query = placed.query->matching;
    parallel_for(
        static_cast<std::int64_t>(placed.scenes.size()),
        [&](std::int64_t i) {
          composite& cut = cuts[static_cast<std::size_t>(i)];
          static_cast<placed_scene&>(cut) = std::move(placed.scenes[static_cast<std::size_t>(i)]);
          const patch scene = place_scene(placed, cut, query.picture.height(), query.picture.width());
          seam_result seam = seam_cut(query.picture, scene.picture, scene.covered, query.hole, options_);
          cut.from_patch = std::move(seam.from_patch);
          cut.flow = seam.flow;
          cut.cut = seam.cut;
          cut.seam_unary = seam.unary;
          cut.seam_pairwise = seam.pairwise;
          cut.terms.seam = seam.energy;
        },
        watcher, name);
    result.scenes = std::move(cuts);
    return result;
  }

  const seam_options& options() const { return options_; }

 private:
  seam_options options_;
};

/// `... | seam | ...`, or with options `seam({.unary_weight = 0.01})`.
inline const seam_stage seam;

}  // namespace lookalike

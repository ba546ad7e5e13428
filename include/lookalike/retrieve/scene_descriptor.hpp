#pragma once

/// \file
/// The descriptor by which scenes are found for a picture with a hole: gist and a color grid, where "gist
/// contributes roughly twice as much as color". J. Hays and A. Efros, Scene completion using millions of
/// photographs, SIGGRAPH 2007, section 3.

#include <algorithm>
#include <string_view>
#include <vector>

#include <lookalike/image/mask.hpp>
#include <lookalike/retrieve/color_grid.hpp>
#include <lookalike/retrieve/gist.hpp>

namespace lookalike {

struct scene_descriptor_options {
  gist_options gist;
  color_grid_options color;
};

/// Picture with a hole to descriptor. The hole must have been filled: `fill_hole | scene_descriptor | ...`.
/// Called with a whole picture it gives every cell the weight 1.
class scene_descriptor_stage {
 public:
  using input = masked_image;
  using output = descriptor;
  static constexpr std::string_view name = "scene_descriptor";

  scene_descriptor_stage() = default;
  explicit scene_descriptor_stage(const scene_descriptor_options& options)
      : gist_(options.gist), color_(options.color) {}

  /// The stage with other options: `scene_descriptor({.gist = {.side = 256}})`.
  scene_descriptor_stage operator()(const scene_descriptor_options& options) const {
    return scene_descriptor_stage(options);
  }

  descriptor operator()(const masked_image& filled) const { return join(gist_(filled), color_(filled)); }
  descriptor operator()(const image<3>& picture) const { return join(gist_(picture), color_(picture)); }
  descriptor operator()(const byte_image& picture) const { return join(gist_(picture), color_(picture)); }

  /// What its descriptors consist of.
  std::vector<descriptor_block> blocks() const {
    std::vector<descriptor_block> both = gist_.blocks();
    const std::vector<descriptor_block> color = color_.blocks();
    both.insert(both.end(), color.begin(), color.end());
    return both;
  }
  /// A picture whose shorter side has this many pixels is large enough.
  int sufficient_side() const { return std::max(gist_.sufficient_side(), color_.sufficient_side()); }

 private:
  gist_stage gist_;
  color_grid_stage color_;
};

inline const scene_descriptor_stage scene_descriptor;

}  // namespace lookalike

#pragma once

/// \file
/// The colors of a picture reduced to a few pixels, in CIE L*a*b*: where gist says what lies where, this says
/// in which color. J. Hays and A. Efros, Scene completion using millions of photographs, SIGGRAPH 2007.

#include <string_view>
#include <vector>

#include <lookalike/image/color.hpp>
#include <lookalike/image/mask.hpp>
#include <lookalike/image/resample.hpp>
#include <lookalike/retrieve/cell_weights.hpp>
#include <lookalike/retrieve/descriptor.hpp>

namespace lookalike {

struct color_grid_options {
  /// Cells a side.
  int grid = 4;
  /// See `descriptor_block`.
  float importance = 1;
};

/// Picture to L*, a*, b* of each cell's mean color (the mean is taken of sRGB values), row by row: 16 x 3 by
/// default. A picture with a hole must have been filled; it weighs each cell by its known fraction.
///
/// Throws `value_error` for an empty picture and for values outside [0, 1].
class color_grid_stage {
 public:
  using input = image<3>;
  using output = descriptor;
  static constexpr std::string_view name = "color_grid";

  color_grid_stage() = default;
  explicit color_grid_stage(const color_grid_options& options) : options_(options) {
    require(options.grid > 0 && options.grid <= 256, "color_grid: given a grid of ", options.grid,
            " cells a side, wanted 1 to 256");
  }

  /// The stage with other options: `color_grid({.grid = 8})`.
  color_grid_stage operator()(const color_grid_options& options) const { return color_grid_stage(options); }

  descriptor operator()(const image<3>& picture) const {
    require(!picture.empty(), "color_grid: given an empty picture, wanted at least one pixel");
    require_unit_range(picture, "color_grid");
    return describe(resize(picture, options_.grid, options_.grid, resampling::area));
  }
  /// The same as of the picture as floats, to the bit.
  descriptor operator()(const byte_image& picture) const {
    require(!picture.empty(), "color_grid: given an empty picture, wanted at least one pixel");
    return describe(resize_to_float(picture, options_.grid, options_.grid, resampling::area));
  }
  descriptor operator()(const masked_image& filled) const {
    require(same_extent(filled.picture, filled.hole), "color_grid: given a mask of ", filled.hole.height(),
            "x", filled.hole.width(), " (height x width), wanted the picture's ", filled.picture.height(),
            "x", filled.picture.width());
    descriptor d = (*this)(filled.picture);
    d.weights = cell_weights(filled.hole, options_.grid);
    return d;
  }

  /// What its descriptors consist of.
  std::vector<descriptor_block> blocks() const {
    return {{sentence("color_grid(grid=", options_.grid, ")"), options_.grid * options_.grid, 3,
             options_.importance}};
  }
  /// A picture whose shorter side has this many pixels is large enough.
  int sufficient_side() const { return 8 * options_.grid; }
  const color_grid_options& options() const { return options_; }

 private:
  descriptor describe(const image<3>& cells) const {
    const image<3> lab = rgb_to_lab(cells);
    return {blocks(),
            {lab.values().begin(), lab.values().end()},
            std::vector<float>(static_cast<std::size_t>(lab.area()), 1.0f)};
  }

  color_grid_options options_;
};

inline const color_grid_stage color_grid;

}  // namespace lookalike

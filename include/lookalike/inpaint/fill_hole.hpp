#pragma once

/// \file
/// The stage that fills a hole smoothly before a picture is described: the hard edge of a hole would
/// otherwise put energy of its own into the descriptor.

#include <string_view>
#include <utility>

#include <lookalike/image/mask.hpp>
#include <lookalike/inpaint/harmonic.hpp>

namespace lookalike {

/// Masked image to the same with its hole filled harmonically; the mask stays, as the descriptor's weights.
struct fill_hole_stage {
  using input = masked_image;
  using output = masked_image;
  static constexpr std::string_view name = "fill_hole";

  /// Throws `value_error` when the mask does not fit the picture, is empty or covers everything.
  masked_image operator()(masked_image query) const {
    query.picture = harmonic_fill(query.picture, query.hole);
    return query;
  }
};

/// `fill_hole | scene_descriptor | lookup(photos, 200)`.
inline constexpr fill_hole_stage fill_hole{};

}  // namespace lookalike

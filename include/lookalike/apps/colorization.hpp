#pragma once

/// \file
/// What colorization yields: a gray picture with colors, and where they come from.

#include <cstdint>
#include <string_view>
#include <vector>

#include <lookalike/image/image.hpp>
#include <lookalike/retrieve/matches.hpp>
#include <lookalike/stage/roles.hpp>

namespace lookalike {

struct colorization {
  static constexpr std::string_view value_name = "colorization";

  /// The result in L*a*b*. L* is the query's, bit for bit: what `rgb_to_lab` makes of it. a* and b* are those
  /// that were found, brought into the gamut of sRGB by `limit_chroma`.
  image<3> lab;
  /// The same in sRGB, [0, 1]. As floats its L* is within 0.05 of the query's; rounded to bytes, within 0.3.
  image<3> picture;
  /// What was found for the query.
  matches neighbors;
  /// Ids of the neighbors whose colors were taken, nearest first.
  std::vector<std::int64_t> used;
  /// Mean chroma of `lab` divided by that of the neighbors whose colors were taken, as 32 x 32 pixels: well
  /// below 1 where colors were averaged away. Not a number where those neighbors are gray.
  double saturation_ratio = 0;
};

/// Colorizing decodes.
template <>
inline constexpr bool is_picture<colorization> = true;

}  // namespace lookalike

#pragma once

/// \file
/// Translation, scale and mirroring of small pictures that are held as planes of floats.

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include <lookalike/core/error.hpp>

namespace lookalike {

/// How the numbers of a small picture lie: plane after plane, row after row, as in a tiny image.
struct planes_extent {
  int planes = 3;
  int height = 32;
  int width = 32;

  constexpr std::int64_t size() const { return std::int64_t{planes} * height * width; }
};

/// The picture is mirrored left to right, if it is, then scaled about its center and moved: pixel (y, x) of
/// the result is read at (cy + (y - cy) / scale + down, cx + (x - cx) / scale + right), where (cy, cx) is
/// the center, between its pixels bilinearly; beyond the border, the border repeats.
struct picture_warp {
  float down = 0;   ///< pixels
  float right = 0;  ///< pixels
  float scale = 1;  ///< above 1 enlarges
  bool mirrored = false;
};

/// Over which warps a distance is minimized.
struct warp_options {
  /// Pixels up, down, left and right, at most; 0 leaves the picture where it is.
  float translation = 3;
  /// Enlarged and reduced by this factor, at most; 1 leaves the size.
  float scale = 1.2f;
  bool mirror = true;
  /// Of 27 starts on a grid of translations and scales, evaluated at half the resolution, so many of each
  /// mirroring are refined.
  int starts = 2;
  /// Of Gauss and Newton's method, from each start and again at full resolution.
  int iterations = 10;
};

/// The least squared distance that was found, and the warp that has it.
struct warp_match {
  float squared_distance = 0;
  picture_warp warp;
};

namespace detail {

inline void check(const warp_options& options, const planes_extent& extent, std::string_view where) {
  require(extent.planes >= 1 && extent.height >= 2 && extent.width >= 2 && extent.planes <= 64 &&
              extent.height <= 1024 && extent.width <= 1024,
          where, ": given pictures of ", extent.planes, " x ", extent.height, " x ", extent.width,
          ", wanted 1 to 64 planes of 2 x 2 to 1024 x 1024");
  require(options.translation >= 0 && options.translation <= 64, where, ": given a translation of ",
          options.translation, ", wanted 0 to 64 pixels");
  require(options.scale >= 1 && options.scale <= 2, where, ": given a scale of ", options.scale,
          ", wanted 1 to 2");
  require(options.starts >= 1 && options.iterations >= 0, where, ": given ", options.starts, " starts and ",
          options.iterations, " iterations, wanted at least 1 and 0");
}

inline void require_planes(std::span<const float> values, const planes_extent& extent,
                           std::string_view where) {
  require(static_cast<std::int64_t>(values.size()) == extent.size(), where, ": given a picture of ",
          values.size(), " numbers, wanted ", extent.planes, " x ", extent.height, " x ", extent.width);
  float sum = 0;
  for (const float value : values) sum += value * 0;  // 0, or NaN where one is not finite
  require(sum == 0, where, ": given a number that is not finite, wanted finite ones");
}

}  // namespace detail

}  // namespace lookalike

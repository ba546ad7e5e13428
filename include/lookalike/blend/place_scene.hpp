#pragma once

/// \file
/// A placed scene as pixels in the query's frame, at the resolution of matching or of the result.

#include <algorithm>
#include <cmath>
#include <cstddef>

#include <lookalike/blend/placements.hpp>
#include <lookalike/image/image.hpp>
#include <lookalike/image/mask.hpp>
#include <lookalike/image/resample.hpp>
#include <lookalike/image/size.hpp>

namespace lookalike {

/// A picture in the query's frame that may cover only a part of it.
struct patch {
  image<3> picture;  ///< zero where nothing covers
  mask covered;      ///< non-zero where `picture` counts
};

/// Reads the scene's photograph, scales it and puts it where it was placed, in a frame of `height` x `width`
/// pixels: the query's extent at matching resolution or at full. The photograph is resampled once, from its
/// own resolution. Throws what `read_photo` throws.
inline patch place_scene(const detail::completion_context& context, const placed_scene& scene, int height,
                         int width) {
  const image<3> photo = to_float(context.photos->read_photo(scene.source));
  const image_size extent = matching_size(size_of(photo), context.longest_side, scene.scale);
  const masked_image& matching = context.query->matching;
  const double vertical = static_cast<double>(height) / matching.picture.height();
  const double horizontal = static_cast<double>(width) / matching.picture.width();
  // Outward rounding: what was covered at matching resolution stays covered.
  const int top = static_cast<int>(std::floor(scene.at.y * vertical));
  const int left = static_cast<int>(std::floor(scene.at.x * horizontal));
  const int bottom = static_cast<int>(std::ceil((scene.at.y + extent.height) * vertical));
  const int right = static_cast<int>(std::ceil((scene.at.x + extent.width) * horizontal));
  const image<3> scaled = resize(photo, bottom - top, right - left, resampling::bicubic);

  patch result{image<3>(height, width), mask(height, width)};
  const int begin = std::max(left, 0), end = std::min(right, width);
  for (int y = std::max(top, 0); y < std::min(bottom, height) && begin < end; ++y) {
    std::copy_n(&scaled(y - top, begin - left), static_cast<std::size_t>(end - begin) * 3,
                &result.picture(y, begin));
    std::fill_n(&result.covered(y, begin), end - begin, std::uint8_t{1});
  }
  return result;
}

/// The seam of a composite at full resolution: interpolated between the centers of matching pixels, without
/// what the patch does not cover, and with the whole hole.
inline mask seam_at_full_resolution(const completion_query& query, const mask& from_patch,
                                    const mask& covered) {
  const mask& hole = query.full.hole;
  if (same_extent(from_patch, hole)) return from_patch;
  image<1> soft(from_patch.height(), from_patch.width());
  for (std::size_t i = 0; i < soft.values().size(); ++i)
    soft.values()[i] = from_patch.values()[i] != 0 ? 1.0f : 0.0f;
  soft = resize(soft, hole.height(), hole.width(), resampling::bilinear);
  mask result(hole.height(), hole.width());
  for (std::size_t i = 0; i < result.values().size(); ++i) {
    const bool taken = soft.values()[i] > 0.5f && covered.values()[i] != 0;
    result.values()[i] = taken || hole.values()[i] != 0 ? 1 : 0;
  }
  return result;
}

}  // namespace lookalike

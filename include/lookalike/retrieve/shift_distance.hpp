#pragma once

/// \file
/// The distance of two tiny images where, after the best warp, every pixel of the second may move a little by
/// itself (A. Torralba, R. Fergus and W. Freeman: 80 million tiny images, PAMI 30(11), 2008, section 4.1):
/// D^2_shift = sum over pixels of min over |dy|, |dx| <= w of (a(y, x) - T[b](y + dy, x + dx))^2, with the T
/// of `warp_distance`. So D_shift <= D_warp <= D_ssd.

#include <algorithm>
#include <span>

#include <lookalike/retrieve/detail/warp_search.hpp>
#include <lookalike/retrieve/picture_warp.hpp>
#include <lookalike/retrieve/warp_distance.hpp>
#include <lookalike/simd/shifted_difference.hpp>

namespace lookalike {

struct shift_options {
  /// Each pixel is compared with those of a window of (2 window + 1)^2 pixels.
  int window = 2;
  /// The warp before.
  warp_options warp{};
};

/// Compares pictures of one extent; keeps its memory from call to call. Not to be shared between threads.
class shift_matcher {
 public:
  /// Throws `value_error` for an option or extent out of range.
  explicit shift_matcher(const shift_options& options = {}, const planes_extent& extent = {})
      : window_(options.window), extent_(extent), warps_(options.warp, extent) {
    require(window_ >= 0 && window_ <= 8, "shift_distance: given a window of ", window_,
            ", wanted 0 to 8 pixels to each side");
  }

  /// The best warp, and the distance after the shifts. Throws `value_error` as `warp_distance` does.
  warp_match operator()(std::span<const float> a, std::span<const float> b) {
    warp_match found = warps_(a, b);
    fixed_.set(a, extent_, 0, 0, false);
    moving_.resize(extent_, window_, window_);
    warps_.search_.warp(found.warp, moving_);
    moving_.repeat_borders();
    const double shifted = simd::shifted_squared_l2(window_, fixed_.view(), moving_.view());
    found.squared_distance = std::min(found.squared_distance, static_cast<float>(shifted));
    return found;
  }

 private:
  int window_;
  planes_extent extent_;
  warp_matcher warps_;
  detail::padded_planes fixed_;
  detail::padded_planes moving_;
};

/// The same for one pair.
inline warp_match shift_distance(std::span<const float> a, std::span<const float> b,
                                 const shift_options& options = {}, const planes_extent& extent = {}) {
  return shift_matcher(options, extent)(a, b);
}

}  // namespace lookalike

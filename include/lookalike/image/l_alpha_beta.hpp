#pragma once

/// \file
/// The color space l-alpha-beta of D. Ruderman, T. Cronin and C. Chiao (Statistics of cone responses to
/// natural images, JOSA A 15(8), 1998), in which the channels of natural pictures are least correlated: l is
/// light, alpha yellow against blue, beta red against green, all in decades. Matrices as in E. Reinhard, M.
/// Ashikhmin, B. Gooch and P. Shirley (Color transfer between images, IEEE CG&A 21(5), 2001), applied, as is
/// customary, to sRGB values as they are.

#include <cmath>

#include <lookalike/image/color.hpp>
#include <lookalike/image/image.hpp>
#include <lookalike/simd/l_alpha_beta.hpp>

namespace lookalike {

/// A picture in sRGB as l, alpha, beta. Cone responses below 1/1024, a quarter of an 8-bit step, count as
/// that much, since 0 has no logarithm. Within 1e-5 of exact arithmetic.
inline image<3> rgb_to_l_alpha_beta(const image<3>& picture) {
  return detail::convert_color(picture, [](const float* from, float* to, std::ptrdiff_t pixels) {
    simd::rgb_to_l_alpha_beta(from, to, pixels);
  });
}

/// The way back, by the inverse matrices; within 1e-4 (relative where values exceed 1). Colors that sRGB
/// cannot show come out beyond [0, 1].
inline image<3> l_alpha_beta_to_rgb(const image<3>& picture) {
  return detail::convert_color(picture, [](const float* from, float* to, std::ptrdiff_t pixels) {
    simd::l_alpha_beta_to_rgb(from, to, pixels);
  });
}

}  // namespace lookalike

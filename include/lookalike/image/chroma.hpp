#pragma once

/// \file
/// A picture as lightness and chroma: what a gray picture has, and what colorization adds to it. In CIE
/// L*a*b*, lightness is L* and the chroma of a pixel the pair {a*, b*}.

#include <array>
#include <cmath>
#include <cstddef>
#include <limits>

#include <lookalike/image/color.hpp>
#include <lookalike/image/detail/row_blocks.hpp>
#include <lookalike/image/image.hpp>
#include <lookalike/simd/gamut.hpp>

namespace lookalike {

/// L* of a picture in L*a*b*.
inline image<1> lightness_of_lab(const image<3>& lab) {
  image<1> lightness(lab.height(), lab.width());
  const float* from = lab.data();
  for (float& value : lightness.values()) {
    value = *from;
    from += 3;
  }
  return lightness;
}

/// {a*, b*} of a picture in L*a*b*.
inline image<2> chroma_of_lab(const image<3>& lab) {
  image<2> chroma(lab.height(), lab.width());
  const float* from = lab.data();
  float* to = chroma.data();
  for (std::ptrdiff_t i = 0; i < lab.area(); ++i, from += 3, to += 2) {
    to[0] = from[1];
    to[1] = from[2];
  }
  return chroma;
}

/// L* of a picture in sRGB: the first channel of `rgb_to_lab`, bit for bit.
inline image<1> lightness(const image<3>& picture) {
  return lightness_of_lab(rgb_to_lab(picture));
}

/// Lightness and chroma together, as they are, in L*a*b*. Throws `value_error` unless both have the same
/// extent.
inline image<3> with_chroma(const image<1>& lightness, const image<2>& chroma) {
  require(same_extent(lightness, chroma), "with_chroma: given chroma of ", chroma.height(), "x",
          chroma.width(), " (height x width), wanted the lightness's ", lightness.height(), "x",
          lightness.width());
  image<3> lab(lightness.height(), lightness.width());
  const float* gray = lightness.data();
  const float* color = chroma.data();
  float* to = lab.data();
  for (std::ptrdiff_t i = 0; i < lab.area(); ++i, ++gray, color += 2, to += 3) {
    to[0] = gray[0];
    to[1] = color[0];
    to[2] = color[1];
  }
  return lab;
}

/// A lightness as a gray picture in sRGB, all channels alike.
inline image<3> gray_picture(const image<1>& lightness) {
  return lab_to_rgb(with_chroma(lightness, image<2>(lightness.height(), lightness.width())));
}

/// The picture with the chroma of colors that sRGB cannot show reduced, at the same hue, until it can. L* and
/// the colors that it can show stay bit for bit. `lab_to_rgb` clips instead, which changes lightness and hue.
/// So L* in [0, 100] survives in sRGB: as floats within 0.05, and rounded to bytes within 0.3 (0.07 on
/// average), which is what rounding costs.
inline image<3> limit_chroma(image<3> lab) {
  constexpr double nanoseconds_a_pixel = 8;
  detail::for_row_blocks(lab.height(), nanoseconds_a_pixel * lab.width(), [&](int first, int last) {
    simd::limit_chroma(lab.row(first).data(), static_cast<std::ptrdiff_t>(last - first) * lab.width());
  });
  return lab;
}

/// Mean of sqrt(a*^2 + b*^2): how saturated a picture in L*a*b* is. 0 for a gray or empty one.
inline double mean_chroma(const image<3>& lab) {
  double sum = 0;
  const float* pixel = lab.data();
  for (std::ptrdiff_t i = 0; i < lab.area(); ++i, pixel += 3)
    sum += std::sqrt(double{pixel[1]} * pixel[1] + double{pixel[2]} * pixel[2]);
  return lab.area() > 0 ? sum / static_cast<double>(lab.area()) : 0.0;
}

}  // namespace lookalike

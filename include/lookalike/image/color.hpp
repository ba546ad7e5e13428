#pragma once

/// \file
/// Color spaces: sRGB (IEC 61966-2-1), linear light, CIE L*a*b* (1976, illuminant D65, 2 degree observer)
/// and gray. The constants are those of scikit-image 0.26, with whose results these agree.
///
/// sRGB and linear values lie in [0, 1]; L* in [0, 100]; for colors of sRGB a* in [-86.2, 98.3] and b* in
/// [-107.9, 94.5]. Values beyond are extrapolated, NaN stays NaN.

#include <array>
#include <cmath>

#include <lookalike/image/detail/row_blocks.hpp>
#include <lookalike/image/image.hpp>
#include <lookalike/simd/color.hpp>

namespace lookalike {

/// One sRGB value as linear light.
inline float srgb_to_linear(float value) {
  using k = simd::color_constants;
  return value > k::srgb_knee ? std::pow((value + 0.055f) / 1.055f, 2.4f) : value / 12.92f;
}

/// One value of linear light as sRGB.
inline float linear_to_srgb(float value) {
  using k = simd::color_constants;
  return value > k::linear_knee ? 1.055f * std::pow(value, 1.0f / 2.4f) - 0.055f : value * 12.92f;
}

/// One color. Pictures convert about ten times faster a pixel.
inline std::array<float, 3> rgb_to_lab(const std::array<float, 3>& rgb) {
  std::array<float, 3> lab;
  simd::rgb_to_lab(rgb.data(), lab.data(), 1);
  return lab;
}
inline std::array<float, 3> lab_to_rgb(const std::array<float, 3>& lab, bool clamp = true) {
  std::array<float, 3> rgb;
  simd::lab_to_rgb(lab.data(), rgb.data(), 1, clamp);
  return rgb;
}

namespace detail {

/// Converts rows of a picture with `convert(from, to, pixels)`.
template <int Channels, class Convert>
image<Channels> convert_color(const image<Channels>& from, const Convert& convert) {
  constexpr double nanoseconds_a_pixel = 4;
  image<Channels> to(from.height(), from.width());
  for_row_blocks(from.height(), nanoseconds_a_pixel * from.width(), [&](int first, int last) {
    convert(from.row(first).data(), to.row(first).data(),
            static_cast<std::ptrdiff_t>(last - first) * from.width());
  });
  return to;
}

}  // namespace detail

/// A picture in sRGB as linear light, value by value.
template <int Channels>
image<Channels> srgb_to_linear(const image<Channels>& picture) {
  return detail::convert_color(picture, [](const float* from, float* to, std::ptrdiff_t pixels) {
    simd::srgb_to_linear(from, to, pixels * Channels);
  });
}

/// A picture in linear light as sRGB, value by value.
template <int Channels>
image<Channels> linear_to_srgb(const image<Channels>& picture) {
  return detail::convert_color(picture, [](const float* from, float* to, std::ptrdiff_t pixels) {
    simd::linear_to_srgb(from, to, pixels * Channels);
  });
}

/// A picture in sRGB as CIE L*a*b*, channels in this order. Within 1e-4 of exact arithmetic.
inline image<3> rgb_to_lab(const image<3>& picture) {
  return detail::convert_color(picture, [](const float* from, float* to, std::ptrdiff_t pixels) {
    simd::rgb_to_lab(from, to, pixels);
  });
}

/// The way back. Colors that sRGB cannot show are limited to [0, 1], unless `clamp` is false.
inline image<3> lab_to_rgb(const image<3>& picture, bool clamp = true) {
  return detail::convert_color(picture, [clamp](const float* from, float* to, std::ptrdiff_t pixels) {
    simd::lab_to_rgb(from, to, pixels, clamp);
  });
}

/// Luma of a picture: 0.2125 red + 0.7154 green + 0.0721 blue, taken of the sRGB values as they are, as
/// scikit-image's rgb2gray does (the CIE weights of contemporary displays).
inline image<1> rgb_to_gray(const image<3>& picture) {
  image<1> gray(picture.height(), picture.width());
  const float* from = picture.data();
  for (float& value : gray.values()) {
    value = 0.2125f * from[0] + 0.7154f * from[1] + 0.0721f * from[2];
    from += 3;
  }
  return gray;
}

}  // namespace lookalike

#pragma once

/// \file
/// Rows of pixels from sRGB to the color space l-alpha-beta and back (image/l_alpha_beta.hpp has its
/// sources).

#include <cstddef>

#include <xsimd/xsimd.hpp>

#include <lookalike/simd/color.hpp>
#include <lookalike/simd/instruction_set.hpp>

namespace lookalike::simd::inline LOOKALIKE_SIMD_NAMESPACE {

/// Constants of Reinhard et al. 2001; the inverse to ten digits, not the rounded one that they print.
struct l_alpha_beta_constants {
  static constexpr float lms_from_rgb[3][3] = {
      {0.3811f, 0.5783f, 0.0402f}, {0.1967f, 0.7244f, 0.0782f}, {0.0241f, 0.1288f, 0.8444f}};
  static constexpr float rgb_from_lms[3][3] = {{4.4686698635f, -3.5886759035f, 0.1196043666f},
                                               {-1.2197166276f, 2.3830879130f, -0.1626301118f},
                                               {0.0585084769f, -0.2610784390f, 1.2056659085f}};
  static constexpr float least_response = 1.0f / 1024;
  static constexpr float root_3 = 0.57735026919f;  // 1 / sqrt(3), and so on
  static constexpr float root_6 = 0.40824829046f;
  static constexpr float root_2 = 0.70710678119f;
};

/// `count` pixels. `from` and `to` may be the same.
inline void rgb_to_l_alpha_beta(const float* from, float* to, std::ptrdiff_t count) {
  using namespace color_detail;
  using k = l_alpha_beta_constants;
  for_each_pixel(from, to, count, [](floats& a, floats& b, floats& c) {
    const auto decades = [&](const float(&row)[3]) {
      return xsimd::log10(xsimd::max(times_row(row, 1.0f, a, b, c), floats(k::least_response)));
    };
    const floats l = decades(k::lms_from_rgb[0]);
    const floats m = decades(k::lms_from_rgb[1]);
    const floats s = decades(k::lms_from_rgb[2]);
    a = (l + m + s) * floats(k::root_3);
    b = (l + m - (s + s)) * floats(k::root_6);
    c = (l - m) * floats(k::root_2);
  });
}
inline void l_alpha_beta_to_rgb(const float* from, float* to, std::ptrdiff_t count) {
  using namespace color_detail;
  using k = l_alpha_beta_constants;
  for_each_pixel(from, to, count, [](floats& a, floats& b, floats& c) {
    const floats light = a * floats(k::root_3);
    const floats yellow = b * floats(k::root_6);
    const floats red = c * floats(k::root_2);
    const floats l = xsimd::exp10(light + yellow + red);
    const floats m = xsimd::exp10(light + yellow - red);
    const floats s = xsimd::exp10(light - (yellow + yellow));
    a = times_row(k::rgb_from_lms[0], 1.0f, l, m, s);
    b = times_row(k::rgb_from_lms[1], 1.0f, l, m, s);
    c = times_row(k::rgb_from_lms[2], 1.0f, l, m, s);
  });
}

}  // namespace lookalike::simd::inline LOOKALIKE_SIMD_NAMESPACE

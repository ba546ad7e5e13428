#pragma once

/// \file
/// Color conversion of rows of pixels. Roots are found by Newton's iteration from a guess that divides the
/// logarithm of the number (the inverse square root trick, for other roots): no table and no division.

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include <lookalike/simd/detail/xsimd.hpp>
#include <lookalike/simd/instruction_set.hpp>

namespace lookalike::simd::inline LOOKALIKE_SIMD_NAMESPACE {

/// Constants of sRGB (IEC 61966-2-1) and CIE L*a*b* (illuminant D65, 2 degree observer), with the digits
/// that scikit-image uses.
struct color_constants {
  static constexpr float xyz_from_rgb[3][3] = {{0.412453f, 0.357580f, 0.180423f},
                                               {0.212671f, 0.715160f, 0.072169f},
                                               {0.019334f, 0.119193f, 0.950227f}};
  static constexpr float rgb_from_xyz[3][3] = {{3.24048134f, -1.53715152f, -0.49853633f},
                                               {-0.96925495f, 1.87599000f, 0.04155593f},
                                               {0.05564664f, -0.20404134f, 1.05731107f}};
  static constexpr float white[3] = {0.95047f, 1.0f, 1.08883f};
  static constexpr float srgb_knee = 0.04045f;      // below: linear
  static constexpr float linear_knee = 0.0031308f;  // its linear value
  static constexpr float lab_knee = 0.008856f;      // below: linear
  static constexpr float lab_knee_root = 0.2068966f;
  static constexpr float lab_slope = 7.787f;
  static constexpr float lab_offset = 16.0f / 116.0f;
};

namespace color_detail {

using floats = xsimd::batch<float>;
using integers = xsimd::batch<std::int32_t>;

/// x^(-1/Root) for x > 0, within 4 %: the bits of a float, read as an integer, are nearly its logarithm.
template <int Root>
inline floats guess_inverse_root(const floats& x) {
  constexpr float one = 0x3f800000;     // the bits of 1.0f
  constexpr float octave = 0x00800000;  // by which they grow when the number doubles
  constexpr float offset = (Root == 3 ? 0.0680f : 0.0618f) * octave;  // makes the largest error smallest
  const floats logarithm = xsimd::to_float(xsimd::bitwise_cast<integers>(x));
  const floats bits = floats(one * (1.0f + 1.0f / Root) - offset) - logarithm * floats(1.0f / Root);
  return xsimd::bitwise_cast<floats>(xsimd::to_int(bits));
}

/// Cube root of x > 0: three terms of the series of (1 - e)^(-1/3), e = 1 - x y^3, then a step of Newton's.
inline floats cube_root(const floats& x) {
  floats y = guess_inverse_root<3>(x);
  const floats e = xsimd::fnma(x * y, y * y, floats(1.0f));
  const floats series =
      xsimd::fma(e, xsimd::fma(e, floats(14.0f / 81.0f), floats(2.0f / 9.0f)), floats(1.0f / 3.0f));
  y = xsimd::fma(y * e, series, y);
  const floats square = y * y;
  const floats root = x * square;
  return xsimd::fma(xsimd::fnma(root * root, root, x), square * floats(1.0f / 3.0f), root);
}

/// x^2.4 = x^3 (x^(-1/5))^3 for x > 0, the root by three terms of the series and a step of Newton's.
inline floats power_2_4(const floats& x) {
  floats y = guess_inverse_root<5>(x);
  floats square = y * y;
  floats e = xsimd::fnma(x * y, square * square, floats(1.0f));
  const floats series =
      xsimd::fma(e, xsimd::fma(e, floats(11.0f / 125.0f), floats(3.0f / 25.0f)), floats(1.0f / 5.0f));
  y = xsimd::fma(y * e, series, y);
  square = y * y;
  e = xsimd::fnma(x * y, square * square, floats(1.0f));
  y = xsimd::fma(y * e, floats(1.0f / 5.0f), y);
  const floats product = x * y;
  return product * product * product;
}

inline floats srgb_to_linear(const floats& value) {
  using k = color_constants;
  const auto is_curved = value > floats(k::srgb_knee);
  const floats safe = xsimd::select(is_curved, value, floats(1.0f));
  const floats curved = power_2_4(xsimd::fma(safe, floats(1.0f / 1.055f), floats(0.055f / 1.055f)));
  return xsimd::select(is_curved, curved, value * floats(1.0f / 12.92f));
}

/// x^(1/2.4) = x^(1/4) x^(1/6).
inline floats linear_to_srgb(const floats& value) {
  using k = color_constants;
  const auto is_curved = value > floats(k::linear_knee);
  const floats root = xsimd::sqrt(xsimd::select(is_curved, value, floats(1.0f)));
  const floats curved = xsimd::fma(xsimd::sqrt(root) * cube_root(root), floats(1.055f), floats(-0.055f));
  return xsimd::select(is_curved, curved, value * floats(12.92f));
}

/// The function f of CIE L*a*b*.
inline floats lab_curve(const floats& value) {
  using k = color_constants;
  const auto is_curved = value > floats(k::lab_knee);
  const floats curved = cube_root(xsimd::select(is_curved, value, floats(1.0f)));
  return xsimd::select(is_curved, curved, xsimd::fma(value, floats(k::lab_slope), floats(k::lab_offset)));
}

inline floats inverse_lab_curve(const floats& value) {
  using k = color_constants;
  const floats straight = (value - floats(k::lab_offset)) * floats(1.0f / k::lab_slope);
  return xsimd::select(value > floats(k::lab_knee_root), value * value * value, straight);
}

/// Row `i` of a 3x3 matrix, divided by `divisor`, times a vector.
inline floats times_row(const float (&row)[3], float divisor, const floats& a, const floats& b,
                        const floats& c) {
  return xsimd::fma(a, floats(row[0] / divisor),
                    xsimd::fma(b, floats(row[1] / divisor), c * floats(row[2] / divisor)));
}

/// Applies `convert(a, b, c)`, which changes three batches in place, to `count` pixels of three floats.
template <class Convert>
inline void for_each_pixel(const float* from, float* to, std::ptrdiff_t count, const Convert& convert) {
  constexpr std::ptrdiff_t block = 128;
  alignas(64) float planes[3][block] = {};
  constexpr auto lanes = static_cast<std::ptrdiff_t>(floats::size);
  static_assert(block % lanes == 0);
  for (std::ptrdiff_t begin = 0; begin < count; begin += block) {
    const std::ptrdiff_t length = std::min(block, count - begin);
    const float* source = from + 3 * begin;
    for (std::ptrdiff_t i = 0; i < length; ++i) {
      planes[0][i] = source[3 * i];
      planes[1][i] = source[3 * i + 1];
      planes[2][i] = source[3 * i + 2];
    }
    for (std::ptrdiff_t i = 0; i < length; i += lanes) {
      floats a = floats::load_aligned(planes[0] + i);
      floats b = floats::load_aligned(planes[1] + i);
      floats c = floats::load_aligned(planes[2] + i);
      convert(a, b, c);
      a.store_aligned(planes[0] + i);
      b.store_aligned(planes[1] + i);
      c.store_aligned(planes[2] + i);
    }
    float* target = to + 3 * begin;
    for (std::ptrdiff_t i = 0; i < length; ++i) {
      target[3 * i] = planes[0][i];
      target[3 * i + 1] = planes[1][i];
      target[3 * i + 2] = planes[2][i];
    }
  }
}

/// Applies `convert(a)` to `count` floats.
template <class Convert>
inline void for_each_value(const float* from, float* to, std::ptrdiff_t count, const Convert& convert) {
  constexpr auto lanes = static_cast<std::ptrdiff_t>(floats::size);
  std::ptrdiff_t i = 0;
  for (; i + lanes <= count; i += lanes) convert(floats::load_unaligned(from + i)).store_unaligned(to + i);
  if (i == count) return;
  alignas(64) float rest[floats::size] = {};
  std::copy(from + i, from + count, rest);
  convert(floats::load_aligned(rest)).store_aligned(rest);
  std::copy(rest, rest + (count - i), to + i);
}

}  // namespace color_detail

/// `count` sRGB values to linear light and back. `from` and `to` may be the same.
inline void srgb_to_linear(const float* from, float* to, std::ptrdiff_t count) {
  color_detail::for_each_value(from, to, count, [](auto v) { return color_detail::srgb_to_linear(v); });
}
inline void linear_to_srgb(const float* from, float* to, std::ptrdiff_t count) {
  color_detail::for_each_value(from, to, count, [](auto v) { return color_detail::linear_to_srgb(v); });
}

/// `count` pixels of sRGB to L*a*b*. `from` and `to` may be the same.
inline void rgb_to_lab(const float* from, float* to, std::ptrdiff_t count) {
  using namespace color_detail;
  using k = color_constants;
  for_each_pixel(from, to, count, [](floats& a, floats& b, floats& c) {
    const floats red = srgb_to_linear(a);
    const floats green = srgb_to_linear(b);
    const floats blue = srgb_to_linear(c);
    const floats x = lab_curve(times_row(k::xyz_from_rgb[0], k::white[0], red, green, blue));
    const floats y = lab_curve(times_row(k::xyz_from_rgb[1], k::white[1], red, green, blue));
    const floats z = lab_curve(times_row(k::xyz_from_rgb[2], k::white[2], red, green, blue));
    a = xsimd::fma(y, floats(116.0f), floats(-16.0f));
    b = floats(500.0f) * (x - y);
    c = floats(200.0f) * (y - z);
  });
}

/// `count` pixels of L*a*b* to sRGB, limited to [0, 1] if `clamp` (and, as in scikit-image, with strong
/// yellows first limited to what L* allows). `from` and `to` may be the same.
inline void lab_to_rgb(const float* from, float* to, std::ptrdiff_t count, bool clamp) {
  using namespace color_detail;
  using k = color_constants;
  for_each_pixel(from, to, count, [clamp](floats& a, floats& b, floats& c) {
    const floats middle = (a + floats(16.0f)) * floats(1.0f / 116.0f);
    const floats x = inverse_lab_curve(xsimd::fma(b, floats(1.0f / 500.0f), middle)) * floats(k::white[0]);
    const floats y = inverse_lab_curve(middle) * floats(k::white[1]);
    floats z = xsimd::fnma(c, floats(1.0f / 200.0f), middle);
    if (clamp) z = xsimd::max(z, floats(0.0f));
    z = inverse_lab_curve(z) * floats(k::white[2]);
    a = linear_to_srgb(times_row(k::rgb_from_xyz[0], 1.0f, x, y, z));
    b = linear_to_srgb(times_row(k::rgb_from_xyz[1], 1.0f, x, y, z));
    c = linear_to_srgb(times_row(k::rgb_from_xyz[2], 1.0f, x, y, z));
    if (!clamp) return;
    for (floats* value : {&a, &b, &c}) *value = xsimd::min(xsimd::max(*value, floats(0.0f)), floats(1.0f));
  });
}

}  // namespace lookalike::simd::inline LOOKALIKE_SIMD_NAMESPACE

#pragma once

/// \file
/// Colors that sRGB cannot show, brought into its gamut without a change of lightness or hue.

#include <cstddef>

#include <xsimd/xsimd.hpp>

#include <lookalike/simd/color.hpp>
#include <lookalike/simd/instruction_set.hpp>

namespace lookalike::simd::inline LOOKALIKE_SIMD_NAMESPACE {

namespace color_detail {

/// Linear sRGB of the color whose f(Y) is `middle` and whose a* and b* are divided by 500 and 200.
struct linear_color {
  floats red, green, blue;

  linear_color(const floats& middle, const floats& a, const floats& b) {
    using k = color_constants;
    const floats x = inverse_lab_curve(middle + a) * floats(k::white[0]);
    const floats y = inverse_lab_curve(middle) * floats(k::white[1]);
    const floats z = inverse_lab_curve(middle - b) * floats(k::white[2]);
    red = times_row(k::rgb_from_xyz[0], 1.0f, x, y, z);
    green = times_row(k::rgb_from_xyz[1], 1.0f, x, y, z);
    blue = times_row(k::rgb_from_xyz[2], 1.0f, x, y, z);
  }

  /// Whether all three lie in [0, 1]. The two matrices of sRGB have six digits and are not quite each
  /// other's inverse, hence the tolerances: they let every color of 8-bit sRGB through as it is.
  xsimd::batch_bool<float> is_shown() const {
    constexpr float tolerance = 2e-4f;  // relative, since a little light is much lightness in the dark
    constexpr float rounding = 1e-6f;
    const floats least = xsimd::min(red, xsimd::min(green, blue));
    const floats most = xsimd::max(red, xsimd::max(green, blue));
    return least >= xsimd::fnma(most, floats(tolerance), floats(-rounding)) &&
           most <= floats(1.0f + tolerance);
  }
};

}  // namespace color_detail

/// Multiplies a* and b* of `count` pixels of L*a*b* by the largest factor in [0, 1] (in steps of 1/4096) with
/// which sRGB can show the color. L* is not written to. Pixels that sRGB can show stay as they are, bit for
/// bit; those with an L* beyond [0, 100] become gray.
inline void limit_chroma(float* lab, std::ptrdiff_t count) {
  using namespace color_detail;
  constexpr auto lanes = static_cast<std::ptrdiff_t>(floats::size);
  constexpr int steps = 12;
  for (std::ptrdiff_t begin = 0; begin < count; begin += lanes) {
    const std::ptrdiff_t length = std::min(lanes, count - begin);
    float* pixel = lab + 3 * begin;
    alignas(64) float planes[3][floats::size] = {};
    for (std::ptrdiff_t i = 0; i < length; ++i) {
      for (std::ptrdiff_t c = 0; c < 3; ++c) planes[c][i] = pixel[3 * i + c];
    }
    const floats middle = (floats::load_aligned(planes[0]) + floats(16.0f)) * floats(1.0f / 116.0f);
    const floats a = floats::load_aligned(planes[1]) * floats(1.0f / 500.0f);
    const floats b = floats::load_aligned(planes[2]) * floats(1.0f / 200.0f);
    const auto shown = linear_color(middle, a, b).is_shown();
    if (xsimd::all(shown)) continue;
    floats factor(0.0f);
    floats step(0.5f);
    for (int i = 0; i < steps; ++i, step *= floats(0.5f)) {
      const floats tried = factor + step;
      factor = xsimd::select(linear_color(middle, a * tried, b * tried).is_shown(), tried, factor);
    }
    factor = xsimd::select(shown, floats(1.0f), factor);
    alignas(64) float factors[floats::size];
    factor.store_aligned(factors);
    for (std::ptrdiff_t i = 0; i < length; ++i) {
      if (factors[i] == 1.0f) continue;
      pixel[3 * i + 1] *= factors[i];
      pixel[3 * i + 2] *= factors[i];
    }
  }
}

}  // namespace lookalike::simd::inline LOOKALIKE_SIMD_NAMESPACE

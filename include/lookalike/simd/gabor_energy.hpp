#pragma once

/// \file
/// The two elementwise loops of a bank of Gabor filters (retrieve/detail/gabor_bank.hpp).

#include <cstddef>

#include <lookalike/simd/detail/xsimd.hpp>
#include <lookalike/simd/instruction_set.hpp>

namespace lookalike::simd::inline LOOKALIKE_SIMD_NAMESPACE {

/// product[i] = a[i] b[i] for i < count.
inline void multiply(std::ptrdiff_t count, const float* a, const float* b, float* product) {
  using batch = xsimd::batch<float>;
  constexpr auto lanes = static_cast<std::ptrdiff_t>(batch::size);
  std::ptrdiff_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    (batch::load_unaligned(a + i) * batch::load_unaligned(b + i)).store_unaligned(product + i);
  }
  for (; i < count; ++i) product[i] = a[i] * b[i];
}

/// The separable sums that make up a complex response at the four points (+-x, +-y). Each pointer is a row
/// over x: the sum with cos(ux) at [x], that with sin(ux) at [x + half].
struct wave_rows {
  const float* real_cosine;       ///< real part of the spectrum, cos(vy)
  const float* real_sine;         ///< real part of the spectrum, sin(vy)
  const float* imaginary_cosine;  ///< imaginary part, cos(vy)
  const float* imaginary_sine;    ///< imaginary part, sin(vy)
};

/// Where |response| is added up, one sum for each x: the first sign is that of y, the second that of x.
struct quadrant_sums {
  float* plus_plus;
  float* plus_minus;
  float* minus_plus;
  float* minus_minus;
};

/// Adds |response(+-x, +-y)| for all x < half, a multiple of the vector length.
///
/// With T = sum over u, v of H(u, v) exp(i(vy)), exp(iux) splits into cosine and sine, and mirrored points
/// share all products: response(+-x) = (Tr C -+ Ti S) + i (+-Tr S + Ti C).
inline void add_gabor_energy(std::ptrdiff_t half, const wave_rows& rows, const quadrant_sums& sums) {
  using batch = xsimd::batch<float>;
  constexpr auto lanes = static_cast<std::ptrdiff_t>(batch::size);
  const auto add_magnitude = [](float* sum, const batch& real, const batch& imaginary) {
    const batch magnitude = xsimd::sqrt(xsimd::fma(real, real, imaginary * imaginary));
    (batch::load_unaligned(sum) + magnitude).store_unaligned(sum);
  };
  for (std::ptrdiff_t x = 0; x < half; x += lanes) {
    const auto cosine = [&](const float* row) { return batch::load_unaligned(row + x); };
    const auto sine = [&](const float* row) { return batch::load_unaligned(row + x + half); };
    const batch ac = cosine(rows.real_cosine), as = sine(rows.real_cosine);
    const batch bc = cosine(rows.real_sine), bs = sine(rows.real_sine);
    const batch cc = cosine(rows.imaginary_cosine), cs = sine(rows.imaginary_cosine);
    const batch dc = cosine(rows.imaginary_sine), ds = sine(rows.imaginary_sine);
    // y > 0: T = (a - d) + i (b + c).
    const batch above_real_c = ac - dc, above_real_s = as - ds;
    const batch above_imaginary_c = bc + cc, above_imaginary_s = bs + cs;
    add_magnitude(sums.plus_plus + x, above_real_c - above_imaginary_s, above_real_s + above_imaginary_c);
    add_magnitude(sums.plus_minus + x, above_real_c + above_imaginary_s, above_imaginary_c - above_real_s);
    // y < 0: T = (a + d) + i (c - b).
    const batch below_real_c = ac + dc, below_real_s = as + ds;
    const batch below_imaginary_c = cc - bc, below_imaginary_s = cs - bs;
    add_magnitude(sums.minus_plus + x, below_real_c - below_imaginary_s, below_real_s + below_imaginary_c);
    add_magnitude(sums.minus_minus + x, below_real_c + below_imaginary_s, below_imaginary_c - below_real_s);
  }
}

}  // namespace lookalike::simd::inline LOOKALIKE_SIMD_NAMESPACE

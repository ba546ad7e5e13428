#pragma once

/// \file
/// The elementwise loops of a bank of Gabor filters (retrieve/detail/gabor_bank.hpp).
///
/// A sum of waves over a line of points that lies symmetrically about the middle splits into an even part,
/// a sum of cosines, and an odd one, a sum of sines; along two directions it splits into four parts.

#include <cstddef>

#include <lookalike/simd/detail/xsimd.hpp>
#include <lookalike/simd/instruction_set.hpp>

namespace lookalike::simd::inline LOOKALIKE_SIMD_NAMESPACE {

/// A complex number at each of some points.
template <class Pointer>
struct complex_row {
  Pointer real;
  Pointer imaginary;
};

/// One value for each combination of parities, that of the first direction first.
template <class Value>
struct parity_parts {
  Value even_even;
  Value even_odd;
  Value odd_even;
  Value odd_odd;
};

/// One row of a filter's pass-band, about whose middle frequencies come in pairs. The spectrum and the
/// transfer function stand at `++` where both frequencies lie above the middle, at `-+` where only the
/// second does, and so on. Since the picture is real, what lies below the second frequency's middle is read,
/// in ascending order, as the conjugate of the opposite frequency.
struct band_row {
  complex_row<const float*> plus_plus;
  complex_row<const float*> minus_plus;
  complex_row<const float*> plus_minus_conjugate;
  complex_row<const float*> minus_minus_conjugate;
  parity_parts<const float*> transfer;  ///< ++, +-, -+, --
};

/// Filters a row and splits it: the sum over both frequencies is even-even where it is a sum of cosines in
/// both directions. `parts` each take `count` complex numbers.
inline void fold_band(std::ptrdiff_t count, const band_row& row,
                      const parity_parts<complex_row<float*>>& parts) {
  using batch = xsimd::batch<float>;
  constexpr auto lanes = static_cast<std::ptrdiff_t>(batch::size);
  const auto fold = [&](auto load, auto store, std::ptrdiff_t i) {
    const auto t_pp = load(row.transfer.even_even + i), t_pm = load(row.transfer.even_odd + i);
    const auto t_mp = load(row.transfer.odd_even + i), t_mm = load(row.transfer.odd_odd + i);
    const auto split = [&](auto pp, auto pm, auto mp, auto mm, float* const* to) {
      const auto above_even = pp + pm, above_odd = pp - pm;
      const auto below_even = mp + mm, below_odd = mp - mm;
      store(above_even + below_even, to[0] + i);
      store(above_odd + below_odd, to[1] + i);
      store(above_even - below_even, to[2] + i);
      store(above_odd - below_odd, to[3] + i);
    };
    float* const reals[] = {parts.even_even.real, parts.even_odd.real, parts.odd_even.real,
                            parts.odd_odd.real};
    float* const imaginaries[] = {parts.even_even.imaginary, parts.even_odd.imaginary,
                                  parts.odd_even.imaginary, parts.odd_odd.imaginary};
    split(t_pp * load(row.plus_plus.real + i), t_pm * load(row.plus_minus_conjugate.real + i),
          t_mp * load(row.minus_plus.real + i), t_mm * load(row.minus_minus_conjugate.real + i), reals);
    split(t_pp * load(row.plus_plus.imaginary + i), -(t_pm * load(row.plus_minus_conjugate.imaginary + i)),
          t_mp * load(row.minus_plus.imaginary + i), -(t_mm * load(row.minus_minus_conjugate.imaginary + i)),
          imaginaries);
  };
  std::ptrdiff_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    fold([](const float* from) { return batch::load_unaligned(from); },
         [](const batch& value, float* to) { value.store_unaligned(to); }, i);
  }
  for (; i < count; ++i) {
    fold([](const float* from) { return *from; }, [](float value, float* to) { *to = value; }, i);
  }
}

/// Where |response| is added up, one sum for each x: the first sign is that of y, the second that of x.
struct quadrant_sums {
  float* plus_plus;
  float* plus_minus;
  float* minus_plus;
  float* minus_minus;
};

/// Adds |response(+-x, +-y)| for all x < count, a multiple of the vector length. `rows` are the sums of a
/// row y with cosines (even) and sines (odd), the parity along y first:
///
///     response(x, y) = even_even + i odd_even + i even_odd - odd_odd
///
/// and at mirrored points with the opposite sign of what is odd there.
inline void add_gabor_energy(std::ptrdiff_t count, const parity_parts<complex_row<const float*>>& rows,
                             const quadrant_sums& sums) {
  using batch = xsimd::batch<float>;
  constexpr auto lanes = static_cast<std::ptrdiff_t>(batch::size);
  const auto add_magnitude = [](float* sum, const batch& real, const batch& imaginary) {
    const batch magnitude = xsimd::sqrt(xsimd::fma(real, real, imaginary * imaginary));
    (batch::load_unaligned(sum) + magnitude).store_unaligned(sum);
  };
  for (std::ptrdiff_t x = 0; x < count; x += lanes) {
    const auto real = [&](const auto& row) { return batch::load_unaligned(row.real + x); };
    const auto imaginary = [&](const auto& row) { return batch::load_unaligned(row.imaginary + x); };
    const batch ee_real = real(rows.even_even), ee_imaginary = imaginary(rows.even_even);
    const batch eo_real = real(rows.even_odd), eo_imaginary = imaginary(rows.even_odd);
    const batch oe_real = real(rows.odd_even), oe_imaginary = imaginary(rows.odd_even);
    const batch oo_real = real(rows.odd_odd), oo_imaginary = imaginary(rows.odd_odd);
    // What is even along x, and what is odd; each for y > 0 and y < 0.
    const batch even_above_real = ee_real - oe_imaginary, even_above_imaginary = ee_imaginary + oe_real;
    const batch odd_above_real = eo_imaginary + oo_real, odd_above_imaginary = eo_real - oo_imaginary;
    add_magnitude(sums.plus_plus + x, even_above_real - odd_above_real,
                  even_above_imaginary + odd_above_imaginary);
    add_magnitude(sums.plus_minus + x, even_above_real + odd_above_real,
                  even_above_imaginary - odd_above_imaginary);
    const batch even_below_real = ee_real + oe_imaginary, even_below_imaginary = ee_imaginary - oe_real;
    const batch odd_below_real = eo_imaginary - oo_real, odd_below_imaginary = eo_real + oo_imaginary;
    add_magnitude(sums.minus_plus + x, even_below_real - odd_below_real,
                  even_below_imaginary + odd_below_imaginary);
    add_magnitude(sums.minus_minus + x, even_below_real + odd_below_real,
                  even_below_imaginary - odd_below_imaginary);
  }
}

}  // namespace lookalike::simd::inline LOOKALIKE_SIMD_NAMESPACE

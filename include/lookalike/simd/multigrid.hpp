#pragma once

/// \file
/// Row operations of a multigrid solver for 5-point equations
///
///   diagonal * u - (sum over the four neighbors of link * u) = f
///
/// on a padded grid of floats. A row is handed over as a pointer to its first value; `count` is a multiple of
/// `multigrid_lanes`; the value before the row and those up to `count` + 1 exist. Where `diagonal` (and with
/// it its inverse) is zero there is no unknown, and u stays zero. Rows start on a cache line.

#include <algorithm>
#include <cstddef>

#include <lookalike/simd/detail/xsimd.hpp>
#include <lookalike/simd/instruction_set.hpp>

namespace lookalike::simd::inline LOOKALIKE_SIMD_NAMESPACE {

/// Rows are padded to a multiple of this many floats, one cache line.
inline constexpr std::ptrdiff_t multigrid_lanes = 16;
static_assert(multigrid_lanes % static_cast<std::ptrdiff_t>(xsimd::batch<float>::size) == 0);

/// A row with its neighbors above and below.
struct row_neighborhood {
  const float* above;
  const float* here;
  const float* below;
};

/// All links have weight one: neighbors without an unknown are zero and so do not count.
struct unit_links {
  template <class Floats>
  Floats weighted_sum(const row_neighborhood& u, std::ptrdiff_t x) const {
    return (Floats::load_unaligned(u.here + x - 1) + Floats::load_unaligned(u.here + x + 1)) +
           (Floats::load_aligned(u.above + x) + Floats::load_aligned(u.below + x));
  }
};

/// Links with weights: `right[x]` between x and x + 1, `down[x]` to the row below, `up[x]` to the row above.
struct weighted_links {
  const float* right;
  const float* down;
  const float* up;

  template <class Floats>
  Floats weighted_sum(const row_neighborhood& u, std::ptrdiff_t x) const {
    const Floats sides =
        xsimd::fma(Floats::load_unaligned(right + x - 1), Floats::load_unaligned(u.here + x - 1),
                   Floats::load_aligned(right + x) * Floats::load_unaligned(u.here + x + 1));
    return xsimd::fma(Floats::load_aligned(up + x), Floats::load_aligned(u.above + x),
                      xsimd::fma(Floats::load_aligned(down + x), Floats::load_aligned(u.below + x), sides));
  }
};

/// out = weight * inverse_diagonal * f: damped Jacobi from a first guess of zero.
inline void jacobi_from_zero(const float* f, const float* inverse_diagonal, float weight, float* out,
                             std::ptrdiff_t count) {
  using floats = xsimd::batch<float>;
  for (std::ptrdiff_t x = 0; x < count; x += static_cast<std::ptrdiff_t>(floats::size)) {
    (floats(weight) * floats::load_aligned(inverse_diagonal + x) * floats::load_aligned(f + x))
        .store_aligned(out + x);
  }
}

/// out = u + weight * (inverse_diagonal * (f + sum of links * u) - u): one damped Jacobi step. `out` may not
/// be a row of `u`.
template <class Links>
void jacobi(const row_neighborhood& u, const Links& links, const float* f, const float* inverse_diagonal,
            float weight, float* out, std::ptrdiff_t count) {
  using floats = xsimd::batch<float>;
  for (std::ptrdiff_t x = 0; x < count; x += static_cast<std::ptrdiff_t>(floats::size)) {
    const floats wanted = floats::load_aligned(f + x) + links.template weighted_sum<floats>(u, x);
    const floats step = floats::load_aligned(inverse_diagonal + x) * wanted;
    const floats before = floats::load_aligned(u.here + x);
    xsimd::fma(floats(weight), step - before, before).store_aligned(out + x);
  }
}

/// out = f - (diagonal * u - sum of links * u) at unknowns, zero elsewhere.
template <class Links>
void residual(const row_neighborhood& u, const Links& links, const float* f, const float* diagonal,
              float* out, std::ptrdiff_t count) {
  using floats = xsimd::batch<float>;
  for (std::ptrdiff_t x = 0; x < count; x += static_cast<std::ptrdiff_t>(floats::size)) {
    const floats weight = floats::load_aligned(diagonal + x);
    const floats sum = floats::load_aligned(f + x) + links.template weighted_sum<floats>(u, x);
    const floats rest = xsimd::fnma(weight, floats::load_aligned(u.here + x), sum);
    xsimd::select(weight > floats(0.0f), rest, floats(0.0f)).store_aligned(out + x);
  }
}

/// out = diagonal * p - sum of links * p at unknowns, zero elsewhere; returns the inner product of p and out.
template <class Links>
double apply_operator(const row_neighborhood& p, const Links& links, const float* diagonal, float* out,
                      std::ptrdiff_t count) {
  using floats = xsimd::batch<float>;
  floats product(0.0f);
  for (std::ptrdiff_t x = 0; x < count; x += static_cast<std::ptrdiff_t>(floats::size)) {
    const floats weight = floats::load_aligned(diagonal + x);
    const floats here = floats::load_aligned(p.here + x);
    const floats applied = xsimd::fms(weight, here, links.template weighted_sum<floats>(p, x));
    const floats kept = xsimd::select(weight > floats(0.0f), applied, floats(0.0f));
    kept.store_aligned(out + x);
    product = xsimd::fma(here, kept, product);
  }
  return xsimd::hadd(product);
}

/// What `compare_rows` finds.
struct row_comparison {
  double product;   ///< inner product of both rows
  float magnitude;  ///< largest absolute value of the second
};

/// The inner product of r and z, and the largest |z|.
inline row_comparison compare_rows(const float* r, const float* z, std::ptrdiff_t count) {
  using floats = xsimd::batch<float>;
  floats product(0.0f), magnitude(0.0f);
  for (std::ptrdiff_t x = 0; x < count; x += static_cast<std::ptrdiff_t>(floats::size)) {
    const floats value = floats::load_aligned(z + x);
    product = xsimd::fma(floats::load_aligned(r + x), value, product);
    magnitude = xsimd::max(magnitude, xsimd::abs(value));
  }
  alignas(64) float lanes[floats::size];
  magnitude.store_aligned(lanes);
  return {xsimd::hadd(product), *std::max_element(lanes, lanes + floats::size)};
}

/// p = z + factor * p.
inline void turn_direction(const float* z, float factor, float* p, std::ptrdiff_t count) {
  using floats = xsimd::batch<float>;
  for (std::ptrdiff_t x = 0; x < count; x += static_cast<std::ptrdiff_t>(floats::size)) {
    xsimd::fma(floats(factor), floats::load_aligned(p + x), floats::load_aligned(z + x)).store_aligned(p + x);
  }
}

/// solution += step * p and r -= step * applied.
inline void advance(const float* p, const float* applied, float step, float* solution, float* r,
                    std::ptrdiff_t count) {
  using floats = xsimd::batch<float>;
  for (std::ptrdiff_t x = 0; x < count; x += static_cast<std::ptrdiff_t>(floats::size)) {
    xsimd::fma(floats(step), floats::load_aligned(p + x), floats::load_aligned(solution + x))
        .store_aligned(solution + x);
    xsimd::fnma(floats(step), floats::load_aligned(applied + x), floats::load_aligned(r + x))
        .store_aligned(r + x);
  }
}

/// out = (near + far) * 3/4 or 1/4: the vertical half of bilinear weights between cell centers of a grid and
/// one twice as coarse.
inline void blend_rows(const float* near, const float* far, float* out, std::ptrdiff_t count) {
  using floats = xsimd::batch<float>;
  for (std::ptrdiff_t x = 0; x < count; x += static_cast<std::ptrdiff_t>(floats::size)) {
    xsimd::fma(floats(0.75f), floats::load_aligned(near + x), floats(0.25f) * floats::load_aligned(far + x))
        .store_aligned(out + x);
  }
}

/// out = 1/4 a + 3/4 b + 3/4 c + 1/4 d: the transpose of `blend_rows`, for one coarse row.
inline void gather_rows(const float* a, const float* b, const float* c, const float* d, float* out,
                        std::ptrdiff_t count) {
  using floats = xsimd::batch<float>;
  for (std::ptrdiff_t x = 0; x < count; x += static_cast<std::ptrdiff_t>(floats::size)) {
    const floats outer = floats::load_aligned(a + x) + floats::load_aligned(d + x);
    const floats inner = floats::load_aligned(b + x) + floats::load_aligned(c + x);
    xsimd::fma(floats(0.25f), outer, floats(0.75f) * inner).store_aligned(out + x);
  }
}

/// u[2X] += 3/4 c[X] + 1/4 c[X-1] and u[2X+1] += 3/4 c[X] + 1/4 c[X+1] at unknowns, for `coarse_count` X.
/// Reads c[-1] and c[coarse_count].
inline void add_interpolated(const float* c, const float* inverse_diagonal, float* u,
                             std::ptrdiff_t coarse_count) {
  for (std::ptrdiff_t x = 0; x < coarse_count; ++x) {
    const float center = 0.75f * c[x];
    u[2 * x] += inverse_diagonal[2 * x] > 0 ? center + 0.25f * c[x - 1] : 0.0f;
    u[2 * x + 1] += inverse_diagonal[2 * x + 1] > 0 ? center + 0.25f * c[x + 1] : 0.0f;
  }
}

/// out[X] = 1/4 v[2X-1] + 3/4 v[2X] + 3/4 v[2X+1] + 1/4 v[2X+2]: the transpose of `add_interpolated`. Reads
/// v[-1] and v[2 * coarse_count].
inline void gather_columns(const float* v, float* out, std::ptrdiff_t coarse_count) {
  for (std::ptrdiff_t x = 0; x < coarse_count; ++x) {
    out[x] = 0.25f * (v[2 * x - 1] + v[2 * x + 2]) + 0.75f * (v[2 * x] + v[2 * x + 1]);
  }
}

}  // namespace lookalike::simd::inline LOOKALIKE_SIMD_NAMESPACE

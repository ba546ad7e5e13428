#pragma once

/// \file
/// The linear maps of Winograd's minimal filtering F(m, r) along one axis: m outputs y of r taps g over
/// m + r - 1 inputs d are y = output(filter(g) * input(d)), where * multiplies number by number (Lavin and
/// Gray 2016, section 4). Points of interpolation: 0, 1, -1 for F(2, 3); +-sqrt(1/2), +-sqrt(2) for F(4, 2);
/// these and 0 for F(4, 3) and F(2, 5), whose error is a tenth of that of the usual 0, +-1, +-2; 0, +-1, +-2,
/// +-1/2 for F(6, 3); and infinity in all.

#include <lookalike/simd/detail/register_tile.hpp>
#include <lookalike/simd/instruction_set.hpp>

namespace lookalike::simd::inline LOOKALIKE_SIMD_NAMESPACE {
namespace detail {

template <int Outputs, int Taps = 3>
struct winograd_transform;

inline floats multiply_add(float a, const floats& b, const floats& c) {
  return xsimd::fma(floats(a), b, c);
}

template <>
struct winograd_transform<2> {
  static void filter(const floats* g, floats* u) {
    const floats half(0.5f);
    const floats even = g[0] + g[2];
    u[0] = g[0];
    u[1] = half * (even + g[1]);
    u[2] = half * (even - g[1]);
    u[3] = g[2];
  }
  static void input(const floats* d, floats* v) {
    v[0] = d[0] - d[2];
    v[1] = d[1] + d[2];
    v[2] = d[2] - d[1];
    v[3] = d[3] - d[1];
  }
  static void output(const floats* m, floats* y) {
    y[0] = m[0] + m[1] + m[2];
    y[1] = m[1] - m[2] + m[3];
  }
};

template <>
struct winograd_transform<4, 2> {
  static constexpr float root = 1.41421356237309505f;
  static constexpr float half_root = root / 2;

  static void filter(const floats* g, floats* u) {
    const floats third = floats(1.0f / 3) * g[1];
    u[0] = multiply_add(-root / 3, g[0], -third);
    u[1] = multiply_add(root / 3, g[0], -third);
    u[2] = multiply_add(root / 6, g[0], third);
    u[3] = multiply_add(-root / 6, g[0], third);
    u[4] = g[1];
  }
  static void input(const floats* d, floats* v) {
    const floats near = multiply_add(-2.0f, d[1], d[3]);
    const floats near_odd = multiply_add(-root, d[0], floats(half_root) * d[2]);
    const floats far = multiply_add(-0.5f, d[1], d[3]);
    const floats far_odd = multiply_add(-half_root, d[0], floats(root) * d[2]);
    v[0] = near + near_odd;
    v[1] = near - near_odd;
    v[2] = far + far_odd;
    v[3] = far - far_odd;
    v[4] = multiply_add(-2.5f, d[2], d[0] + d[4]);
  }
  static void output(const floats* m, floats* y) {
    const floats near = m[0] + m[1], near_odd = m[0] - m[1];
    const floats far = m[2] + m[3], far_odd = m[2] - m[3];
    y[0] = near + far;
    y[1] = multiply_add(root, far_odd, floats(half_root) * near_odd);
    y[2] = multiply_add(2.0f, far, floats(0.5f) * near);
    y[3] = multiply_add(2 * root, far_odd, multiply_add(half_root / 2, near_odd, m[4]));
  }
};

/// Has one point more than F(4, 2): 0.
template <>
struct winograd_transform<4> {
  static constexpr float root = winograd_transform<4, 2>::root;
  static constexpr float half_root = winograd_transform<4, 2>::half_root;

  static void filter(const floats* g, floats* u) {
    const floats near = floats(-1.0f / 3) * multiply_add(2.0f, g[0], g[2]);
    const floats far = multiply_add(1.0f / 6, g[0], floats(1.0f / 3) * g[2]);
    u[0] = g[0];
    u[1] = multiply_add(-root / 3, g[1], near);
    u[2] = multiply_add(root / 3, g[1], near);
    u[3] = multiply_add(root / 6, g[1], far);
    u[4] = multiply_add(-root / 6, g[1], far);
    u[5] = g[2];
  }
  static void input(const floats* d, floats* v) {
    v[0] = multiply_add(-2.5f, d[2], d[0] + d[4]);
    winograd_transform<4, 2>::input(d + 1, v + 1);
  }
  static void output(const floats* m, floats* y) {
    winograd_transform<4, 2>::output(m + 1, y);
    y[0] += m[0];
  }

  // The transposes of `output` and `filter`: gradients of the outputs to those of the products, and gradients
  // of the transformed taps to those of the taps.
  static void output_gradient(const floats* y, floats* m) {
    const floats near = multiply_add(0.5f, y[2], y[0]);
    const floats near_odd = multiply_add(half_root / 2, y[3], floats(half_root) * y[1]);
    const floats far = multiply_add(2.0f, y[2], y[0]);
    const floats far_odd = multiply_add(2 * root, y[3], floats(root) * y[1]);
    m[0] = y[0];
    m[1] = near + near_odd;
    m[2] = near - near_odd;
    m[3] = far + far_odd;
    m[4] = far - far_odd;
    m[5] = y[3];
  }
  static void filter_gradient(const floats* u, floats* g) {
    const floats near = u[1] + u[2], far = u[3] + u[4];
    g[0] = multiply_add(1.0f / 6, far, multiply_add(-2.0f / 3, near, u[0]));
    g[1] = multiply_add(root / 3, u[2] - u[1], floats(root / 6) * (u[3] - u[4]));
    g[2] = multiply_add(1.0f / 3, far - near, u[5]);
  }
};

/// Has the points of F(4, 3), so that its inputs are transformed alike.
template <>
struct winograd_transform<2, 5> {
  static constexpr float root = winograd_transform<4>::root;
  static constexpr float half_root = winograd_transform<4>::half_root;

  static void filter(const floats* g, floats* u) {
    const floats near = floats(-1.0f / 3) * multiply_add(0.5f, g[4], multiply_add(2.0f, g[0], g[2]));
    const floats near_odd = multiply_add(-root / 3, g[1], floats(-root / 6) * g[3]);
    const floats far = multiply_add(2.0f / 3, g[4], multiply_add(1.0f / 3, g[2], floats(1.0f / 6) * g[0]));
    const floats far_odd = multiply_add(root / 6, g[1], floats(root / 3) * g[3]);
    u[0] = g[0];
    u[1] = near + near_odd;
    u[2] = near - near_odd;
    u[3] = far + far_odd;
    u[4] = far - far_odd;
    u[5] = g[4];
  }
  static void input(const floats* d, floats* v) { winograd_transform<4>::input(d, v); }
  static void output(const floats* m, floats* y) {
    y[0] = m[0] + (m[1] + m[2]) + (m[3] + m[4]);
    y[1] = multiply_add(root, m[3] - m[4], multiply_add(half_root, m[1] - m[2], m[5]));
  }
};

template <>
struct winograd_transform<6> {
  static void filter(const floats* g, floats* u) {
    const floats one = floats(-2.0f / 9) * (g[0] + g[2]);
    const floats two = multiply_add(1.0f / 90, g[0], floats(4.0f / 90) * g[2]);
    const floats half = multiply_add(1.0f / 45, g[0], floats(1.0f / 180) * g[2]);
    u[0] = g[0];
    u[1] = multiply_add(-2.0f / 9, g[1], one);
    u[2] = multiply_add(2.0f / 9, g[1], one);
    u[3] = multiply_add(2.0f / 90, g[1], two);
    u[4] = multiply_add(-2.0f / 90, g[1], two);
    u[5] = multiply_add(1.0f / 90, g[1], half);
    u[6] = multiply_add(-1.0f / 90, g[1], half);
    u[7] = g[2];
  }
  static void input(const floats* d, floats* v) {
    v[0] = multiply_add(5.25f, d[4] - d[2], d[0] - d[6]);
    v[7] = multiply_add(5.25f, d[3] - d[5], d[7] - d[1]);
    const floats one = multiply_add(-4.25f, d[4], d[2] + d[6]);
    const floats one_odd = multiply_add(-4.25f, d[3], d[1] + d[5]);
    v[1] = one + one_odd;
    v[2] = one - one_odd;
    const floats two = multiply_add(0.25f, d[2], multiply_add(-1.25f, d[4], d[6]));
    const floats two_odd = multiply_add(0.5f, d[1], multiply_add(-2.5f, d[3], floats(2.0f) * d[5]));
    v[3] = two + two_odd;
    v[4] = two - two_odd;
    const floats half = multiply_add(4.0f, multiply_add(-1.25f, d[4], d[2]), d[6]);
    const floats half_odd = multiply_add(2.0f, d[1], multiply_add(-2.5f, d[3], floats(0.5f) * d[5]));
    v[5] = half + half_odd;
    v[6] = half - half_odd;
  }
  static void output(const floats* m, floats* y) {
    const floats one = m[1] + m[2], one_odd = m[1] - m[2];
    const floats two = m[3] + m[4], two_odd = m[3] - m[4];
    const floats half = m[5] + m[6], half_odd = m[5] - m[6];
    y[0] = m[0] + one + multiply_add(32.0f, half, two);
    y[1] = multiply_add(16.0f, half_odd, multiply_add(2.0f, two_odd, one_odd));
    y[2] = multiply_add(8.0f, half, multiply_add(4.0f, two, one));
    y[3] = multiply_add(4.0f, half_odd, multiply_add(8.0f, two_odd, one_odd));
    y[4] = multiply_add(2.0f, half, multiply_add(16.0f, two, one));
    y[5] = m[7] + one_odd + multiply_add(32.0f, two_odd, half_odd);
  }
};

}  // namespace detail
}  // namespace lookalike::simd::inline LOOKALIKE_SIMD_NAMESPACE

#pragma once

/// \file
/// Activation functions, element by element, and their backward. The output may take the place of the input.
/// In float, values are within a relative 1e-6 of the exact function (GELU and softplus: within 1e-6 of the
/// larger of |x| and the value, and better; see there); NaN stays NaN.
///
/// Backward functions of ReLU, leaky ReLU, ELU, sigmoid and hyperbolic tangent take the output y, those of
/// SiLU, GELU and softplus the input x. gx may take the place of gy. With `accumulate` they add to gx instead
/// of overwriting it.

#include <cmath>
#include <numbers>

#include <lookalike/simd/detail/lanes.hpp>

namespace lookalike::simd::inline LOOKALIKE_SIMD_NAMESPACE {

namespace detail {

/// 1 / (1 + exp(-v)), also where exp(-v) overflows.
template <class Batch>
Batch sigmoid_of(const Batch& v) {
  using scalar = typename Batch::value_type;
  return Batch(scalar(1)) / (Batch(scalar(1)) + xsimd::exp(-v));
}

/// The cumulative distribution function of the standard normal distribution.
template <class Batch>
Batch normal_distribution_of(const Batch& v) {
  using scalar = typename Batch::value_type;
  return Batch(scalar(0.5)) * xsimd::erfc(v * Batch(-std::numbers::sqrt2_v<scalar> / 2));
}

/// (1 + tanh(sqrt(2 / pi) (v + 0.044715 v^3))) / 2, written as the sigmoid of twice the argument so that it
/// keeps its precision where it is small.
template <class Batch>
Batch tanh_distribution_of(const Batch& v) {
  using scalar = typename Batch::value_type;
  const scalar root = std::sqrt(scalar(2) * std::numbers::inv_pi_v<scalar>);
  const Batch cubic = xsimd::fma(Batch(scalar(0.044715)) * v * v, v, v);
  return sigmoid_of(Batch(2 * root) * cubic);
}

}  // namespace detail

/// y = max(x, 0).
template <class Scalar>
void relu(const input_map<Scalar>& x, const feature_map<Scalar>& y) {
  using batch = xsimd::batch<Scalar>;
  detail::require_same_extents("relu", x, y);
  // the order of the operands keeps NaN
  detail::map_elements(
      y, false, [zero = batch(Scalar(0))](const batch& v) { return xsimd::max(zero, v); }, x);
}

/// gx = gy where y > 0, otherwise 0.
template <class Scalar>
void relu_backward(const input_map<Scalar>& y, const input_map<Scalar>& gy, const feature_map<Scalar>& gx,
                   bool accumulate) {
  using batch = xsimd::batch<Scalar>;
  detail::require_same_extents("relu_backward", y, gx);
  detail::require_same_extents("relu_backward", gy, gx);
  detail::map_elements(
      gx, accumulate,
      [zero = batch(Scalar(0))](const batch& value, const batch& g) {
        return xsimd::select(value <= zero, zero, g);
      },
      y, gy);
}

/// y = x, or slope x below 0.
template <class Scalar>
void leaky_relu(const input_map<Scalar>& x, std::type_identity_t<Scalar> slope,
                const feature_map<Scalar>& y) {
  using batch = xsimd::batch<Scalar>;
  detail::require_same_extents("leaky_relu", x, y);
  detail::map_elements(
      y, false,
      [factor = batch(slope), zero = batch(Scalar(0))](const batch& v) {
        return xsimd::select(v < zero, v * factor, v);
      },
      x);
}

/// gx = gy where y > 0, otherwise slope gy. `slope` must be 0 or more, since the sign of x is read off y.
template <class Scalar>
void leaky_relu_backward(const input_map<Scalar>& y, const input_map<Scalar>& gy,
                         std::type_identity_t<Scalar> slope, const feature_map<Scalar>& gx, bool accumulate) {
  using batch = xsimd::batch<Scalar>;
  detail::require_same_extents("leaky_relu_backward", y, gx);
  detail::require_same_extents("leaky_relu_backward", gy, gx);
  require(slope >= 0, "leaky_relu_backward: given slope ", slope, ", wanted 0 or more");
  detail::map_elements(
      gx, accumulate,
      [factor = batch(slope), zero = batch(Scalar(0))](const batch& value, const batch& g) {
        return xsimd::select(value <= zero, g * factor, g);
      },
      y, gy);
}

/// y = x, or alpha (exp(x) - 1) below 0 (Clevert, Unterthiner, Hochreiter, 2016).
template <class Scalar>
void elu(const input_map<Scalar>& x, std::type_identity_t<Scalar> alpha, const feature_map<Scalar>& y) {
  using batch = xsimd::batch<Scalar>;
  detail::require_same_extents("elu", x, y);
  detail::map_elements(
      y, false,
      [factor = batch(alpha), zero = batch(Scalar(0))](const batch& v) {
        return xsimd::select(v < zero, factor * xsimd::expm1(v), v);
      },
      x);
}

/// gx = gy where y > 0, otherwise (y + alpha) gy. `alpha` must be 0 or more.
template <class Scalar>
void elu_backward(const input_map<Scalar>& y, const input_map<Scalar>& gy, std::type_identity_t<Scalar> alpha,
                  const feature_map<Scalar>& gx, bool accumulate) {
  using batch = xsimd::batch<Scalar>;
  detail::require_same_extents("elu_backward", y, gx);
  detail::require_same_extents("elu_backward", gy, gx);
  require(alpha >= 0, "elu_backward: given alpha ", alpha, ", wanted 0 or more");
  detail::map_elements(
      gx, accumulate,
      [factor = batch(alpha), zero = batch(Scalar(0))](const batch& value, const batch& g) {
        return xsimd::select(value <= zero, g * (value + factor), g);
      },
      y, gy);
}

/// y = 1 / (1 + exp(-x)).
template <class Scalar>
void sigmoid(const input_map<Scalar>& x, const feature_map<Scalar>& y) {
  using batch = xsimd::batch<Scalar>;
  detail::require_same_extents("sigmoid", x, y);
  detail::map_elements(
      y, false, [](const batch& v) { return detail::sigmoid_of(v); }, x);
}

/// gx = y (1 - y) gy.
template <class Scalar>
void sigmoid_backward(const input_map<Scalar>& y, const input_map<Scalar>& gy, const feature_map<Scalar>& gx,
                      bool accumulate) {
  using batch = xsimd::batch<Scalar>;
  detail::require_same_extents("sigmoid_backward", y, gx);
  detail::require_same_extents("sigmoid_backward", gy, gx);
  detail::map_elements(
      gx, accumulate,
      [one = batch(Scalar(1))](const batch& value, const batch& g) { return g * (value * (one - value)); }, y,
      gy);
}

/// y = tanh(x).
template <class Scalar>
void tanh(const input_map<Scalar>& x, const feature_map<Scalar>& y) {
  using batch = xsimd::batch<Scalar>;
  detail::require_same_extents("tanh", x, y);
  detail::map_elements(
      y, false, [](const batch& v) { return xsimd::tanh(v); }, x);
}

/// gx = (1 - y^2) gy.
template <class Scalar>
void tanh_backward(const input_map<Scalar>& y, const input_map<Scalar>& gy, const feature_map<Scalar>& gx,
                   bool accumulate) {
  using batch = xsimd::batch<Scalar>;
  detail::require_same_extents("tanh_backward", y, gx);
  detail::require_same_extents("tanh_backward", gy, gx);
  detail::map_elements(
      gx, accumulate,
      [one = batch(Scalar(1))](const batch& value, const batch& g) {
        return g * ((one - value) * (one + value));
      },
      y, gy);
}

/// y = x sigmoid(x).
template <class Scalar>
void silu(const input_map<Scalar>& x, const feature_map<Scalar>& y) {
  using batch = xsimd::batch<Scalar>;
  detail::require_same_extents("silu", x, y);
  detail::map_elements(
      y, false, [](const batch& v) { return v * detail::sigmoid_of(v); }, x);
}

/// gx = (s + x s (1 - s)) gy with s = sigmoid(x). From the input.
template <class Scalar>
void silu_backward(const input_map<Scalar>& x, const input_map<Scalar>& gy, const feature_map<Scalar>& gx,
                   bool accumulate) {
  using batch = xsimd::batch<Scalar>;
  detail::require_same_extents("silu_backward", x, gx);
  detail::require_same_extents("silu_backward", gy, gx);
  detail::map_elements(
      gx, accumulate,
      [one = batch(Scalar(1))](const batch& v, const batch& g) {
        const batch s = detail::sigmoid_of(v);
        return g * xsimd::fma(v * s, one - s, s);
      },
      x, gy);
}

/// Which of the two functions called GELU (Hendrycks and Gimpel, 2016): x P(X < x) for X of the standard
/// normal distribution, or its approximation x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2.
enum class gelu_form : unsigned char { exact, tanh_approximation };

/// y = GELU(x).
template <class Scalar>
void gelu(const input_map<Scalar>& x, gelu_form form, const feature_map<Scalar>& y) {
  using batch = xsimd::batch<Scalar>;
  detail::require_same_extents("gelu", x, y);
  if (form == gelu_form::exact) {
    detail::map_elements(
        y, false, [](const batch& v) { return v * detail::normal_distribution_of(v); }, x);
  } else {
    detail::map_elements(
        y, false, [](const batch& v) { return v * detail::tanh_distribution_of(v); }, x);
  }
}

/// gx = GELU'(x) gy. From the input.
template <class Scalar>
void gelu_backward(const input_map<Scalar>& x, const input_map<Scalar>& gy, gelu_form form,
                   const feature_map<Scalar>& gx, bool accumulate) {
  using batch = xsimd::batch<Scalar>;
  detail::require_same_extents("gelu_backward", x, gx);
  detail::require_same_extents("gelu_backward", gy, gx);
  if (form == gelu_form::exact) {
    const Scalar peak = std::sqrt(std::numbers::inv_pi_v<Scalar> / 2);
    detail::map_elements(
        gx, accumulate,
        [peak](const batch& v, const batch& g) {
          const batch density = batch(peak) * xsimd::exp(v * v * batch(Scalar(-0.5)));
          return g * xsimd::fma(v, density, detail::normal_distribution_of(v));
        },
        x, gy);
  } else {
    const Scalar root = std::sqrt(2 * std::numbers::inv_pi_v<Scalar>);
    detail::map_elements(
        gx, accumulate,
        [root, one = batch(Scalar(1))](const batch& v, const batch& g) {
          // s(u) = sigmoid(2 u) has the derivative 2 s (1 - s)
          const batch s = detail::tanh_distribution_of(v);
          const batch inner = batch(root) * xsimd::fma(v * v, batch(Scalar(3 * 0.044715)), one);
          return g * xsimd::fma(v * inner, batch(Scalar(2)) * s * (one - s), s);
        },
        x, gy);
  }
}

/// y = log(1 + exp(x)).
template <class Scalar>
void softplus(const input_map<Scalar>& x, const feature_map<Scalar>& y) {
  using batch = xsimd::batch<Scalar>;
  detail::require_same_extents("softplus", x, y);
  detail::map_elements(
      y, false,
      [zero = batch(Scalar(0))](const batch& v) {
        return xsimd::max(zero, v) + xsimd::log1p(xsimd::exp(-xsimd::abs(v)));
      },
      x);
}

/// gx = sigmoid(x) gy. From the input.
template <class Scalar>
void softplus_backward(const input_map<Scalar>& x, const input_map<Scalar>& gy, const feature_map<Scalar>& gx,
                       bool accumulate) {
  using batch = xsimd::batch<Scalar>;
  detail::require_same_extents("softplus_backward", x, gx);
  detail::require_same_extents("softplus_backward", gy, gx);
  detail::map_elements(
      gx, accumulate, [](const batch& v, const batch& g) { return g * detail::sigmoid_of(v); }, x, gy);
}

}  // namespace lookalike::simd::inline LOOKALIKE_SIMD_NAMESPACE

#pragma once

/// \file
/// Dual numbers: a number together with its derivatives with respect to a few variables. A function that is
/// written for any number type and is given dual ones computes its own derivative, exactly (forward mode of
/// automatic differentiation; Wengert, 1964):
///
///     const auto f = [](auto x) { return x * tanh(x); };
///     f(dual<double, 1>::variable(0.5, 0)).slopes[0]   // f'(0.5)
///
/// Functions are found by their argument: write `exp(x)`, not `std::exp(x)`.

#include <array>
#include <cmath>
#include <cstddef>
#include <numbers>
#include <type_traits>

namespace lookalike {

/// A value and its derivatives with respect to `Count` variables; with Count = 0 a value alone. Numbers of
/// other types are constants. Comparisons look at values only.
template <class Scalar, std::size_t Count>
struct dual {
  Scalar value = 0;
  std::array<Scalar, Count> slopes{};

  constexpr dual() = default;
  template <class Number>
  requires std::is_arithmetic_v<Number>
  constexpr dual(Number constant) : value(static_cast<Scalar>(constant)) {}
  /// Variable number `i`.
  static constexpr dual variable(Scalar value, std::size_t i) {
    dual d(value);
    d.slopes[i] = 1;
    return d;
  }

  constexpr dual operator-() const { return chain(-value, Scalar(-1)); }
  constexpr dual operator+() const { return *this; }
  friend constexpr dual operator+(const dual& a, const dual& b) {
    return a.chain(a.value + b.value, 1, b, 1);
  }
  friend constexpr dual operator-(const dual& a, const dual& b) {
    return a.chain(a.value - b.value, 1, b, -1);
  }
  friend constexpr dual operator*(const dual& a, const dual& b) {
    return a.chain(a.value * b.value, b.value, b, a.value);
  }
  friend constexpr dual operator/(const dual& a, const dual& b) {
    const Scalar quotient = a.value / b.value;
    return a.chain(quotient, 1 / b.value, b, -quotient / b.value);
  }
  constexpr dual& operator+=(const dual& b) { return *this = *this + b; }
  constexpr dual& operator-=(const dual& b) { return *this = *this - b; }
  constexpr dual& operator*=(const dual& b) { return *this = *this * b; }
  constexpr dual& operator/=(const dual& b) { return *this = *this / b; }

  friend constexpr bool operator==(const dual& a, const dual& b) { return a.value == b.value; }
  friend constexpr auto operator<=>(const dual& a, const dual& b) { return a.value <=> b.value; }

  friend dual exp(const dual& a) {
    const Scalar e = std::exp(a.value);
    return a.chain(e, e);
  }
  friend dual expm1(const dual& a) { return a.chain(std::expm1(a.value), std::exp(a.value)); }
  friend dual log(const dual& a) { return a.chain(std::log(a.value), 1 / a.value); }
  friend dual log1p(const dual& a) { return a.chain(std::log1p(a.value), 1 / (1 + a.value)); }
  friend dual sqrt(const dual& a) {
    const Scalar root = std::sqrt(a.value);
    return a.chain(root, 1 / (2 * root));
  }
  friend dual cbrt(const dual& a) {
    const Scalar root = std::cbrt(a.value);
    return a.chain(root, 1 / (3 * root * root));
  }
  friend dual sin(const dual& a) { return a.chain(std::sin(a.value), std::cos(a.value)); }
  friend dual cos(const dual& a) { return a.chain(std::cos(a.value), -std::sin(a.value)); }
  friend dual tan(const dual& a) {
    const Scalar t = std::tan(a.value);
    return a.chain(t, 1 + t * t);
  }
  friend dual asin(const dual& a) {
    return a.chain(std::asin(a.value), 1 / std::sqrt((1 - a.value) * (1 + a.value)));
  }
  friend dual acos(const dual& a) {
    return a.chain(std::acos(a.value), -1 / std::sqrt((1 - a.value) * (1 + a.value)));
  }
  friend dual atan(const dual& a) { return a.chain(std::atan(a.value), 1 / (1 + a.value * a.value)); }
  friend dual sinh(const dual& a) { return a.chain(std::sinh(a.value), std::cosh(a.value)); }
  friend dual cosh(const dual& a) { return a.chain(std::cosh(a.value), std::sinh(a.value)); }
  friend dual tanh(const dual& a) {
    const Scalar t = std::tanh(a.value);
    return a.chain(t, (1 - t) * (1 + t));
  }
  friend dual erf(const dual& a) {
    constexpr Scalar factor = 2 * std::numbers::inv_sqrtpi_v<Scalar>;
    return a.chain(std::erf(a.value), factor * std::exp(-a.value * a.value));
  }
  /// The derivative at 0 is 0.
  friend constexpr dual abs(const dual& a) {
    return a.value < 0 ? a.chain(-a.value, -1) : a.chain(a.value, a.value > 0 ? 1 : 0);
  }
  /// Of equal numbers the first.
  friend constexpr dual max(const dual& a, const dual& b) { return a.value < b.value ? b : a; }
  friend constexpr dual min(const dual& a, const dual& b) { return b.value < a.value ? b : a; }
  /// a^b. The exponent's derivative is that of a constant where a is not positive.
  friend dual pow(const dual& a, const dual& b) {
    const Scalar power = std::pow(a.value, b.value);
    const Scalar of_base = b.value == 0 ? 0 : b.value * std::pow(a.value, b.value - 1);
    return a.chain(power, of_base, b, a.value > 0 ? power * std::log(a.value) : 0);
  }
  friend dual atan2(const dual& y, const dual& x) {
    const Scalar square = x.value * x.value + y.value * y.value;
    return y.chain(std::atan2(y.value, x.value), x.value / square, x, -y.value / square);
  }
  friend dual hypot(const dual& a, const dual& b) {
    const Scalar h = std::hypot(a.value, b.value);
    return a.chain(h, h > 0 ? a.value / h : 0, b, h > 0 ? b.value / h : 0);
  }
  friend dual floor(const dual& a) { return dual(std::floor(a.value)); }
  friend dual ceil(const dual& a) { return dual(std::ceil(a.value)); }
  friend dual round(const dual& a) { return dual(std::round(a.value)); }

 private:
  /// A function of this number: its value, and its derivative.
  constexpr dual chain(Scalar result, Scalar derivative) const {
    dual d(result);
    for (std::size_t i = 0; i < Count; ++i) d.slopes[i] = derivative * slopes[i];
    return d;
  }
  /// A function of this number and another.
  constexpr dual chain(Scalar result, Scalar derivative, const dual& other, Scalar by_other) const {
    dual d(result);
    for (std::size_t i = 0; i < Count; ++i) d.slopes[i] = derivative * slopes[i] + by_other * other.slopes[i];
    return d;
  }
};

}  // namespace lookalike

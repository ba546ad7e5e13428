#include <cmath>
#include <complex>
#include <string>

#include <catch2/catch.hpp>

#include <lookalike/core/dual.hpp>

using namespace lookalike;

namespace {

using number = dual<double, 1>;

/// A derivative without differences: for analytic f, f'(x) = Im f(x + ih) / h up to h^2 (Squire and Trapp,
/// 1998).
template <class Function>
double complex_step(const Function& f, double x) {
  constexpr double h = 1e-30;
  return std::imag(f(std::complex<double>(x, h))) / h;
}

template <class Function>
void compare_analytic(const std::string& name, const Function& f, std::initializer_list<double> points) {
  for (const double x : points) {
    CAPTURE(name, x);
    const number y = f(number::variable(x, 0));
    CHECK(y.value == Approx(std::real(f(std::complex<double>(x)))).epsilon(1e-13));
    CHECK(y.slopes[0] == Approx(complex_step(f, x)).epsilon(1e-12));
  }
}

template <class Function>
double slope(const Function& f, double x) {
  return f(number::variable(x, 0)).slopes[0];
}

template <class Function>
double central_difference(const Function& f, double x) {
  constexpr double h = 1e-5;
  return (f(number(x + h)).value - f(number(x - h)).value) / (2 * h);
}

static_assert((2 * number::variable(3, 0) - 1).slopes[0] == 2);
static_assert((number::variable(3, 0) * number::variable(3, 0)).slopes[0] == 6);
static_assert((1 / number::variable(2, 0)).slopes[0] == -0.25);
static_assert(number::variable(1, 0) < 2 && number(2) == 2);

}  // namespace

TEST_CASE("derivatives of analytic functions are exact to rounding") {
  compare_analytic("exp", [](auto x) { return exp(x); }, {-2, 0.5, 3});
  compare_analytic("log", [](auto x) { return log(x); }, {0.1, 1, 7});
  compare_analytic("sqrt", [](auto x) { return sqrt(x); }, {0.1, 1, 7});
  compare_analytic("sin", [](auto x) { return sin(x); }, {-2, 0.5, 3});
  compare_analytic("cos", [](auto x) { return cos(x); }, {-2, 0.5, 3});
  compare_analytic("tan", [](auto x) { return tan(x); }, {-1, 0.5, 1.2});
  compare_analytic("asin", [](auto x) { return asin(x); }, {-0.9, 0.1, 0.5});
  compare_analytic("acos", [](auto x) { return acos(x); }, {-0.9, 0.1, 0.5});
  compare_analytic("atan", [](auto x) { return atan(x); }, {-2, 0.5, 3});
  compare_analytic("sinh", [](auto x) { return sinh(x); }, {-2, 0.5, 3});
  compare_analytic("cosh", [](auto x) { return cosh(x); }, {-2, 0.5, 3});
  compare_analytic("tanh", [](auto x) { return tanh(x); }, {-2, 0.5, 3});
  compare_analytic("pow", [](auto x) { return pow(x, 2.5); }, {0.2, 1, 3});
  compare_analytic("quotient", [](auto x) { return (x * x - 3.0) / (x + 5.0) - x / 2.0; }, {-2, 0.5, 3});
  compare_analytic("composition", [](auto x) { return exp(-x * x) * sin(3.0 * x) / (1.0 + exp(-x)); },
                   {-2, 0.5, 3});
}

TEST_CASE("derivatives of the other functions are those of differences") {
  const auto compare = [](const auto& f, std::initializer_list<double> points) {
    for (const double x : points) CHECK(slope(f, x) == Approx(central_difference(f, x)).epsilon(1e-9));
  };
  compare([](auto x) { return expm1(x); }, {-2, 0.5});
  compare([](auto x) { return log1p(x); }, {-0.5, 2});
  compare([](auto x) { return cbrt(x); }, {-3, 0.5});
  compare([](auto x) { return erf(x); }, {-1, 0.5});
  compare([](auto x) { return abs(x); }, {-1, 0.5});
  compare([](auto x) { return max(x, 1) * min(2 * x, x + 1); }, {-1, 0.5, 1.5});
  compare([](auto x) { return pow(2, x) + pow(x, 3) + pow(x, x); }, {0.5, 2});
  compare([](auto x) { return atan2(x, 2) + atan2(1, x); }, {-1, 0.5});
  compare([](auto x) { return hypot(x, 3); }, {-1, 0.5});
  compare([](auto x) { return floor(x) + ceil(x) + round(x) + x; }, {-1.3, 0.6});
}

TEST_CASE("powers of negative numbers have derivatives too") {
  CHECK(slope([](auto x) { return pow(x, 3); }, -2) == 12);
  CHECK(slope([](auto x) { return pow(x, 0); }, 0) == 0);
  CHECK(slope([](auto x) { return pow(x, 1); }, 0) == 1);
}

TEST_CASE("at kinks derivatives are as documented") {
  CHECK(slope([](auto x) { return abs(x); }, 0) == 0);
  CHECK(slope([](auto x) { return max(x, 0); }, 0) == 1);
  CHECK(slope([](auto x) { return min(0, x); }, 0) == 0);
}

TEST_CASE("several variables have a derivative each") {
  using pair = dual<double, 2>;
  const pair x = pair::variable(2, 0), y = pair::variable(3, 1);
  pair z = x * y;
  z += x / y;
  z -= y;
  CHECK(z.value == Approx(6 + 2.0 / 3 - 3));
  CHECK(z.slopes[0] == Approx(3 + 1.0 / 3));
  CHECK(z.slopes[1] == Approx(2 - 2.0 / 9 - 1));
  CHECK((-z).slopes[1] == -z.slopes[1]);
}

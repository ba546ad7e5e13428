#include <cmath>
#include <functional>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include <catch2/catch.hpp>

#include <lookalike/core/error.hpp>
#include <lookalike/simd/activation.hpp>

#include "maps.hpp"

using maps::grid;
using maps::padded;
namespace simd = lookalike::simd;

namespace {

template <class Scalar>
using in = simd::feature_map<const Scalar>;
template <class Scalar>
using out = simd::feature_map<Scalar>;

/// A function, what it is in double precision, and its derivative.
template <class Scalar>
struct activation {
  std::string name;
  std::function<void(in<Scalar>, out<Scalar>)> forward;
  std::function<void(in<Scalar>, in<Scalar>, out<Scalar>, bool)> backward;  // of x or y
  bool backward_reads_output;
  std::function<double(double)> truth;
  std::function<double(double)> derivative;
};

double logistic(double x) {
  return 1 / (1 + std::exp(-x));
}
double normal_distribution(double x) {
  return 0.5 * std::erfc(-x / std::sqrt(2.0));
}
double cubic(double x) {
  return std::sqrt(2 / M_PI) * (x + 0.044715 * x * x * x);
}

template <class Scalar>
std::vector<activation<Scalar>> all() {
  constexpr auto slope = Scalar(0.125), alpha = Scalar(0.75);
  using i = in<Scalar>;
  using o = out<Scalar>;
  const auto exact = simd::gelu_form::exact, approximate = simd::gelu_form::tanh_approximation;
  return {
      {"relu", [](i x, o y) { simd::relu(x, y); },
       [](i y, i g, o gx, bool a) { simd::relu_backward(y, g, gx, a); }, true,
       [](double x) { return std::max(x, 0.0); }, [](double x) { return x > 0 ? 1.0 : 0.0; }},
      {"leaky_relu", [](i x, o y) { simd::leaky_relu(x, slope, y); },
       [](i y, i g, o gx, bool a) { simd::leaky_relu_backward(y, g, slope, gx, a); }, true,
       [](double x) { return x > 0 ? x : 0.125 * x; }, [](double x) { return x > 0 ? 1 : 0.125; }},
      {"elu", [](i x, o y) { simd::elu(x, alpha, y); },
       [](i y, i g, o gx, bool a) { simd::elu_backward(y, g, alpha, gx, a); }, true,
       [](double x) { return x > 0 ? x : 0.75 * std::expm1(x); },
       [](double x) { return x > 0 ? 1 : 0.75 * std::exp(x); }},
      {"sigmoid", [](i x, o y) { simd::sigmoid(x, y); },
       [](i y, i g, o gx, bool a) { simd::sigmoid_backward(y, g, gx, a); }, true, logistic,
       [](double x) { return logistic(x) * logistic(-x); }},
      {"tanh", [](i x, o y) { simd::tanh(x, y); },
       [](i y, i g, o gx, bool a) { simd::tanh_backward(y, g, gx, a); }, true,
       [](double x) { return std::tanh(x); }, [](double x) { return 1 / std::pow(std::cosh(x), 2); }},
      {"silu", [](i x, o y) { simd::silu(x, y); },
       [](i x, i g, o gx, bool a) { simd::silu_backward(x, g, gx, a); }, false,
       [](double x) { return x * logistic(x); },
       [](double x) { return logistic(x) + x * logistic(x) * logistic(-x); }},
      {"gelu", [=](i x, o y) { simd::gelu(x, exact, y); },
       [=](i x, i g, o gx, bool a) { simd::gelu_backward(x, g, exact, gx, a); }, false,
       [](double x) { return x * normal_distribution(x); },
       [](double x) { return normal_distribution(x) + x * std::exp(-x * x / 2) / std::sqrt(2 * M_PI); }},
      {"gelu by tanh", [=](i x, o y) { simd::gelu(x, approximate, y); },
       [=](i x, i g, o gx, bool a) { simd::gelu_backward(x, g, approximate, gx, a); }, false,
       [](double x) { return 0.5 * x * (1 + std::tanh(cubic(x))); },
       [](double x) {
         const double u = std::tanh(cubic(x));
         return 0.5 * (1 + u) + 0.5 * x * (1 - u * u) * std::sqrt(2 / M_PI) * (1 + 3 * 0.044715 * x * x);
       }},
      {"softplus", [](i x, o y) { simd::softplus(x, y); },
       [](i x, i g, o gx, bool a) { simd::softplus_backward(x, g, gx, a); }, false,
       [](double x) { return std::max(x, 0.0) + std::log1p(std::exp(-std::abs(x))); }, logistic},
  };
}

grid applied(const grid& x, const std::function<double(double)>& f) {
  grid y = x;
  for (double& value : y.values) value = f(value);
  return y;
}

template <class Scalar>
void check_all(int channels, int gap) {
  const grid x = maps::random_grid(2, 3, 2, channels, static_cast<unsigned>(channels), -4, 4);
  const grid g = maps::random_grid(2, 3, 2, channels, 99);
  const grid before = maps::random_grid(2, 3, 2, channels, 98);
  for (const activation<Scalar>& f : all<Scalar>()) {
    INFO(f.name << ", " << channels << " channels, gap " << gap << ", " << sizeof(Scalar) << " bytes");
    padded<Scalar> xs(x, gap), ys(x.zeros(), gap + 1), gs(g, 2 * gap);
    f.forward(xs, ys);
    CHECK(maps::error(ys.values(), applied(x, f.truth)) < maps::tolerance<Scalar>);
    CHECK(ys.gaps_untouched());
    padded<Scalar> in_place(x, gap);
    f.forward(in_place, in_place);
    CHECK(in_place.values().values == ys.values().values);

    // 1 - tanh^2 loses digits, x times more than others, and xsimd's tanh is less exact on NEON.
    const bool is_coarse = simd::instruction_set == "neon" && std::string_view(f.name) == "gelu by tanh";
    const double allowed = maps::tolerance<Scalar> * (is_coarse ? 2 : 1);
    grid expected = applied(x, f.derivative);
    for (std::size_t i = 0; i < g.values.size(); ++i) expected.values[i] *= g.values[i];
    padded<Scalar> gx(before, gap);
    padded<Scalar>& seen = f.backward_reads_output ? ys : xs;
    f.backward(seen, gs, gx, false);
    CHECK(maps::error(gx.values(), expected) < allowed);
    padded<Scalar> added(before, gap);
    f.backward(seen, gs, added, true);
    CHECK(maps::error(added.values(), sum(before, expected)) < allowed);
    CHECK(added.gaps_untouched());
    f.backward(seen, gs, gs, false);  // gx in place of gy
    CHECK(gs.values().values == gx.values().values);
  }
}

}  // namespace

TEST_CASE("activations and their derivatives equal their formulas for all tails and pitches") {
  maps::for_tails([](int channels, int gap) {
    check_all<float>(channels, gap);
    check_all<double>(channels, gap);
  });
}

TEST_CASE("derivatives of activations equal finite differences") {
  const grid x = maps::random_grid(1, 4, 5, 7, 3, -3, 3);  // no number is within 1e-5 of a kink
  for (const activation<double>& f : all<double>()) {
    INFO(f.name);
    for (double value : x.values) {
      CHECK(f.derivative(value) ==
            Approx((f.truth(value + 1e-6) - f.truth(value - 1e-6)) / 2e-6).margin(1e-9));
    }
  }
}

TEST_CASE("activations are precise in relative terms, far out too") {
  const auto worst = [](const std::string& name, double lowest, double highest) {
    grid x(1, 1, 1, 4000);
    for (std::size_t i = 0; i < 4000; ++i) {
      x.values[i] = static_cast<double>(
          static_cast<float>(lowest + (highest - lowest) * static_cast<double>(i) / 3999.0));
    }
    for (const activation<float>& f : all<float>()) {
      if (f.name != name) continue;
      padded<float> xs(x, 0), ys(x, 0);
      f.forward(xs, ys);
      const grid y = ys.values();
      double result = 0;
      for (std::size_t i = 0; i < x.values.size(); ++i) {
        const double truth = f.truth(x.values[i]);
        if (truth != 0) result = std::max(result, std::abs(y.values[i] / truth - 1));
      }
      return result;
    }
    return std::numeric_limits<double>::infinity();
  };
  CHECK(worst("sigmoid", -80, 80) < 1e-6);
  CHECK(worst("tanh", -20, 20) < 1e-6);
  CHECK(worst("tanh", -1e-3, 1e-3) < 1e-6);
  CHECK(worst("elu", -30, 30) < 1e-6);
  CHECK(worst("elu", -1e-3, 1e-3) < 1e-6);
  CHECK(worst("silu", -80, 80) < 1e-6);
  CHECK(worst("softplus", -80, 80) < 1e-6);
  CHECK(worst("gelu", -3, 30) < 2e-6);
  CHECK(worst("gelu by tanh", -3, 30) < 2e-6);
}

TEST_CASE("activations keep NaN and saturate at infinity") {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  grid x(1, 1, 1, 3);
  x.values = {NAN, infinity, -infinity};
  for (const activation<float>& f : all<float>()) {
    INFO(f.name);
    padded<float> xs(x, 0), ys(x.zeros(), 0);
    f.forward(xs, ys);
    const std::vector<double> y = ys.values().values;
    CHECK(std::isnan(y[0]));
    const bool bounded = f.name == "sigmoid" || f.name == "tanh";
    CHECK(y[1] == (bounded ? 1 : infinity));
    if (f.name == "relu" || f.name == "softplus" || f.name == "sigmoid") CHECK(y[2] == 0);
    if (f.name == "tanh") CHECK(y[2] == -1);
    if (f.name == "elu") CHECK(y[2] == -0.75);
    if (f.name == "leaky_relu") CHECK(y[2] == -infinity);
  }
}

TEST_CASE("activations do not depend on threads or on the place of a pixel") {
  const grid x = maps::random_grid(3, 80, 70, 5, 1);
  const grid g = maps::random_grid(3, 80, 70, 5, 2);
  for (const activation<float>& f : all<float>()) {
    INFO(f.name);
    for (int gap : {0, 1}) {
      CHECK(maps::same_for_all_threads([&] {
        padded<float> xs(x, gap), ys(x.zeros(), gap), gs(g, gap);
        f.forward(xs, ys);
        f.backward(f.backward_reads_output ? ys : xs, gs, gs, true);
        std::vector<float> result = ys.memory();
        result.insert(result.end(), gs.memory().begin(), gs.memory().end());
        return result;
      }));
    }
    padded<float> dense(x, 0), apart(x, 3);
    f.forward(dense, dense);
    f.forward(apart, apart);
    CHECK(dense.values().values == apart.values().values);
  }
}

TEST_CASE("a negative slope has no gradient from the output") {
  padded<float> x(grid(1, 1, 1, 1), 0);
  CHECK_THROWS_AS(simd::leaky_relu_backward(x, x, -0.1f, x.map(), false), lookalike::value_error);
  CHECK_THROWS_AS(simd::elu_backward(x, x, -0.1f, x.map(), false), lookalike::value_error);
  padded<float> wider(grid(1, 1, 1, 2), 0);
  CHECK_THROWS_AS(simd::relu(x, wider.map()), lookalike::value_error);
}

#include <cmath>
#include <limits>
#include <vector>

#include <catch2/catch.hpp>

#include <lookalike/core/error.hpp>
#include <lookalike/simd/softmax.hpp>

#include "maps.hpp"

using maps::grid;
using maps::padded;
namespace simd = lookalike::simd;

namespace {

/// log(sum of exp(x)) of a pixel, in long double and without any care.
double naive_log_sum_exp(const grid& x, int n, int y, int xx) {
  long double sum = 0;
  for (int c = 0; c < x.channels; ++c) sum += std::exp(static_cast<long double>(x(n, y, xx, c)));
  return static_cast<double>(std::log(sum));
}

grid naive(const grid& x, bool logarithm) {
  grid out = x.zeros();
  maps::for_all(x, [&](int n, int y, int xx, int c) {
    const double value = x(n, y, xx, c) - naive_log_sum_exp(x, n, y, xx);
    out(n, y, xx, c) = logarithm ? value : std::exp(value);
  });
  return out;
}

template <class Scalar>
void forward(bool logarithm, simd::feature_map<const Scalar> x, simd::feature_map<Scalar> y) {
  logarithm ? simd::log_softmax(x, y) : simd::softmax(x, y);
}

template <class Scalar>
void backward(bool logarithm, simd::feature_map<const Scalar> y, simd::feature_map<const Scalar> gy,
              simd::feature_map<Scalar> gx, bool accumulate) {
  logarithm ? simd::log_softmax_backward(y, gy, gx, accumulate)
            : simd::softmax_backward(y, gy, gx, accumulate);
}

/// The gradient by the Jacobian of softmax, element by element.
grid naive_backward(const grid& x, const grid& gy, bool logarithm) {
  const grid p = naive(x, false);
  grid gx = x.zeros();
  maps::for_all(x, [&](int n, int y, int xx, int c) {
    for (int j = 0; j < x.channels; ++j) {
      const double same = j == c ? 1 : 0;
      const double slope = (logarithm ? 1 : p(n, y, xx, j)) * (same - p(n, y, xx, c));
      gx(n, y, xx, c) += gy(n, y, xx, j) * slope;
    }
  });
  return gx;
}

template <class Scalar>
void check(int channels, int gap, bool logarithm) {
  INFO(channels << " channels, gap " << gap << ", logarithm " << logarithm);
  const grid x = maps::random_grid(2, 2, 3, channels, static_cast<unsigned>(channels), -10, 10);
  const grid g = maps::random_grid(2, 2, 3, channels, 1), before = maps::random_grid(2, 2, 3, channels, 2);
  padded<Scalar> xs(x, gap), y(x.zeros(), gap + 1), gy(g, gap), gx(before, gap), added(before, gap + 1);
  forward<Scalar>(logarithm, xs, y);
  CHECK(maps::error(y.values(), naive(x, logarithm)) < maps::tolerance<Scalar>);
  CHECK(y.gaps_untouched());
  const grid expected = naive_backward(x, g, logarithm);
  backward<Scalar>(logarithm, y, gy, gx, false);
  CHECK(maps::error(gx.values(), expected) < 3 * maps::tolerance<Scalar>);
  backward<Scalar>(logarithm, y, gy, added, true);
  CHECK(maps::error(added.values(), sum(before, expected)) < 3 * maps::tolerance<Scalar>);
  CHECK(added.gaps_untouched());
  backward<Scalar>(logarithm, y, gy, gy, false);
  CHECK(gy.values().values == gx.values().values);
  forward<Scalar>(logarithm, xs, xs);
  CHECK(xs.values().values == y.values().values);
}

std::vector<double> of_pixel(std::vector<double> values, bool logarithm) {
  grid x(1, 1, 1, static_cast<int>(values.size()));
  x.values = std::move(values);
  padded<float> xs(x, 0);
  forward<float>(logarithm, xs, xs);
  return xs.values().values;
}

}  // namespace

TEST_CASE("softmax and its logarithm equal their definition for all tails and pitches") {
  maps::for_tails([](int channels, int gap) {
    for (bool logarithm : {false, true}) {
      check<float>(channels, gap, logarithm);
      check<double>(channels, gap, logarithm);
    }
  });
  check<float>(1000, 0, false);
  check<float>(1000, 0, true);
}

TEST_CASE("gradients of softmax equal finite differences") {
  for (bool logarithm : {false, true}) {
    grid x = maps::random_grid(1, 2, 2, 5, 3);
    const grid g = maps::random_grid(1, 2, 2, 5, 4);
    const auto loss = [&] {
      padded<double> xs(x, 0);
      forward<double>(logarithm, xs, xs);
      return dot(xs.values(), g);
    };
    padded<double> y(x, 0), gy(g, 0);
    forward<double>(logarithm, y, y);
    backward<double>(logarithm, y, gy, gy, false);
    CHECK(maps::error(gy.values().values, maps::numeric_gradient(x.values, loss)) < 1e-8);
  }
}

TEST_CASE("softmax overflows nowhere") {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  CHECK(of_pixel({1e30, 1e30, 0}, false) == std::vector<double>{0.5, 0.5, 0});
  CHECK(of_pixel({-1e30, -2e30}, false) == std::vector<double>{1, 0});
  CHECK(of_pixel({-infinity, 3}, false) == std::vector<double>{0, 1});
  CHECK(of_pixel({-infinity, 3}, true) == std::vector<double>{-infinity, 0});
  CHECK(maps::error(of_pixel({1000, 0}, true), {0, -1000}) == 0);
  CHECK(std::isnan(of_pixel({NAN, 1, 2}, false)[1]));
  CHECK(std::isnan(of_pixel({infinity, 1}, false)[0]));
  CHECK(std::isnan(of_pixel({-infinity, -infinity}, false)[0]));
}

TEST_CASE("log-sum-exp is one number a pixel, infinite where the largest channel is") {
  maps::for_tails([](int channels, int gap) {
    const grid x = maps::random_grid(2, 3, 2, channels, static_cast<unsigned>(channels), -30, 30);
    padded<float> xs(x, gap), y(grid(2, 3, 2, 1), gap);
    simd::log_sum_exp(xs, y.map());
    const grid result = y.values();
    for (int n = 0; n < 2; ++n)
      for (int row = 0; row < 3; ++row)
        CHECK(result(n, row, 1, 0) == Approx(naive_log_sum_exp(x, n, row, 1)).epsilon(1e-6).margin(1e-6));
    CHECK(y.gaps_untouched());
  });
  constexpr double infinity = std::numeric_limits<double>::infinity();
  grid x(1, 1, 4, 2);
  x.values = {-infinity, -infinity, infinity, 1, -infinity, 2, NAN, 1};
  padded<float> xs(x, 0), y(grid(1, 1, 4, 1), 0);
  simd::log_sum_exp(xs, y.map());
  const std::vector<double> result = y.values().values;
  CHECK(result[0] == -infinity);
  CHECK(result[1] == infinity);
  CHECK(result[2] == 2);
  CHECK(std::isnan(result[3]));
  CHECK_THROWS_AS(simd::log_sum_exp(xs, xs.map()), lookalike::value_error);
}

TEST_CASE("softmax does not depend on threads") {
  const grid x = maps::random_grid(2, 60, 50, 21, 9);
  for (bool logarithm : {false, true}) {
    CHECK(maps::same_for_all_threads([&] {
      padded<float> xs(x, 0), y(x, 0);
      forward<float>(logarithm, xs, y);
      backward<float>(logarithm, y, xs, xs, true);
      return xs.memory();
    }));
  }
}

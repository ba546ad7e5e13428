#include <cmath>
#include <vector>

#include <catch2/catch.hpp>

#include <lookalike/core/error.hpp>
#include <lookalike/simd/normalization.hpp>

#include "maps.hpp"

using maps::grid;
using maps::padded;
using maps::sum;
namespace simd = lookalike::simd;

namespace {

constexpr double epsilon = 1e-3;

/// Which elements share a mean: number of the set that (n, c) belongs to.
struct sets {
  bool over_batch;
  int groups;
  int number(const grid& x, int n, int c) const {
    return (over_batch ? 0 : n * groups) + c / (x.channels / groups);
  }
  int count(const grid& x) const { return over_batch ? groups : x.batch * groups; }
};

struct naive_moments {
  std::vector<double> mean, variance, elements;
};

naive_moments moments_of(const grid& x, const sets& s) {
  const auto count = static_cast<std::size_t>(s.count(x));
  naive_moments m{std::vector<double>(count), std::vector<double>(count), std::vector<double>(count)};
  const auto set = [&](int n, int c) { return static_cast<std::size_t>(s.number(x, n, c)); };
  maps::for_all(x, [&](int n, int, int, int c) { ++m.elements[set(n, c)]; });
  maps::for_all(
      x, [&](int n, int y, int xx, int c) { m.mean[set(n, c)] += x(n, y, xx, c) / m.elements[set(n, c)]; });
  maps::for_all(x, [&](int n, int y, int xx, int c) {
    m.variance[set(n, c)] += std::pow(x(n, y, xx, c) - m.mean[set(n, c)], 2) / m.elements[set(n, c)];
  });
  return m;
}

grid normalized(const grid& x, const sets& s, const naive_moments& m, const std::vector<double>& weight,
                const std::vector<double>& bias) {
  grid y = x.zeros();
  maps::for_all(x, [&](int n, int yy, int xx, int c) {
    const auto i = static_cast<std::size_t>(s.number(x, n, c));
    const auto k = static_cast<std::size_t>(c);
    y(n, yy, xx, c) =
        (x(n, yy, xx, c) - m.mean[i]) / std::sqrt(m.variance[i] + epsilon) * weight[k] + bias[k];
  });
  return y;
}

/// Memory for one run, and what it came to.
template <class Scalar>
struct run {
  std::vector<Scalar> weight, bias, mean, inverse, weight_gradient, bias_gradient, scratch;
  sets s;

  run(const grid& x, const sets& kind, const std::vector<double>& w, const std::vector<double>& b)
      : weight(maps::as<Scalar>(w)),
        bias(maps::as<Scalar>(b)),
        mean(static_cast<std::size_t>(kind.count(x))),
        inverse(mean),
        weight_gradient(w.size(), Scalar(2)),
        bias_gradient(w.size(), Scalar(3)),
        s(kind) {
    const auto map = padded<Scalar>(x, 0).map();
    scratch.resize(static_cast<std::size_t>(kind.over_batch ? simd::batch_norm_scratch(map)
                                                            : simd::group_norm_scratch(map)));
  }

  void forward(simd::feature_map<const Scalar> x, simd::feature_map<Scalar> y,
               const simd::running_moments<Scalar>& running = {}) {
    if (s.over_batch) {
      simd::batch_norm_training(x, {weight.data(), bias.data()}, epsilon, running,
                                {mean.data(), inverse.data()}, y, scratch);
    } else if (s.groups == x.channels) {
      simd::instance_norm(x, {weight.data(), bias.data()}, epsilon, {mean.data(), inverse.data()}, y,
                          scratch);
    } else {
      simd::group_norm(x, s.groups, {weight.data(), bias.data()}, epsilon, {mean.data(), inverse.data()}, y,
                       scratch);
    }
  }
  void backward(simd::feature_map<const Scalar> x, simd::feature_map<const Scalar> gy,
                simd::feature_map<Scalar> gx, bool accumulate) {
    const simd::affine<Scalar> parameters{weight.data(), bias.data()};
    const simd::moments<const Scalar> saved{mean.data(), inverse.data()};
    const simd::affine_gradient<Scalar> gradients{weight_gradient.data(), bias_gradient.data()};
    if (s.over_batch) {
      simd::batch_norm_training_backward(x, gy, parameters, saved, gx, accumulate, gradients, scratch);
    } else if (s.groups == x.channels) {
      simd::instance_norm_backward(x, gy, parameters, saved, gx, accumulate, gradients, scratch);
    } else {
      simd::group_norm_backward(x, gy, s.groups, parameters, saved, gx, accumulate, gradients, scratch);
    }
  }
};

/// The gradients by their definition: the loss is the inner product of y and gy.
struct gradients {
  grid x;
  std::vector<double> weight, bias;
};

gradients naive_backward(const grid& x, const grid& gy, const sets& s, const std::vector<double>& weight) {
  const naive_moments m = moments_of(x, s);
  const auto count = static_cast<std::size_t>(s.count(x));
  std::vector<double> sum(count), product(count);
  gradients g{x.zeros(), std::vector<double>(weight.size()), std::vector<double>(weight.size())};
  const auto hat = [&](int n, int y, int xx, int c) {
    const auto i = static_cast<std::size_t>(s.number(x, n, c));
    return (x(n, y, xx, c) - m.mean[i]) / std::sqrt(m.variance[i] + epsilon);
  };
  maps::for_all(x, [&](int n, int y, int xx, int c) {
    const auto i = static_cast<std::size_t>(s.number(x, n, c));
    const auto k = static_cast<std::size_t>(c);
    const double gradient = gy(n, y, xx, c);
    g.bias[k] += gradient;
    g.weight[k] += gradient * hat(n, y, xx, c);
    sum[i] += gradient * weight[k];
    product[i] += gradient * weight[k] * hat(n, y, xx, c);
  });
  maps::for_all(x, [&](int n, int y, int xx, int c) {
    const auto i = static_cast<std::size_t>(s.number(x, n, c));
    g.x(n, y, xx, c) = (gy(n, y, xx, c) * weight[static_cast<std::size_t>(c)] - sum[i] / m.elements[i] -
                        hat(n, y, xx, c) * product[i] / m.elements[i]) /
                       std::sqrt(m.variance[i] + epsilon);
  });
  return g;
}

template <class Scalar>
void check(const grid& x, const sets& s, int gap) {
  INFO(x.channels << " channels, gap " << gap << ", " << s.groups << " groups, over batch " << s.over_batch);
  const auto channels = static_cast<std::size_t>(x.channels);
  const std::vector<double> weight = maps::random_numbers(channels, 31, 0.5, 2),
                            bias = maps::random_numbers(channels, 32);
  const grid g = maps::random_grid(x.batch, x.height, x.width, x.channels, 33);
  const naive_moments m = moments_of(x, s);
  const grid expected = normalized(x, s, m, weight, bias);
  constexpr double tolerance = 3 * maps::tolerance<Scalar>;

  run<Scalar> r(x, s, weight, bias);
  padded<Scalar> xs(x, gap), y(x.zeros(), gap + 1), gy(g, 2 * gap);
  r.forward(xs, y.map());
  CHECK(maps::error(y.values(), expected) < tolerance);
  CHECK(y.gaps_untouched());
  for (std::size_t i = 0; i < m.mean.size(); ++i) {
    CHECK(std::abs(static_cast<double>(r.mean[i]) - m.mean[i]) < tolerance);
    CHECK(static_cast<double>(r.inverse[i]) ==
          Approx(1 / std::sqrt(m.variance[i] + epsilon)).epsilon(tolerance));
  }
  padded<Scalar> in_place(x, gap);
  r.forward(in_place, in_place.map());
  CHECK(in_place.values().values == y.values().values);

  const gradients truth = naive_backward(x, g, s, weight);
  const grid before = maps::random_grid(x.batch, x.height, x.width, x.channels, 34);
  padded<Scalar> gx(before, gap), added(before, gap);
  r.backward(xs, gy, gx.map(), false);
  CHECK(maps::error(gx.values(), truth.x) < 3 * tolerance);
  CHECK(maps::error(std::vector<double>(r.weight_gradient.begin(), r.weight_gradient.end()),
                    sum(truth.weight, std::vector<double>(channels, 2))) < 5 * tolerance);
  CHECK(maps::error(std::vector<double>(r.bias_gradient.begin(), r.bias_gradient.end()),
                    sum(truth.bias, std::vector<double>(channels, 3))) < 5 * tolerance);
  r.backward(xs, gy, added.map(), true);
  CHECK(maps::error(added.values(), sum(before, truth.x)) < 3 * tolerance);
  CHECK(added.gaps_untouched());
  r.backward(xs, gy, gy.map(), false);  // gx in place of gy
  CHECK(gy.values().values == gx.values().values);
}

}  // namespace

TEST_CASE("batch, group and instance normalization equal their definition for all tails and pitches") {
  maps::for_tails([](int channels, int gap) {
    const grid x = maps::random_grid(3, 4, 3, channels, static_cast<unsigned>(channels));
    for (const sets& s : {sets{true, channels}, sets{false, channels}, sets{false, 1},
                          sets{false, channels % 2 == 0   ? channels / 2
                                      : channels % 3 == 0 ? channels / 3
                                                          : 1}}) {
      check<float>(x, s, gap);
      check<double>(x, s, gap);
    }
  });
}

TEST_CASE("normalization over many blocks of pixels equals its definition") {
  for (int channels : {1, 16, 70}) {
    const grid x = maps::random_grid(2, 37, 31, channels, 3, 0, 3);
    for (const sets& s : {sets{true, channels}, sets{false, channels}, sets{false, 1}}) {
      check<float>(x, s, 0);
      check<double>(x, s, 1);
    }
  }
}

TEST_CASE("gradients of normalization equal finite differences") {
  for (const sets& s : {sets{true, 4}, sets{false, 4}, sets{false, 2}, sets{false, 1}}) {
    grid x = maps::random_grid(2, 3, 2, 4, 41);
    std::vector<double> weight = maps::random_numbers(4, 42, 0.5, 2), bias = maps::random_numbers(4, 43);
    const grid g = maps::random_grid(2, 3, 2, 4, 44);
    padded<double> y(g, 0), gy(g, 0), gx(g, 0), first(x, 0);
    run<double> r(x, s, weight, bias);
    std::fill(r.weight_gradient.begin(), r.weight_gradient.end(), 0);
    std::fill(r.bias_gradient.begin(), r.bias_gradient.end(), 0);
    r.forward(first, y.map());
    r.backward(first, gy, gx.map(), false);
    const auto loss = [&] {
      padded<double> xs(x, 0);
      run<double> now(x, s, weight, bias);
      now.forward(xs, y.map());
      return dot(y.values(), g);
    };
    INFO(s.groups << " groups, over batch " << s.over_batch);
    CHECK(maps::error(gx.values().values, maps::numeric_gradient(x.values, loss)) < 1e-8);
    CHECK(maps::error(r.weight_gradient, maps::numeric_gradient(weight, loss)) < 1e-8);
    CHECK(maps::error(r.bias_gradient, maps::numeric_gradient(bias, loss)) < 1e-8);
  }
}

TEST_CASE("running moments take up the batch's mean and unbiased variance with weight momentum") {
  // channel 0: 1, 3 (mean 2, unbiased variance 2); channel 1: 4, 10 (7, 18)
  grid x(2, 1, 1, 2);
  x.values = {1, 4, 3, 10};
  run<float> r(x, {true, 2}, {1, 1}, {0, 0});
  std::vector<float> mean{10, 20}, variance{1, 1};
  padded<float> xs(x, 0), y(x, 0);
  r.forward(xs, y.map(), {mean.data(), variance.data(), 0.25});
  CHECK(maps::error(mean, {0.75 * 10 + 0.25 * 2, 0.75 * 20 + 0.25 * 7}) < 1e-6);
  CHECK(maps::error(variance, {0.75 + 0.25 * 2, 0.75 + 0.25 * 18}) < 1e-6);
  const double inverse = 1 / std::sqrt(1 + epsilon);  // the biased variance of channel 0 is 1
  CHECK(y.values()(0, 0, 0, 0) == Approx(-inverse).epsilon(1e-6));
}

TEST_CASE("inference normalizes by what was remembered, and its gradient takes that as constant") {
  maps::for_tails([](int channels, int gap) {
    const auto count = static_cast<std::size_t>(channels);
    grid x = maps::random_grid(2, 2, 3, channels, 51);
    const grid g = maps::random_grid(2, 2, 3, channels, 52);
    const std::vector<double> weight = maps::random_numbers(count, 53),
                              bias = maps::random_numbers(count, 54), mean = maps::random_numbers(count, 55),
                              variance = maps::random_numbers(count, 56, 0.1, 3);
    grid expected = x.zeros(), gradient = x.zeros();
    std::vector<double> weight_gradient(count, 1), bias_gradient(count, 1);
    maps::for_all(x, [&](int n, int y, int xx, int c) {
      const auto k = static_cast<std::size_t>(c);
      const double inverse = 1 / std::sqrt(variance[k] + epsilon);
      const double hat = (x(n, y, xx, c) - mean[k]) * inverse;
      expected(n, y, xx, c) = hat * weight[k] + bias[k];
      gradient(n, y, xx, c) = g(n, y, xx, c) * weight[k] * inverse;
      weight_gradient[k] += g(n, y, xx, c) * hat;
      bias_gradient[k] += g(n, y, xx, c);
    });
    const std::vector<float> w = maps::as<float>(weight), b = maps::as<float>(bias),
                             m = maps::as<float>(mean), v = maps::as<float>(variance);
    padded<float> xs(x, gap), y(x, gap + 1), gy(g, gap), gx(x, gap);
    std::vector<float> little(4 * count);
    simd::batch_norm_inference(xs, {w.data(), b.data()}, epsilon, m.data(), v.data(), y.map(), little);
    CHECK(maps::error(y.values(), expected) < 1e-5);
    std::vector<float> scratch(static_cast<std::size_t>(simd::batch_norm_scratch(xs.map())));
    std::vector<float> gw(count, 1), gb(count, 1);
    simd::batch_norm_inference_backward(xs, gy, {w.data(), b.data()}, epsilon, m.data(), v.data(), gx.map(),
                                        false, {gw.data(), gb.data()}, scratch);
    CHECK(maps::error(gx.values(), gradient) < 1e-5);
    CHECK(maps::error(gw, weight_gradient) < 1e-5);
    CHECK(maps::error(gb, bias_gradient) < 1e-5);
    // gradients of parameters alone
    simd::feature_map<float> nobody;
    simd::batch_norm_inference_backward(xs, gy, {w.data(), b.data()}, epsilon, m.data(), v.data(), nobody,
                                        false, {gw.data(), nullptr}, scratch);
    CHECK(maps::error(gw, sum(weight_gradient, sum(weight_gradient, std::vector<double>(count, -1)))) < 1e-5);
  });
}

TEST_CASE("the mean of large numbers does not swallow their variance") {
  // 10^4 times the deviation: squares would cancel to nothing in float
  grid x = maps::random_grid(4, 64, 64, 5, 61, -1, 1);
  for (double& value : x.values) value = static_cast<double>(static_cast<float>(value + 10000));
  const sets s{true, 5};
  const naive_moments m = moments_of(x, s);
  run<float> r(x, s, std::vector<double>(5, 1), std::vector<double>(5, 0));
  padded<float> xs(x, 0), y(x, 0);
  r.forward(xs, y.map());
  for (std::size_t c = 0; c < 5; ++c) {
    CHECK(static_cast<double>(r.mean[c]) == Approx(m.mean[c]).epsilon(1e-7));
    CHECK(static_cast<double>(r.inverse[c]) == Approx(1 / std::sqrt(m.variance[c] + epsilon)).epsilon(5e-6));
  }
}

TEST_CASE("normalization does not depend on threads") {
  const grid x = maps::random_grid(5, 60, 40, 24, 71);
  const std::vector<double> ones(24, 1.5);
  for (const sets& s : {sets{true, 24}, sets{false, 24}, sets{false, 3}}) {
    CHECK(maps::same_for_all_threads([&] {
      run<float> r(x, s, ones, ones);
      padded<float> xs(x, 0), y(x, 0), gx(x, 0);
      r.forward(xs, y.map());
      r.backward(xs, y, gx.map(), true);
      std::vector<float> result = y.memory();
      result.insert(result.end(), gx.memory().begin(), gx.memory().end());
      result.insert(result.end(), r.weight_gradient.begin(), r.weight_gradient.end());
      return result;
    }));
  }
}

TEST_CASE("a picture's instance normalization does not depend on its batch") {
  const grid x = maps::random_grid(3, 20, 30, 10, 72);
  padded<float> xs(x, 0), all(x, 0), one(maps::random_grid(1, 20, 30, 10, 1), 0);
  const std::vector<double> ones(10, 1);
  run<float> three(x, {false, 10}, ones, ones), single(grid(1, 20, 30, 10), {false, 10}, ones, ones);
  three.forward(xs, all.map());
  single.forward(xs.map().picture(1), one.map());
  CHECK(std::equal(one.memory().begin(), one.memory().end(), all.memory().begin() + 20 * 30 * 10));
}

TEST_CASE("normalization checks what it is given") {
  const grid x(1, 1, 1, 4);
  run<float> r(x, {true, 4}, {1, 1, 1, 1}, {0, 0, 0, 0});
  padded<float> xs(x, 0), y(x, 0);
  CHECK_THROWS_WITH(r.forward(xs, y.map()), Catch::Contains("one value a channel"));
  CHECK_THROWS_AS(simd::group_norm(xs, 3, {}, epsilon, {}, y.map(), r.scratch), lookalike::value_error);
  CHECK_THROWS_AS(simd::batch_norm_inference(xs, {}, epsilon, r.mean.data(), r.mean.data(), y.map(), {}),
                  lookalike::value_error);
}

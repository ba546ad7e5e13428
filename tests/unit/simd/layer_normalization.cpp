#include <cmath>
#include <vector>

#include <catch2/catch.hpp>

#include <lookalike/core/error.hpp>
#include <lookalike/simd/layer_normalization.hpp>

#include "maps.hpp"

using maps::grid;
using maps::padded;
using maps::sum;
namespace simd = lookalike::simd;

namespace {

constexpr double epsilon = 1e-3;

/// One row of numbers that are normalized together, by the definition; gradients are added.
struct row {
  std::vector<double> x, weight, bias, gy;

  std::vector<double> hat() const {
    double mean = 0, variance = 0;
    const auto count = static_cast<double>(x.size());
    for (double v : x) mean += v / count;
    for (double v : x) variance += (v - mean) * (v - mean) / count;
    std::vector<double> result;
    for (double v : x) result.push_back((v - mean) / std::sqrt(variance + epsilon));
    return result;
  }
};

/// All rows of a map: of pixels, or of pictures, in the order of PyTorch's weights.
struct reference {
  bool pictures;

  std::size_t size(const grid& x) const {
    return static_cast<std::size_t>(pictures ? x.channels * x.height * x.width : x.channels);
  }
  std::size_t element(const grid& x, int y, int xx, int c) const {
    return static_cast<std::size_t>(pictures ? (c * x.height + y) * x.width + xx : c);
  }
  int rows(const grid& x) const { return pictures ? x.batch : x.batch * x.height * x.width; }
  int row_of(const grid& x, int n, int y, int xx) const {
    return pictures ? n : (n * x.height + y) * x.width + xx;
  }

  grid forward(const grid& x, const std::vector<double>& weight, const std::vector<double>& bias) const {
    grid out = x.zeros();
    for (int r = 0; r < rows(x); ++r) {
      row one{std::vector<double>(size(x)), {}, {}, {}};
      maps::for_all(x, [&](int n, int y, int xx, int c) {
        if (row_of(x, n, y, xx) == r) one.x[element(x, y, xx, c)] = x(n, y, xx, c);
      });
      const std::vector<double> hat = one.hat();
      maps::for_all(x, [&](int n, int y, int xx, int c) {
        const std::size_t e = element(x, y, xx, c);
        if (row_of(x, n, y, xx) == r) out(n, y, xx, c) = hat[e] * weight[e] + bias[e];
      });
    }
    return out;
  }
};

template <class Scalar>
struct run {
  bool pictures;
  std::vector<Scalar> weight, bias, mean, inverse, scratch, weight_gradient, bias_gradient;

  run(const grid& x, bool over_pictures, const std::vector<double>& w, const std::vector<double>& b)
      : pictures(over_pictures),
        weight(maps::as<Scalar>(w)),
        bias(maps::as<Scalar>(b)),
        mean(static_cast<std::size_t>(x.batch)),
        inverse(mean),
        weight_gradient(w.size(), Scalar(2)),
        bias_gradient(w.size(), Scalar(3)) {
    const auto map = padded<Scalar>(x, 0).map();
    scratch.resize(
        static_cast<std::size_t>(pictures ? simd::picture_norm_scratch(map) : simd::layer_norm_scratch(map)));
  }
  void forward(simd::feature_map<const Scalar> x, simd::feature_map<Scalar> y) {
    if (pictures) {
      simd::picture_norm(x, {weight.data(), bias.data()}, epsilon, {mean.data(), inverse.data()}, y, scratch);
    } else {
      simd::layer_norm(x, {weight.data(), bias.data()}, epsilon, y);
    }
  }
  void backward(simd::feature_map<const Scalar> x, simd::feature_map<const Scalar> gy,
                simd::feature_map<Scalar> gx, bool accumulate) {
    const simd::affine<Scalar> parameters{weight.data(), bias.data()};
    const simd::affine_gradient<Scalar> gradients{weight_gradient.data(), bias_gradient.data()};
    if (pictures) {
      simd::picture_norm_backward(x, gy, parameters, {mean.data(), inverse.data()}, gx, accumulate, gradients,
                                  scratch);
    } else {
      simd::layer_norm_backward(x, gy, parameters, epsilon, gx, accumulate, gradients, scratch);
    }
  }
};

template <class Scalar>
struct results {
  grid gx;
  std::vector<double> weight, bias;
};

template <class Scalar>
results<Scalar> gradients(const grid& x, const grid& g, bool pictures, const std::vector<double>& w,
                          const std::vector<double>& b, int gap, bool accumulate, const grid& before) {
  run<Scalar> r(x, pictures, w, b);
  padded<Scalar> xs(x, gap), y(x.zeros(), gap), gy(g, gap + 1), gx(before, gap);
  r.forward(xs, y.map());
  r.backward(xs, gy, gx.map(), accumulate);
  CHECK(gx.gaps_untouched());
  return {gx.values(), std::vector<double>(r.weight_gradient.begin(), r.weight_gradient.end()),
          std::vector<double>(r.bias_gradient.begin(), r.bias_gradient.end())};
}

}  // namespace

TEST_CASE("gradients of layer normalization equal finite differences") {
  for (bool pictures : {false, true}) {
    INFO("over pictures " << pictures);
    grid x = maps::random_grid(2, 2, 3, 5, 1);
    const std::size_t size = reference{pictures}.size(x);
    std::vector<double> weight = maps::random_numbers(size, 2, 0.5, 2), bias = maps::random_numbers(size, 3);
    const grid g = maps::random_grid(2, 2, 3, 5, 4);
    const auto found = gradients<double>(x, g, pictures, weight, bias, 0, false, g);
    const auto loss = [&] {
      run<double> r(x, pictures, weight, bias);
      padded<double> xs(x, 0), y(x, 0);
      r.forward(xs, y.map());
      return dot(y.values(), g);
    };
    CHECK(maps::error(found.gx.values, maps::numeric_gradient(x.values, loss)) < 1e-8);
    CHECK(maps::error(found.weight, sum(maps::numeric_gradient(weight, loss), std::vector<double>(size, 2))) <
          1e-8);
    CHECK(maps::error(found.bias, sum(maps::numeric_gradient(bias, loss), std::vector<double>(size, 3))) <
          1e-8);
  }
}

TEST_CASE("layer normalization equals its definition for all tails and pitches") {
  maps::for_tails([](int channels, int gap) {
    for (bool pictures : {false, true}) {
      INFO(channels << " channels, gap " << gap << ", over pictures " << pictures);
      const grid x = maps::random_grid(2, 2, 3, channels, static_cast<unsigned>(channels));
      const grid g = maps::random_grid(2, 2, 3, channels, 5),
                 before = maps::random_grid(2, 2, 3, channels, 6);
      const std::size_t size = reference{pictures}.size(x);
      const std::vector<double> weight = maps::random_numbers(size, 2, 0.5, 2),
                                bias = maps::random_numbers(size, 3);
      const grid expected = reference{pictures}.forward(x, weight, bias);
      padded<float> xs(x, gap), y(x.zeros(), gap + 1);
      padded<double> xd(x, gap), yd(x.zeros(), gap + 1);
      run<float>(x, pictures, weight, bias).forward(xs, y.map());
      run<double>(x, pictures, weight, bias).forward(xd, yd.map());
      CHECK(maps::error(y.values(), expected) < 1e-5);
      CHECK(maps::error(yd.values(), expected) < 1e-12);
      CHECK(y.gaps_untouched());
      // the double gradients are checked by finite differences above
      const auto truth = gradients<double>(x, g, pictures, weight, bias, 0, false, before);
      const auto fast = gradients<float>(x, g, pictures, weight, bias, gap, false, before);
      const auto added = gradients<float>(x, g, pictures, weight, bias, gap, true, before);
      const double tolerance =
          channels == 1 && !pictures ? 1e-3 : 3e-5;  // of one number: 0 times 1 / sqrt(epsilon)
      CHECK(maps::error(fast.gx, truth.gx) < tolerance);
      CHECK(maps::error(added.gx, sum(before, truth.gx)) < tolerance);
      CHECK(maps::error(fast.weight, truth.weight) < 1e-5);
      CHECK(maps::error(fast.bias, truth.bias) < 1e-5);
    }
  });
}

TEST_CASE("layer normalization without weights, in place, of many pixels, on any threads") {
  const grid x = maps::random_grid(3, 30, 40, 20, 8);
  const std::vector<double> ones(20, 1), zeros(20, 0);
  padded<float> xs(x, 0), y(x, 0), in_place(x, 0);
  simd::layer_norm(xs, {}, epsilon, y.map());
  run<float>(x, false, ones, zeros).forward(in_place, in_place.map());
  CHECK(y.values().values == in_place.values().values);
  for (bool pictures : {false, true}) {
    const std::vector<double> weight(reference{pictures}.size(x), 1.5);
    CHECK(maps::same_for_all_threads([&] {
      const auto g = gradients<float>(x, x, pictures, weight, weight, 0, true, x);
      std::vector<double> all = g.gx.values;
      all.insert(all.end(), g.weight.begin(), g.weight.end());
      return all;
    }));
  }
  // several blocks of pixels give the sums of their parts
  padded<float> gy(x, 0);
  run<float> r(x, false, ones, zeros);
  simd::feature_map<float> nobody;
  r.backward(xs, gy, nobody, false);
  double bias = 3;
  for (std::size_t i = 0; i < x.values.size(); i += 20) bias += x.values[i];
  CHECK(static_cast<double>(r.bias_gradient[0]) == Approx(bias).epsilon(1e-5));
  r.scratch.pop_back();
  CHECK_THROWS_AS(r.backward(xs, gy, nobody, false), lookalike::value_error);
}

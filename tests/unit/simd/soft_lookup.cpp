#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include <catch2/catch.hpp>

#include <lookalike/core/error.hpp>
#include <lookalike/simd/soft_lookup.hpp>

#include "maps.hpp"

using maps::grid;
using maps::padded;
namespace simd = lookalike::simd;
using simd::lookup_score;

namespace {

struct problem {
  grid z;
  std::vector<double> keys, values;
  double tau;
  simd::soft_lookup_options options;
  int outputs;
  int count() const { return static_cast<int>(keys.size()) / z.channels; }
};

problem random_problem(int dimension, int outputs, int count, double tau, simd::soft_lookup_options options) {
  const auto numbers = [&](int size, unsigned seed) {
    return maps::random_numbers(static_cast<std::size_t>(size), seed, -1, 1);
  };
  return {maps::random_grid(2, 2, 3, dimension, 1, -1, 1),
          numbers(count * dimension, 2),
          numbers(count * outputs, 3),
          tau,
          options,
          outputs};
}

/// The weights of one query by the definition: sort, exponentiate, divide.
std::vector<double> naive_weights(const problem& p, int n, int y, int x) {
  const auto count = static_cast<std::size_t>(p.count());
  std::vector<double> score(count);
  for (std::size_t i = 0; i < count; ++i) {
    for (int c = 0; c < p.z.channels; ++c) {
      const double a = p.z(n, y, x, c),
                   b = p.keys[i * static_cast<std::size_t>(p.z.channels) + static_cast<std::size_t>(c)];
      score[i] += p.options.score == lookup_score::squared_distance ? -(a - b) * (a - b)
                                                                    : a * b / std::sqrt(p.z.channels);
    }
  }
  std::vector<std::size_t> order(count);
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return score[a] > score[b]; });
  const std::size_t taken =
      p.options.nearest > 0 ? std::min(count, static_cast<std::size_t>(p.options.nearest)) : count;
  std::vector<double> weight(count);
  double sum = 0;
  for (std::size_t k = 0; k < taken; ++k) {
    weight[order[k]] = std::exp((score[order[k]] - score[order[0]]) / p.tau);
    sum += weight[order[k]];
  }
  for (double& w : weight) w /= sum;
  return weight;
}

grid naive(const problem& p) {
  grid out(p.z.batch, p.z.height, p.z.width, p.outputs);
  maps::for_all(out, [&](int n, int y, int x, int c) {
    if (c > 0) return;
    const std::vector<double> weight = naive_weights(p, n, y, x);
    for (int o = 0; o < p.outputs; ++o)
      for (std::size_t i = 0; i < weight.size(); ++i)
        out(n, y, x, o) +=
            weight[i] * p.values[i * static_cast<std::size_t>(p.outputs) + static_cast<std::size_t>(o)];
  });
  return out;
}

template <class Scalar>
grid found(const problem& p, int gap) {
  padded<Scalar> z(p.z, gap), y(grid(p.z.batch, p.z.height, p.z.width, p.outputs), gap + 1);
  const std::vector<Scalar> keys = maps::as<Scalar>(p.keys), values = maps::as<Scalar>(p.values);
  std::vector<Scalar> scratch(
      static_cast<std::size_t>(simd::soft_lookup_scratch(z.map().pixels(), p.count())));
  simd::soft_lookup(z, {keys.data(), values.data(), p.count()}, static_cast<Scalar>(p.tau), p.options,
                    y.map(), scratch);
  CHECK(y.gaps_untouched());
  return y.values();
}

struct gradients {
  std::vector<double> z, keys, values, tau;
};

template <class Scalar>
gradients found_gradients(const problem& p, const grid& g, int gap, bool accumulate, const grid& before) {
  padded<Scalar> z(p.z, gap), gz(before, gap), gy(g, gap + 1);
  const std::vector<Scalar> keys = maps::as<Scalar>(p.keys), values = maps::as<Scalar>(p.values);
  std::vector<Scalar> scratch(
      static_cast<std::size_t>(simd::soft_lookup_backward_scratch(z.map().pixels(), p.count())));
  std::vector<Scalar> gk(keys.size()), gv(values.size()), gt(1);
  simd::soft_lookup_backward(z, gy, {keys.data(), values.data(), p.count()}, static_cast<Scalar>(p.tau),
                             p.options, gz.map(), accumulate, {gk.data(), gv.data(), gt.data()}, scratch);
  CHECK(gz.gaps_untouched());
  const auto widened = [](const std::vector<Scalar>& v) { return std::vector<double>(v.begin(), v.end()); };
  return {gz.values().values, widened(gk), widened(gv), widened(gt)};
}

const simd::soft_lookup_options kinds[] = {{lookup_score::squared_distance, 0},
                                           {lookup_score::dot_product, 0},
                                           {lookup_score::squared_distance, 4},
                                           {lookup_score::dot_product, 3}};

}  // namespace

TEST_CASE("a soft look-up equals its definition for all tails of keys and values") {
  maps::for_tails([](int size, int gap) {
    for (const auto& kind : kinds) {
      INFO(size << ", gap " << gap << ", score " << static_cast<int>(kind.score) << ", nearest "
                << kind.nearest);
      const problem p = random_problem(size, 36 - size, 5 + size, 0.7, kind);
      const grid expected = naive(p);
      CHECK(maps::error(found<float>(p, gap), expected) < 1e-5);
      CHECK(maps::error(found<double>(p, gap), expected) < 1e-12);
      const grid g = maps::random_grid(2, 2, 3, p.outputs, 4), before = maps::random_grid(2, 2, 3, size, 5);
      // the double gradients are checked by finite differences below
      const gradients truth = found_gradients<double>(p, g, 0, false, before);
      const gradients fast = found_gradients<float>(p, g, gap, false, before);
      CHECK(maps::error(fast.z, truth.z) < 3e-5);
      CHECK(maps::error(fast.keys, truth.keys) < 3e-5);
      CHECK(maps::error(fast.values, truth.values) < 1e-5);
      CHECK(maps::error(fast.tau, truth.tau) < 3e-5);
      CHECK(maps::error(found_gradients<float>(p, g, gap, true, before).z,
                        maps::sum(before.values, truth.z)) < 3e-5);
    }
  });
}

TEST_CASE("gradients of a soft look-up in queries, keys, values and tau equal finite differences") {
  for (const auto& kind : kinds) {
    INFO("score " << static_cast<int>(kind.score) << ", nearest " << kind.nearest);
    problem p = random_problem(3, 2, 6, 0.4, kind);
    const grid g = maps::random_grid(2, 2, 3, 2, 6);
    const gradients found = found_gradients<double>(p, g, 0, false, p.z);
    const auto loss = [&] { return dot(naive(p), g); };
    CHECK(maps::error(found.z, maps::numeric_gradient(p.z.values, loss)) < 1e-7);
    CHECK(maps::error(found.keys, maps::numeric_gradient(p.keys, loss)) < 1e-7);
    CHECK(maps::error(found.values, maps::numeric_gradient(p.values, loss)) < 1e-7);
    std::vector<double> tau{p.tau};
    const auto tau_loss = [&] {
      p.tau = tau[0];
      return loss();
    };
    CHECK(maps::error(found.tau, maps::numeric_gradient(tau, tau_loss)) < 1e-7);
  }
}

TEST_CASE("tau = 0 is the nearest neighbor, tau = infinity the mean, and k of them the mean of k neighbors") {
  // keys 0, 1, 2, 10; values 1, 2, 4, 8; the query 0.9
  problem p{grid(1, 1, 1, 1, 0.9), {0, 1, 2, 10}, {1, 2, 4, 8}, 0, {}, 1};
  constexpr double infinity = std::numeric_limits<double>::infinity();
  for (double tau : {0.0, 1e-40, 1e-30, 1e-6}) {
    p.tau = tau;
    CHECK(found<float>(p, 0).values[0] == 2);
    const gradients g = found_gradients<float>(p, grid(1, 1, 1, 1, 3), 0, false, p.z);
    CHECK(g.z == std::vector<double>{0});
    CHECK(g.keys == std::vector<double>{0, 0, 0, 0});
    CHECK(g.values == std::vector<double>{0, 3, 0, 0});
    CHECK(g.tau == std::vector<double>{0});
  }
  p.tau = infinity;
  CHECK(found<float>(p, 0).values[0] == Approx(15 / 4.0));
  CHECK(found_gradients<float>(p, grid(1, 1, 1, 1, 3), 0, false, p.z).z == std::vector<double>{0});
  CHECK(found_gradients<float>(p, grid(1, 1, 1, 1, 4), 0, false, p.z).values ==
        std::vector<double>{1, 1, 1, 1});
  p.options.nearest = 3;
  CHECK(found<float>(p, 0).values[0] == Approx(7 / 3.0));
  p.options.nearest = 1;
  CHECK(found<float>(p, 0).values[0] == 2);
  // equally near: the limit of tau = 0 is their mean, and of one neighbor the first
  p.z.values = {1.5};
  p.options.nearest = 0;
  p.tau = 0;
  CHECK(found<float>(p, 0).values[0] == 3);
  p.options.nearest = 1;
  CHECK(found<float>(p, 0).values[0] == 2);
  p.tau = infinity;
  p.z.values = {NAN};
  CHECK(std::isnan(found<float>(p, 0).values[0]));
}

TEST_CASE("a soft look-up does not depend on threads, and checks what it is given") {
  problem p = random_problem(12, 5, 300, 0.5, {lookup_score::squared_distance, 20});
  p.z = maps::random_grid(2, 10, 9, 12, 8);
  const grid g = maps::random_grid(2, 10, 9, 5, 9);
  CHECK(maps::same_for_all_threads([&] {
    const gradients r = found_gradients<float>(p, g, 0, true, p.z);
    std::vector<double> all = found<float>(p, 0).values;
    for (const auto& part : {r.z, r.keys, r.values, r.tau}) all.insert(all.end(), part.begin(), part.end());
    return all;
  }));
  p.tau = -1;
  CHECK_THROWS_AS(found<float>(p, 0), lookalike::value_error);
  p.tau = NAN;
  CHECK_THROWS_AS(found<float>(p, 0), lookalike::value_error);
  p.tau = 1;
  p.keys.clear();
  CHECK_THROWS_AS(found<float>(p, 0), lookalike::value_error);
}

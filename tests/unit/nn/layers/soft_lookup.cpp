#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include <catch2/catch.hpp>

#include <lookalike/nn/dynamic_model.hpp>
#include <lookalike/nn/layers/soft_lookup.hpp>
#include <lookalike/nn/model.hpp>

#include "layer_run.hpp"

namespace soft_lookup_test {

using namespace lookalike;
using layer_test::array4;
using layer_test::layer_run;
using layer_test::tolerance;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

int draw(std::mt19937& generator, int low, int high) {
  return std::uniform_int_distribution<int>(low, high)(generator);
}

double score_of(const std::vector<double>& z, const std::vector<double>& key, lookup_score score) {
  double sum = 0;
  for (std::size_t c = 0; c < z.size(); ++c)
    sum += score == lookup_score::dot_product ? z[c] * key[c] : -(z[c] - key[c]) * (z[c] - key[c]);
  return score == lookup_score::dot_product ? sum / std::sqrt(static_cast<double>(z.size())) : sum;
}

/// Which keys take part, best first.
std::vector<std::size_t> best_keys(const std::vector<double>& scores, int nearest) {
  std::vector<std::size_t> order(scores.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return scores[a] > scores[b]; });
  if (nearest > 0 && static_cast<std::size_t>(nearest) < order.size())
    order.resize(static_cast<std::size_t>(nearest));
  return order;
}

using rows = std::vector<std::vector<double>>;

/// The formula, as it is written.
std::vector<double> looked_up(const std::vector<double>& z, const rows& keys, const rows& values,
                              double temperature, int nearest, lookup_score score) {
  std::vector<double> scores;
  for (const auto& key : keys) scores.push_back(score_of(z, key, score));
  const double largest = *std::max_element(scores.begin(), scores.end());
  std::vector<double> y(values[0].size());
  double total = 0;
  for (std::size_t i : best_keys(scores, nearest)) {
    const double weight = std::exp((scores[i] - largest) / temperature);
    total += weight;
    for (std::size_t c = 0; c < y.size(); ++c) y[c] += weight * values[i][c];
  }
  for (double& v : y) v /= total;
  return y;
}

std::vector<double> pixel(const array4& a, int n, int i, int j, int first, int count) {
  std::vector<double> p;
  for (int c = first; c < first + count; ++c) p.push_back(a(n, c, i, j));
  return p;
}

rows table_rows(const std::vector<double>& values, int count) {
  const auto width = values.size() / static_cast<std::size_t>(count);
  rows r;
  for (std::size_t i = 0; i < values.size(); i += width)
    r.emplace_back(values.begin() + static_cast<std::ptrdiff_t>(i),
                   values.begin() + static_cast<std::ptrdiff_t>(i + width));
  return r;
}

template <class Scalar>
void compare_learned(unsigned seed) {
  std::mt19937 generator(seed);
  layers::soft_lookup l;
  l.count = draw(generator, 1, 21);
  l.outputs = draw(generator, 1, 19);
  l.temperature = draw(generator, 1, 30) / 8.0;
  l.learn_temperature = draw(generator, 0, 1) == 1;
  l.nearest = draw(generator, 0, 1) == 1 ? draw(generator, 1, 9) : 0;
  l.score = draw(generator, 0, 1) == 1 ? lookup_score::dot_product : lookup_score::squared_distance;
  const array4 x =
      layer_test::random_array(generator, draw(generator, 1, 3),
                               {draw(generator, 1, 19), draw(generator, 1, 5), draw(generator, 1, 5)});
  layer_run<Scalar, layers::soft_lookup> run(l, {x}, generator);
  CAPTURE(seed, l.count, l.outputs, x.channels, l.nearest, l.temperature);
  REQUIRE(run.output_shape() == shape{l.outputs, x.height, x.width});
  const rows keys = table_rows(run.parameter(0), l.count), values = table_rows(run.parameter(1), l.count);
  const double temperature = l.temperature * (l.learn_temperature ? std::exp(run.parameter(2)[0]) : 1);
  array4 expected(x.batch, run.output_shape());
  for (int n = 0; n < x.batch; ++n)
    for (int i = 0; i < x.height; ++i)
      for (int j = 0; j < x.width; ++j) {
        const auto y =
            looked_up(pixel(x, n, i, j, 0, x.channels), keys, values, temperature, l.nearest, l.score);
        for (int c = 0; c < l.outputs; ++c) expected(n, c, i, j) = y[static_cast<std::size_t>(c)];
      }
  CHECK(layer_test::relative_error(run.forward(), expected) <= tolerance<Scalar>);
}

template <class Scalar>
void compare_attention(unsigned seed) {
  std::mt19937 generator(seed);
  layers::attention l;
  l.heads = draw(generator, 1, 3);
  l.temperature = draw(generator, 1, 30) / 8.0;
  l.nearest = draw(generator, 0, 2) == 0 ? draw(generator, 1, 9) : 0;
  l.score = draw(generator, 0, 1) == 1 ? lookup_score::dot_product : lookup_score::squared_distance;
  const int batch = draw(generator, 1, 3);
  const int dimension = draw(generator, 1, 6), outputs = draw(generator, 1, 6);
  const shape tokens{l.heads * dimension, draw(generator, 1, 4), draw(generator, 1, 4)};
  const array4 z = layer_test::random_array(generator, batch,
                                            {tokens.channels, draw(generator, 1, 4), draw(generator, 1, 4)});
  const array4 k = layer_test::random_array(generator, batch, tokens);
  const array4 v =
      layer_test::random_array(generator, batch, {l.heads * outputs, tokens.height, tokens.width});
  layer_run<Scalar, layers::attention> run(l, {z, k, v}, generator);
  CAPTURE(seed, l.heads, dimension, outputs, l.nearest, l.temperature);
  REQUIRE(run.output_shape() == shape{v.channels, z.height, z.width});
  array4 expected(batch, run.output_shape());
  for (int n = 0; n < batch; ++n)
    for (int head = 0; head < l.heads; ++head) {
      rows keys, values;
      for (int i = 0; i < k.height; ++i)
        for (int j = 0; j < k.width; ++j) {
          keys.push_back(pixel(k, n, i, j, head * dimension, dimension));
          values.push_back(pixel(v, n, i, j, head * outputs, outputs));
        }
      for (int i = 0; i < z.height; ++i)
        for (int j = 0; j < z.width; ++j) {
          const auto y = looked_up(pixel(z, n, i, j, head * dimension, dimension), keys, values,
                                   l.temperature, l.nearest, l.score);
          for (int c = 0; c < outputs; ++c)
            expected(n, head * outputs + c, i, j) = y[static_cast<std::size_t>(c)];
        }
    }
  CHECK(layer_test::relative_error(run.forward(), expected) <= tolerance<Scalar>);
}

/// One look-up of the point (0.1, -0.2) among nine keys, none of them equally far.
struct example {
  std::vector<double> point{0.1, -0.2};
  rows keys, values;

  example() {
    std::mt19937 generator(11);
    for (int i = 0; i < 9; ++i) {
      keys.push_back(layer_test::random_vector(generator, 2));
      values.push_back(layer_test::random_vector(generator, 3));
    }
  }
  std::vector<double> run(const soft_lookup_options& options) const {
    dynamic_model<double> net(input(2) | soft_lookup(9, 3, options));
    fill(net.values("soft_lookup0.keys"), keys);
    fill(net.values("soft_lookup0.values"), values);
    tensor<double> x(1, 2);
    std::copy(point.begin(), point.end(), x.begin());
    const tensor<double> y = net(x);
    return {y.begin(), y.end()};
  }
  std::vector<double> mean_of(const std::vector<std::size_t>& which) const {
    std::vector<double> mean(3);
    for (std::size_t i : which)
      for (std::size_t c = 0; c < 3; ++c) mean[c] += values[i][c] / static_cast<double>(which.size());
    return mean;
  }
  /// The `count` nearest keys, by sorting all distances.
  std::vector<std::size_t> nearest(std::size_t count) const {
    std::vector<std::size_t> order(keys.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
      return std::hypot(keys[a][0] - point[0], keys[a][1] - point[1]) <
             std::hypot(keys[b][0] - point[0], keys[b][1] - point[1]);
    });
    order.resize(count);
    return order;
  }

 private:
  static void fill(std::span<double> to, const rows& from) {
    std::size_t i = 0;
    for (const auto& row : from)
      for (double v : row) to[i++] = v;
  }
};

struct decoder {
  static constexpr architecture define() {
    return input(8) | soft_lookup(100, 3, {.temperature = 0.5, .learn_temperature = true, .nearest = 5});
  }
};
static_assert(model<decoder>::static_output_shape() == shape{3, dynamic, dynamic});
static_assert(model<decoder>::static_parameter_count == 100 * 8 + 100 * 3 + 1);
static_assert([] {
  const std::array<shape, 1> in{shape{8, 4, 5}};
  return layers::soft_lookup{.count = 100, .outputs = 3}.multiply_adds(in, {3, 4, 5}) == 20 * 100 * 11;
}());

}  // namespace

TEST_CASE("a soft look-up is the formula, for any options") {
  for (unsigned seed = 0; seed < 60; ++seed) compare_learned<float>(seed);
  for (unsigned seed = 60; seed < 100; ++seed) compare_learned<double>(seed);
}

TEST_CASE("attention is the formula for each picture and head") {
  for (unsigned seed = 0; seed < 60; ++seed) compare_attention<float>(seed);
  for (unsigned seed = 60; seed < 100; ++seed) compare_attention<double>(seed);
}

TEST_CASE("at temperature 0 a look-up is the nearest neighbor") {
  const example e;
  const auto expected = e.mean_of(e.nearest(1));
  CHECK(layer_test::relative_error(e.run({.temperature = 0}), expected) == 0);
  CHECK(layer_test::relative_error(e.run({.temperature = 1e-4}), expected) <= 1e-12);
  CHECK(layer_test::relative_error(e.run({.temperature = 1, .nearest = 1}), expected) <= 1e-15);
}

TEST_CASE("at infinite temperature a look-up is the mean of all values") {
  const example e;
  const auto expected = e.mean_of({0, 1, 2, 3, 4, 5, 6, 7, 8});
  CHECK(layer_test::relative_error(e.run({.temperature = infinity}), expected) <= 1e-15);
  CHECK(layer_test::relative_error(e.run({.temperature = 1e14}), expected) <= 1e-12);
}

TEST_CASE("truncated to k keys at infinite temperature a look-up is the mean of the k nearest neighbors") {
  const example e;
  for (int k = 1; k <= 9; ++k) {
    CHECK(layer_test::relative_error(e.run({.temperature = infinity, .nearest = k}),
                                     e.mean_of(e.nearest(static_cast<std::size_t>(k)))) <= 1e-15);
  }
}

TEST_CASE("the temperature that is learned starts where it is told") {
  const example e;
  CHECK(layer_test::relative_error(e.run({.temperature = 0.3, .learn_temperature = true}),
                                   e.run({.temperature = 0.3})) <= 1e-15);
}

TEST_CASE("attention at constant scores is a mean, and pictures do not mix") {
  const dynamic_model<double> net(branch(input("z", 2), input("k", 2), input("v", 1)) | attention());
  const tensor<double> z(2, 2, 1, 3);
  const tensor<double> k(2, 2, 1, 2);
  tensor<double> v(2, 1, 1, 2);
  v(0, 0, 0, 0) = 1;
  v(0, 0, 0, 1) = 3;
  v(1, 0, 0, 0) = 10;
  v(1, 0, 0, 1) = 20;
  const tensor<double> y(net.forward({z, k, v}).output());
  CHECK(std::vector<double>(y.begin(), y.end()) == std::vector<double>{2, 2, 2, 15, 15, 15});
}

}  // namespace soft_lookup_test

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include <lookalike/core/hash.hpp>
#include <lookalike/core/parallel.hpp>
#include <lookalike/nn/initialize.hpp>

#include "../scratch_folder.hpp"

namespace initialize_test {

namespace {

using namespace lookalike;
using test::message_of;

struct moments {
  double mean = 0;
  double deviation = 0;
  double low = INFINITY;
  double high = -INFINITY;
};

template <class Scalar>
moments measure(std::span<const Scalar> values) {
  moments m;
  const auto count = static_cast<double>(values.size());
  for (const Scalar x : values) m.mean += static_cast<double>(x) / count;
  for (const Scalar x : values) {
    const auto value = static_cast<double>(x);
    m.deviation += (value - m.mean) * (value - m.mean) / count;
    m.low = std::min(m.low, value);
    m.high = std::max(m.high, value);
  }
  m.deviation = std::sqrt(m.deviation);
  return m;
}

/// Moments of many numbers drawn by `how`.
moments drawn(const initializer& how, fans f = {}) {
  std::vector<double> values(200000);
  random_sequence sequence(17);
  fill(std::span<double>(values), how, sequence, f);
  return measure(std::span<const double>(values));
}

/// Rows one after another, as a model lays them out.
struct block {
  std::vector<parameter> table;
  std::vector<float> values;

  void add(std::string name, std::vector<std::int64_t> dimensions, initial_value how, std::int64_t fan_in = 0,
           bool trainable = true) {
    parameter p;
    p.name = std::move(name);
    p.rank = static_cast<int>(dimensions.size());
    p.size = 1;
    for (std::size_t i = 0; i < dimensions.size(); ++i) {
      p.dimensions[i] = dimensions[i];
      p.size *= dimensions[i];
    }
    p.offset = static_cast<std::int64_t>(values.size());
    p.initial = how;
    p.fan_in = fan_in;
    p.trainable = trainable;
    values.resize(values.size() + static_cast<std::size_t>(p.size), -7);
    table.push_back(p);
  }
  std::span<const float> of(std::string_view name) const {
    for (const parameter& p : table) {
      if (p.name == name)
        return std::span(values).subspan(static_cast<std::size_t>(p.offset),
                                         static_cast<std::size_t>(p.size));
    }
    FAIL("no parameter " << name);
    return {};
  }
  void fill(std::uint64_t seed, const initialize_options& options = {}) {
    initialize(std::span<const parameter>(table), std::span<float>(values), seed, options);
  }
};

block small_network() {
  block b;
  b.add("conv0.weight", {16, 3, 5, 5}, initial_value::from_fan_in, 75);
  b.add("conv0.bias", {16}, initial_value::from_fan_in, 75);
  b.add("norm0.weight", {16}, initial_value::ones);
  b.add("norm0.bias", {16}, initial_value::zeros);
  b.add("norm0.running_variance", {16}, initial_value::ones, 0, false);
  b.add("embedding0.weight", {100, 30}, initial_value::normal);
  b.add("linear0.weight", {10, 400}, initial_value::from_fan_in, 400);
  return b;
}

std::vector<float> copy(std::span<const float> values) {
  return {values.begin(), values.end()};
}

}  // namespace

TEST_CASE("every distribution has the mean, deviation and bounds that its definition gives") {
  // 200,000 numbers: a mean is off by a deviation / 447, a deviation by about a 630th
  const auto check = [](const moments& m, double mean, double deviation) {
    CHECK(m.mean == Approx(mean).margin(4 * deviation / 447));
    CHECK(m.deviation == Approx(deviation).epsilon(4.0 / 630));
  };
  const moments constant = drawn(initial::constant(0.25));
  CHECK(constant.low == 0.25);
  CHECK(constant.high == 0.25);

  const moments uniform = drawn(initial::uniform(-1, 3));
  check(uniform, 1, 4 / std::sqrt(12.0));
  CHECK(uniform.low >= -1);
  CHECK(uniform.high < 3);

  check(drawn(initial::normal(0.01)), 0, 0.01);
  check(drawn(initial::normal(2, 10)), 10, 2);

  const moments truncated = drawn(initial::truncated_normal(0.5, 1));
  // variance of the standard normal within 2: 1 - 2 * 2 phi(2) / (2 Phi(2) - 1)
  const double density = std::exp(-2.0) / std::sqrt(2 * std::acos(-1.0));
  check(truncated, 1, 0.5 * std::sqrt(1 - 4 * density / std::erf(std::sqrt(2.0))));
  CHECK(truncated.low >= 0);
  CHECK(truncated.high <= 2);

  const fans f{300, 500};
  const moments xavier = drawn(initial::xavier_uniform(), f);
  check(xavier, 0, std::sqrt(2.0 / 800));
  CHECK(xavier.high <= std::sqrt(6.0 / 800));
  CHECK(xavier.high > 0.999 * std::sqrt(6.0 / 800));
  CHECK(xavier.low >= -std::sqrt(6.0 / 800));
  check(drawn(initial::xavier_normal(3), f), 0, 3 * std::sqrt(2.0 / 800));

  check(drawn(initial::he_normal(), f), 0, std::sqrt(2.0 / 300));
  check(drawn(initial::he_normal({.mode = fan_mode::out}), f), 0, std::sqrt(2.0 / 500));
  check(drawn(initial::he_normal({.slope = 0.2}), f), 0, std::sqrt(2.0 / (1.04 * 300)));
  const moments he = drawn(initial::he_uniform({.mode = fan_mode::out}), f);
  check(he, 0, std::sqrt(2.0 / 500));
  CHECK(he.high <= std::sqrt(6.0 / 500));
  CHECK(he.high > 0.999 * std::sqrt(6.0 / 500));

  const moments pytorch = drawn(initial::from_fan_in(), f);
  check(pytorch, 0, 1 / std::sqrt(900.0));
  CHECK(pytorch.high <= 1 / std::sqrt(300.0));
  CHECK(pytorch.high > 0.999 / std::sqrt(300.0));
  CHECK(pytorch.low < -0.999 / std::sqrt(300.0));
}

TEST_CASE("fans are those of PyTorch's _calculate_fan_in_and_fan_out, unless the layer knows better") {
  parameter p;
  p.rank = 4;
  p.dimensions = {64, 3, 7, 5};
  CHECK(fans_of(p).in == 105);
  CHECK(fans_of(p).out == 2240);
  p.fan_in = 12;
  CHECK(fans_of(p).in == 12);
  p.rank = 2;
  p.dimensions = {10, 400, 1, 1};
  p.fan_in = 0;
  CHECK(fans_of(p).in == 400);
  CHECK(fans_of(p).out == 10);
  p.rank = 1;
  p.dimensions = {10, 1, 1, 1};
  CHECK(fans_of(p).in == 0);
  CHECK(fans_of(p).out == 0);
}

TEST_CASE("orthogonal rows, or columns of a tall matrix, are orthonormal up to the gain") {
  for (const auto& [rows, columns] : std::vector<std::pair<std::size_t, std::size_t>>{
           {1, 1}, {4, 4}, {20, 75}, {75, 20}, {1, 9}, {9, 1}, {64, 64}}) {
    INFO(rows << " x " << columns);
    std::vector<double> values(rows * columns);
    random_sequence sequence(1, rows);
    fill(std::span<double>(values), initial::orthogonal(2), sequence, {}, static_cast<std::int64_t>(rows));
    const bool tall = rows > columns;
    const std::size_t vectors = std::min(rows, columns);
    double worst = 0;
    for (std::size_t a = 0; a < vectors; ++a) {
      for (std::size_t b = 0; b < vectors; ++b) {
        double product = 0;
        for (std::size_t i = 0; i < std::max(rows, columns); ++i) {
          product += tall ? values[i * columns + a] * values[i * columns + b]
                          : values[a * columns + i] * values[b * columns + i];
        }
        worst = std::max(worst, std::abs(product - (a == b ? 4 : 0)));
      }
    }
    CHECK(worst < 1e-14);
  }
  // Either sign is as likely: 1 x 1 matrices are 1 or -1.
  int positive = 0;
  for (std::uint64_t stream = 0; stream < 1000; ++stream) {
    float value = 0;
    random_sequence sequence(2, stream);
    fill(std::span<float>(&value, 1), initial::orthogonal(), sequence, {}, 1);
    REQUIRE(std::abs(value) == 1);
    positive += value > 0;
  }
  CHECK(std::abs(positive - 500) < 64);  // 4 deviations
}

TEST_CASE("a block is filled as its layers ask") {
  block b = small_network();
  b.fill(3);
  const auto within = [&](std::string_view name, double bound) {
    const moments m = measure(b.of(name));
    CHECK(m.high <= bound);
    CHECK(m.low >= -bound);
    CHECK(m.high - m.low > 1.4 * bound);
  };
  within("conv0.weight", 1 / std::sqrt(75.0));
  within("conv0.bias", 1 / std::sqrt(75.0));
  within("linear0.weight", 0.05);
  for (const float x : b.of("norm0.weight")) CHECK(x == 1);
  for (const float x : b.of("norm0.bias")) CHECK(x == 0);
  for (const float x : b.of("norm0.running_variance")) CHECK(x == 1);
  const moments normal = measure(b.of("embedding0.weight"));
  CHECK(normal.mean == Approx(0).margin(4 / std::sqrt(3000.0)));
  CHECK(normal.deviation == Approx(1).margin(4 / std::sqrt(6000.0)));
}

TEST_CASE("the first rule that matches a name decides; running averages heed none") {
  block plain = small_network();
  plain.fill(3);
  block b = small_network();
  b.fill(3, {.rules = {{"linear0.*", initial::constant(9)},
                       {"*.weight", initial::normal(0.01)},
                       {"*", initial::constant(5)}}});
  for (const float x : b.of("linear0.weight")) CHECK(x == 9);
  CHECK(measure(b.of("conv0.weight")).deviation == Approx(0.01).epsilon(0.1));
  CHECK(measure(b.of("norm0.weight")).deviation == Approx(0.01).epsilon(0.6));
  for (const float x : b.of("norm0.bias")) CHECK(x == 5);
  for (const float x : b.of("norm0.running_variance")) CHECK(x == 1);

  block partly = small_network();
  partly.fill(3, {.rules = {{"linear0.*", initial::constant(9)}}});
  CHECK(copy(partly.of("conv0.weight")) == copy(plain.of("conv0.weight")));
}

TEST_CASE("a layer's numbers depend on its name and the seed, not on its neighbors, its place or threads") {
  block b = small_network();
  b.fill(3);
  block other;
  other.add("new.weight", {7, 9}, initial_value::normal);
  other.add("linear0.weight", {10, 400}, initial_value::from_fan_in, 400);
  other.add("conv0.weight", {16, 3, 5, 5}, initial_value::from_fan_in, 75);
  other.add("conv1.weight", {16, 3, 5, 5}, initial_value::from_fan_in, 75);
  {
    const thread_scope one(1);
    other.fill(3);
  }
  CHECK(copy(other.of("conv0.weight")) == copy(b.of("conv0.weight")));
  CHECK(copy(other.of("linear0.weight")) == copy(b.of("linear0.weight")));
  CHECK(copy(other.of("conv0.weight")) != copy(other.of("conv1.weight")));
  block again = small_network();
  {
    const thread_scope three(3);
    again.fill(3);
  }
  CHECK(again.values == b.values);
  again.fill(4);
  CHECK(copy(again.of("conv0.weight")) != copy(b.of("conv0.weight")));
}

TEST_CASE("double and single precision start from the same numbers") {
  block b = small_network();
  b.fill(3);
  std::vector<double> doubles(b.values.size());
  initialize(std::span<const parameter>(b.table), std::span<double>(doubles), 3);
  for (std::size_t i = 0; i < doubles.size(); ++i) REQUIRE(static_cast<float>(doubles[i]) == b.values[i]);
}

TEST_CASE("initial numbers are the same on every machine") {
  // written down once; pins what must not change between compilers and instruction sets
  block b = small_network();
  b.fill(3, {.rules = {{"linear0.*", initial::orthogonal()},
                       {"conv0.weight", initial::he_normal()},
                       {"norm0.weight", initial::truncated_normal(1, 2)}}});
  CHECK(hash64(std::as_bytes(std::span(b.values))) == 0x474e83a3b92cff19);
}

TEST_CASE("numbers outside every row stay") {
  block b;
  b.add("a", {4}, initial_value::ones);
  b.values.resize(8, -7);
  b.table[0].offset = 2;
  b.fill(0);
  CHECK(b.values == std::vector<float>{-7, -7, 1, 1, 1, 1, -7, -7});
}

TEST_CASE("what cannot be filled is refused in words") {
  block b = small_network();
  CHECK(message_of<value_error>([&] {
          b.fill(0, {.rules = {{"*.wieght", initial::normal()}}});
        }).find("no trainable parameter is left to the rule '*.wieght'") != std::string::npos);
  CHECK(message_of<value_error>([&] {
          b.fill(0, {.rules = {{"*.weight", initial::normal()}, {"conv0.weight", initial::constant(1)}}});
        }).find("'conv0.weight'") != std::string::npos);
  CHECK(message_of<value_error>([&] {
          b.fill(0, {.rules = {{"conv0.*", initial::xavier_normal()}}});
        }).find("'conv0.bias': initialize: given 75 inputs an output sees and 0 outputs") !=
        std::string::npos);
  b.table[1].offset = static_cast<std::int64_t>(b.values.size()) - 3;
  CHECK(message_of<value_error>([&] { b.fill(0); }).find("'conv0.bias' takes 16 numbers from") !=
        std::string::npos);
  b.table[1].offset = -1;
  CHECK_THROWS_AS(b.fill(0), value_error);
  std::vector<float> odd(7);
  random_sequence sequence;
  CHECK_THROWS_AS(fill(std::span<float>(odd), initial::orthogonal(), sequence, {}, 2), value_error);
}

}  // namespace initialize_test

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include <catch2/catch.hpp>

#include <lookalike/nn/optimizers/adadelta.hpp>
#include <lookalike/nn/optimizers/adam.hpp>
#include <lookalike/nn/optimizers/sgd.hpp>

#include "optimizers/trajectory.hpp"

namespace optimizer_test {

using namespace lookalike;

namespace {

/// A user's rule: steps of the learning rate along the gradient's sign.
struct sign_descent {
  double learning_rate = 0.1;
  double weight_decay = 0;
  std::vector<std::string_view> state_names() const { return {"last_sign"}; }
  void validate() const {}
  template <class Scalar>
  void update(const update_task<Scalar>& task) const {
    for (std::size_t i = 0; i < task.count; ++i) {
      const Scalar sign = task.gradients[i] > 0 ? Scalar(1) : task.gradients[i] < 0 ? Scalar(-1) : Scalar(0);
      task.values[i] -= static_cast<Scalar>(task.learning_rate) * sign;
      task.state[0][i] = sign;
    }
  }
};

static_assert(update_rule<sgd, float> && update_rule<adam, double> && update_rule<adamw, float> &&
              update_rule<adadelta, float> && update_rule<sign_descent, double>);
static_assert(!update_rule<int, float>);

/// An encoder with weight and bias, the running mean of a normalization, and a decoder.
std::vector<parameter> small_table() {
  auto table = test::table_of({{"encoder.conv0.weight", 6},
                               {"encoder.conv0.bias", 2},
                               {"encoder.norm.mean", 2},
                               {"decoder.weight", 3}});
  table[2].trainable = false;
  return table;
}
constexpr std::size_t small_size = 13;

std::vector<double> ones() {
  return std::vector<double>(small_size, 1.0);
}

}  // namespace

TEST_CASE("a step updates what is trainable and zeroes all gradients") {
  const auto table = small_table();
  optimizer<sgd, double> training(sgd{.learning_rate = 0.5});
  auto values = ones(), gradients = ones();
  training.step(table, values, gradients);
  for (std::size_t i = 0; i < small_size; ++i) {
    CHECK(values[i] == (i == 8 || i == 9 ? 1.0 : 0.5));
    CHECK(gradients[i] == 0);
  }
}

TEST_CASE("the learning rate is the rule's times the schedule's factor") {
  const auto table = small_table();
  optimizer<sgd, double> training(sgd{.learning_rate = 0.5});
  auto values = ones(), gradients = ones();
  training.step(table, values, gradients, 0.25);
  CHECK(values[0] == 1 - 0.125);
  training.set_learning_rate(0.25);
  gradients = ones();
  training.step(table, values, gradients);
  CHECK(values[0] == 1 - 0.375);
  CHECK_THROWS_AS(training.set_learning_rate(-1), value_error);
  CHECK(training.rule().learning_rate == 0.25);
}

TEST_CASE("frozen parameters stay, lose their gradients, and start from their own first step when thawed") {
  const auto table = small_table();
  optimizer<adam, double> training(adam{}, {.frozen = {"encoder.*"}});
  auto values = ones(), gradients = ones();
  training.step(table, values, gradients);
  training.step(table, values, gradients = ones());
  for (std::size_t i = 0; i < small_size; ++i) CHECK((values[i] == 1) == (i < 10));
  CHECK(std::all_of(gradients.begin(), gradients.end(), [](double g) { return g == 0; }));
  CHECK(training.steps(table)[0] == 0);
  CHECK(training.steps(table)[3] == 2);

  training.set_frozen({});
  training.step(table, values, gradients = ones());
  CHECK(values[0] == Approx(1 - 1e-3).epsilon(1e-9));  // Adam's first step is the learning rate
  CHECK(training.steps(table)[0] == 1);
  CHECK(training.steps(table)[2] == 0);
}

TEST_CASE("a parameter belongs to the first group it matches") {
  const auto table = small_table();
  optimizer<sgd, double> training(sgd{.learning_rate = 0.1, .weight_decay = 0.5},
                                  {.groups = {{"*.bias", 1, 0.0}, {"encoder.*", 10, std::nullopt}}});
  auto values = ones(), gradients = ones();
  training.step(table, values, gradients);
  CHECK(values[0] == Approx(1 - 0.1 * 10 * 1.5).margin(1e-15));
  CHECK(values[6] == Approx(1 - 0.1));
  CHECK(values[10] == Approx(1 - 0.1 * 1.5));
}

TEST_CASE("clipping by norm shortens long gradients, as PyTorch's clip_grad_norm_ does") {
  // O.SGD(p, lr=0.1, momentum=0.9) with clip=0.5
  test::check_against_torch(
      sgd{.learning_rate = 0.1, .momentum = 0.9},
      {0.84135945586246308, -1.4751580551204988, 0.15056807227185073, 2.9085635367730194},
      {.clip_norm = 0.5});
  const auto table = small_table();
  // What is frozen or not trainable has no part in the length: 3 numbers of 1 are sqrt(3) long.
  optimizer<sgd, double> training(sgd{.learning_rate = 1}, {.frozen = {"encoder.*"}, .clip_norm = 0.1});
  auto values = ones(), gradients = ones();
  CHECK(gradient_norm(table, std::span<const double>(gradients)) == Approx(std::sqrt(11.0)).epsilon(1e-15));
  training.step(table, values, gradients);
  CHECK(values[10] == Approx(1 - 0.1 / std::sqrt(3.0)).epsilon(1e-6));
  // Short ones stay exactly as they are.
  optimizer<sgd, double> gentle(sgd{.learning_rate = 1}, {.clip_norm = 100});
  values = ones();
  gradients.assign(small_size, 0.3);
  gentle.step(table, values, gradients);
  CHECK(values[10] == 1 - 0.3);
}

TEST_CASE("clipping by value keeps every number within its bounds") {
  const auto table = test::table_of({{"v", 5}});
  optimizer<sgd, float> training(sgd{.learning_rate = 1}, {.clip_value = 0.5});
  std::array<float, 5> values{}, gradients{-3, -0.25f, 0, 0.5f, 7};
  training.step(table, values, gradients);
  CHECK(values == std::array<float, 5>{0.5f, 0.25f, 0, -0.5f, -0.5f});
  // The value first, then the norm.
  optimizer<sgd, double> both(sgd{.learning_rate = 1}, {.clip_norm = 0.5, .clip_value = 0.3});
  std::array<double, 5> v{}, g{3, 0, 0, 0, -0.4};
  both.step(table, v, g);
  CHECK(v[0] == -0.3);
  CHECK(v[4] == 0.3);
}

TEST_CASE("a gradient that cannot be clipped is an error that names the parameter and changes nothing") {
  const auto table = small_table();
  optimizer<sgd, double> training(sgd{.learning_rate = 1, .momentum = 0.9},
                                  {.clip_norm = 1, .clip_value = 1});
  auto values = ones(), gradients = ones();
  gradients[11] = std::numeric_limits<double>::quiet_NaN();
  CHECK_THROWS_WITH(
      training.step(table, values, gradients),
      "optimizer: given the gradient nan for 'decoder.weight', wanted finite numbers to clip their length");
  CHECK(values == ones());
  CHECK(training.steps(table)[0] == 0);
}

TEST_CASE("training goes on bit for bit from state and steps copied into another optimizer") {
  const auto table = small_table();
  std::mt19937 chance(1);
  std::normal_distribution<float> normal;
  std::vector<float> values(small_size), gradients(small_size);
  for (float& value : values) value = normal(chance);
  const adam rule{.learning_rate = 0.1, .weight_decay = 0.01};
  optimizer<adam> first(rule, {.frozen = {"*.bias"}});
  for (int step = 0; step < 3; ++step) {
    for (float& gradient : gradients) gradient = normal(chance);
    first.step(table, values, gradients);
  }
  first.set_frozen({});
  optimizer<adam> second(rule);
  const auto from = first.state(table);
  const auto to = second.state(table);
  REQUIRE(from.size() == 6);  // two numbers for each of three trainable parameters
  CHECK(from[0].name == "mean.encoder.conv0.weight");
  CHECK(from[5].name == "square.decoder.weight");
  CHECK(from[4].of == &table[1]);
  for (std::size_t i = 0; i < from.size(); ++i) {
    REQUIRE(to[i].name == from[i].name);
    REQUIRE(to[i].values.size() == from[i].values.size());
    std::copy(from[i].values.begin(), from[i].values.end(), to[i].values.begin());
  }
  std::copy_n(first.steps(table).begin(), table.size(), second.steps(table).begin());
  auto others = values;
  for (int step = 0; step < 3; ++step) {
    for (float& gradient : gradients) gradient = normal(chance);
    auto same = gradients;
    first.step(table, values, gradients);
    second.step(table, others, same);
    REQUIRE(values == others);
  }
}

TEST_CASE("optimizers give the same bits for any number of threads") {
  const auto table = test::table_of({{"a", 100001}, {"b", 17}, {"c", 33333}, {"d", 5}});
  constexpr std::size_t size = 100001 + 17 + 33333 + 5;
  const auto run = [&](const auto& rule, int threads) {
    const thread_scope scope(threads);
    optimizer<std::decay_t<decltype(rule)>, float> training(rule, {.clip_norm = 10, .clip_value = 2});
    std::mt19937 chance(1);
    std::vector<float> values(size), gradients(size);
    for (int step = 0; step < 3; ++step) {
      for (float& gradient : gradients) gradient = static_cast<float>(chance() % 1000u) / 300 - 1.7f;
      training.step(table, values, gradients);
    }
    return values;
  };
  const auto check = [&](const auto& rule) {
    const auto one = run(rule, 1);
    for (const int threads : {2, 3, 5}) CHECK(run(rule, threads) == one);
  };
  check(sgd{.learning_rate = 0.1, .momentum = 0.9, .weight_decay = 0.1});
  check(adamw{});
  check(adadelta{});
}

TEST_CASE("numbers between parameters are nobody's") {
  auto table = test::table_of({{"a", 3}, {"b", 5}});
  table[1].offset = 8;
  optimizer<sgd, double> training(sgd{.learning_rate = 1});
  std::vector<double> values(20, 1.0), gradients(20, 1.0);
  CHECK(training.state(table).empty());
  training.step(table, values, gradients);
  for (std::size_t i = 0; i < 20; ++i) CHECK(values[i] == (i < 3 || (i >= 8 && i < 13) ? 0 : 1));
}

TEST_CASE("a user's rule has state, groups and freezing like any other") {
  const auto table = small_table();
  optimizer<sign_descent, double> training(sign_descent{}, {.frozen = {"encoder.*"}});
  auto values = ones(), gradients = ones();
  gradients[12] = -5;
  training.step(table, values, gradients);
  CHECK(values[10] == Approx(0.9));
  CHECK(values[12] == Approx(1.1));
  const auto state = training.state(table);
  REQUIRE(state.size() == 3);
  CHECK(state[2].name == "last_sign.decoder.weight");
  CHECK(state[2].values[2] == -1);
}

TEST_CASE("optimizers refuse what does not fit, and patterns that match nothing") {
  const auto table = small_table();
  auto values = ones(), gradients = ones();
  optimizer<sgd, double> training;
  std::vector<double> few(12);
  CHECK_THROWS_WITH(training.step(table, values, few),
                    "optimizer: given 12 gradients, wanted 13, one for each number of the parameters");
  CHECK_THROWS_WITH(training.step(table, few, few),
                    "parameters: given a block of 12 numbers, wanted those of 'decoder.weight' at 10 to 13");
  CHECK_THROWS_AS(training.step(table, values, gradients, -1), value_error);
  training.set_frozen({"encodr.*"});
  CHECK_THROWS_WITH(
      training.step(table, values, gradients),
      "optimizer: given the frozen parameters 'encodr.*', which matches none of the 4 parameters, such "
      "as 'encoder.conv0.weight'");
  optimizer<sgd, double> grouped(sgd{}, {.groups = {{"*.biass"}}});
  CHECK_THROWS_WITH(grouped.step(table, values, gradients), Catch::Contains("the group '*.biass'"));
  CHECK(values == ones());
  CHECK(gradients == ones());

  training.set_frozen({});
  training.step(table, values, gradients);
  auto other = small_table();
  other.pop_back();
  CHECK_THROWS_WITH(
      training.step(other, values, gradients),
      "optimizer: given 3 parameters with 10 numbers, wanted those of the steps before: 4 with 13");
  using plain = optimizer<sgd, double>;
  CHECK_THROWS_AS(plain(sgd{}, {.clip_norm = -1}), value_error);
  CHECK_THROWS_AS(plain(sgd{}, {.clip_value = -1}), value_error);
  CHECK_THROWS_AS(plain(sgd{}, {.groups = {{"*", -1}}}), value_error);
  CHECK_THROWS_AS(plain(sgd{.learning_rate = -1}), value_error);
}

}  // namespace optimizer_test

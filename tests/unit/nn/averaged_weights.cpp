#include <cmath>
#include <random>
#include <vector>

#include <catch2/catch.hpp>

#include <lookalike/nn/averaged_weights.hpp>

#include "optimizers/trajectory.hpp"

namespace averaged_weights_test {

using namespace lookalike;

TEST_CASE("averaged weights are the weighted sum of all values so far, and copies of what is not trained") {
  auto table = test::table_of({{"weight", 37}, {"running_mean", 5}, {"bias", 3}});
  table[1].trainable = false;
  std::mt19937 chance(1);
  std::normal_distribution<double> normal;
  averaged_weights<double> average(0.7);
  CHECK(average.values().empty());
  std::vector<std::vector<double>> history;
  for (int step = 0; step < 6; ++step) {
    std::vector<double> values(45);
    for (double& value : values) value = normal(chance);
    history.push_back(values);
    average.update(table, values);
    CHECK(average.updates() == step + 1);
    for (std::size_t i = 0; i < 45; ++i) {
      // Closed form: the first value has the weight decay^step, later ones (1 - decay) decay^age.
      double wanted = std::pow(0.7, step) * history[0][i];
      for (int s = 1; s <= step; ++s)
        wanted += 0.3 * std::pow(0.7, step - s) * history[static_cast<std::size_t>(s)][i];
      if (i >= 37 && i < 42) wanted = values[i];
      REQUIRE(average.values()[i] == Approx(wanted).epsilon(1e-13).margin(1e-14));
    }
  }
}

TEST_CASE("averages take the parameters' place for a test and give it back") {
  const auto table = test::table_of({{"weight", 3}});
  averaged_weights<float> average(0.5);
  std::vector<float> values{1, 2, 3};
  average.update(table, values);
  values = {3, 2, 1};
  average.update(table, values);
  average.swap(values);
  CHECK(values == std::vector<float>{2, 2, 2});
  average.swap(values);
  CHECK(values == std::vector<float>{3, 2, 1});
}

TEST_CASE("averages go on from what was saved") {
  const auto table = test::table_of({{"weight", 3}});
  averaged_weights<float> first(0.9), second(0.9);
  std::vector<float> values{1, 2, 3};
  first.update(table, values);
  values = {0.1f, 0.7f, -1};
  first.update(table, values);
  second.restore(first.values(), first.updates());
  first.update(table, values);
  second.update(table, values);
  CHECK(std::equal(first.values().begin(), first.values().end(), second.values().begin()));
  CHECK(second.updates() == 3);
}

TEST_CASE("averaged weights refuse other parameters than before and decays out of range") {
  const auto table = test::table_of({{"weight", 3}});
  averaged_weights<float> average;
  std::vector<float> values(3), more(4);
  average.update(table, values);
  CHECK_THROWS_WITH(average.update(table, more), "averaged_weights: given 4 numbers, wanted 3 as before");
  CHECK_THROWS_AS(average.swap(more), value_error);
  CHECK_THROWS_AS(averaged_weights<float>(1.5), value_error);
  CHECK_THROWS_AS(average.restore(values, -1), value_error);
}

}  // namespace averaged_weights_test

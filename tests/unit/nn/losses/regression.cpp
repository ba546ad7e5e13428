#include <array>
#include <cmath>
#include <limits>
#include <random>

#include <catch2/catch.hpp>

#include <lookalike/nn/losses/regression.hpp>

#include "check_gradient.hpp"

namespace regression_test {

using namespace lookalike;
using test::random_tensor;

namespace {

constexpr std::array<std::int64_t, 4> extents{2, 3, 4, 5};

/// The definitions in the header's documentation, written out.
double squared(double d) {
  return d * d;
}
double absolute(double d) {
  return d < 0 ? -d : d;
}
double smooth(double d) {
  constexpr double beta = 0.7;
  return std::abs(d) < beta ? d * d / (2 * beta) : std::abs(d) - beta / 2;
}

template <class Term>
double plain_loss(reduction reduce, const tensor<double>& outputs, const tensor<double>& targets,
                  const tensor<double>& weights, const Term& term) {
  double sum = 0, total = 0;
  for (std::int64_t n = 0; n < outputs.batch(); ++n)
    for (std::int64_t c = 0; c < outputs.channels(); ++c)
      for (std::int64_t y = 0; y < outputs.height(); ++y)
        for (std::int64_t x = 0; x < outputs.width(); ++x) {
          const double w = weights(n, weights.channels() == 1 ? 0 : c, y, x);
          sum += w * term(outputs(n, c, y, x) - targets(n, c, y, x));
          total += w;
        }
  if (reduce == reduction::mean) return sum / static_cast<double>(outputs.size());
  return reduce == reduction::sum ? sum : sum / total;
}

template <class Loss, class Term>
void check(Loss loss, const Term& term, std::mt19937& chance) {
  const auto outputs = random_tensor<double>(chance, extents);
  const auto targets = random_tensor<double>(chance, extents);
  tensor<double> ones(2, 3, 4, 5);
  std::fill(ones.begin(), ones.end(), 1.0);
  const auto of_pixels = random_tensor<double>(chance, {2, 1, 4, 5}, 0, 2);
  const auto of_numbers = random_tensor<double>(chance, extents, 0, 2);
  for (const reduction reduce : {reduction::mean, reduction::weighted_mean, reduction::sum}) {
    loss.reduce = reduce;
    const auto result = loss(outputs, targets);
    CHECK(result.value == Approx(plain_loss(reduce, outputs, targets, ones, term)).epsilon(1e-13));
    test::check_gradient(outputs, result.gradient,
                         [&](const auto& moved) { return loss(moved, targets).value; });
    for (const tensor<double>* weights : {&of_pixels, &of_numbers}) {
      const auto weighted = loss(outputs, targets, *weights);
      CHECK(weighted.value == Approx(plain_loss(reduce, outputs, targets, *weights, term)).epsilon(1e-13));
      test::check_gradient(outputs, weighted.gradient,
                           [&](const auto& moved) { return loss(moved, targets, *weights).value; });
      // In single precision, and wherever the numbers lie.
      const auto single = loss(test::converted<float>(outputs), test::converted<float>(targets),
                               test::converted<float>(*weights));
      CHECK(single.value == Approx(weighted.value).epsilon(1e-5));
      for (std::int64_t i = 0; i < outputs.size(); ++i) {
        CHECK(single.gradient.data()[i] == Approx(weighted.gradient.data()[i]).epsilon(1e-4).margin(1e-6));
      }
      const test::scattered<double> o(outputs), t(targets), w(*weights);
      const auto elsewhere = loss(o.view, t.view, w.view);
      CHECK(elsewhere.value == weighted.value);
      CHECK(elsewhere.gradient == weighted.gradient);
    }
  }
}

}  // namespace

TEST_CASE("regression losses and their gradients are their definitions, for every reduction and weight") {
  std::mt19937 chance(1);
  check(mean_squared_error{}, squared, chance);
  check(mean_absolute_error{}, absolute, chance);
  check(smooth_l1{.beta = 0.7}, smooth, chance);
}

TEST_CASE("where nothing differs, regression losses and gradients are zero") {
  std::mt19937 chance(2);
  const auto outputs = random_tensor<float>(chance, extents);
  const auto all_zero = [&](const auto& result) {
    CHECK(result.value == 0);
    for (const float g : result.gradient) CHECK(g == 0);
  };
  all_zero(mean_squared_error{}(outputs, outputs));
  all_zero(mean_absolute_error{}(outputs, outputs));
  all_zero(smooth_l1{}(outputs, outputs));
}

TEST_CASE(
    "a number without weight does not count, even where it is infinite, and no weight at all is no loss") {
  tensor<float> outputs(1, 1, 1, 3), targets(1, 1, 1, 3), weights(1, 1, 1, 3);
  outputs(0, 0, 0, 0) = 2;
  outputs(0, 0, 0, 1) = std::numeric_limits<float>::infinity();
  outputs(0, 0, 0, 2) = std::numeric_limits<float>::quiet_NaN();
  weights(0, 0, 0, 0) = 0.5f;
  const auto result = mean_squared_error{reduction::weighted_mean}(outputs, targets, weights);
  CHECK(result.value == 4);
  CHECK(result.gradient(0, 0, 0, 0) == 4);
  CHECK(result.gradient(0, 0, 0, 1) == 0);
  CHECK(result.gradient(0, 0, 0, 2) == 0);
  weights(0, 0, 0, 0) = 0;
  for (const reduction reduce : {reduction::mean, reduction::weighted_mean, reduction::sum}) {
    const auto nothing = mean_squared_error{reduce}(outputs, targets, weights);
    CHECK(nothing.value == 0);
    for (const float g : nothing.gradient) CHECK(g == 0);
  }
  const tensor<float> empty(0, 3, 4, 4);
  CHECK(mean_squared_error{}(empty, empty).value == 0);
}

TEST_CASE("a network that puts out what is no number has a loss that is none") {
  tensor<float> outputs(1, 1, 1, 2), targets(1, 1, 1, 2);
  outputs(0, 0, 0, 1) = std::numeric_limits<float>::quiet_NaN();
  for (const auto& result : {mean_squared_error{}(outputs, targets), mean_absolute_error{}(outputs, targets),
                             smooth_l1{}(outputs, targets)}) {
    CHECK(std::isnan(result.value));
    CHECK(std::isnan(result.gradient(0, 0, 0, 1)));
  }
}

TEST_CASE("regression losses give the same bits for any number of threads") {
  std::mt19937 chance(3);
  const auto outputs = random_tensor<float>(chance, {3, 5, 61, 67});
  const auto targets = random_tensor<float>(chance, {3, 5, 61, 67});
  const auto weights = random_tensor<float>(chance, {3, 1, 61, 67}, 0, 1);
  test::check_threads([&] { return mean_squared_error{}(outputs, targets, weights); });
  test::check_threads([&] { return mean_absolute_error{}(outputs, targets, weights); });
  test::check_threads([&] { return smooth_l1{}(outputs, targets); });
}

TEST_CASE("regression losses refuse other extents, targets that are no numbers, and negative weights") {
  const tensor<float> outputs(2, 3, 4, 5);
  tensor<float> targets(2, 3, 4, 5);
  CHECK_THROWS_WITH(
      mean_squared_error{}(outputs, tensor<float>(2, 3, 5, 4)),
      "mean_squared_error: given targets of 2 x 3 x 5 x 4, wanted 2 x 3 x 4 x 5 as the outputs");
  CHECK_THROWS_WITH(
      mean_absolute_error{}(outputs, targets, tensor<float>(2, 2, 4, 5)),
      "mean_absolute_error: given weights of 2 x 2 x 4 x 5, wanted 2 x 3 x 4 x 5 (an extent may also be 1)");
  tensor<float> weights(1, 1, 4, 5);
  weights(0, 0, 3, 1) = -1;
  CHECK_THROWS_WITH(smooth_l1{}(outputs, targets, weights),
                    "smooth_l1: given weights(0, 0, 3, 1) = -1, wanted finite numbers of 0 or more");
  targets(1, 2, 0, 4) = std::numeric_limits<float>::quiet_NaN();
  CHECK_THROWS_WITH(mean_squared_error{}(outputs, targets),
                    "mean_squared_error: given targets(1, 2, 0, 4) = nan, wanted finite numbers");
  CHECK_THROWS_AS(smooth_l1{.beta = 0}(outputs, outputs), value_error);
}

}  // namespace regression_test

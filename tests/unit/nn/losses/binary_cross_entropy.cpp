#include <array>
#include <cmath>
#include <limits>
#include <random>
#include <vector>

#include <catch2/catch.hpp>

#include <lookalike/nn/losses/binary_cross_entropy.hpp>

#include "check_gradient.hpp"

namespace binary_cross_entropy_test {

using namespace lookalike;
using test::random_tensor;

namespace {

/// The definition, with logarithms of a sigmoid: good enough for small logits.
double plain_loss(const tensor<double>& logits, const tensor<double>& targets, const tensor<double>& weights,
                  const std::array<double, 3>& positive_weight) {
  double sum = 0;
  for (std::int64_t n = 0; n < logits.batch(); ++n)
    for (std::int64_t c = 0; c < 3; ++c)
      for (std::int64_t y = 0; y < logits.height(); ++y)
        for (std::int64_t x = 0; x < logits.width(); ++x) {
          const double s = 1 / (1 + std::exp(-logits(n, c, y, x)));
          const double t = targets(n, c, y, x);
          sum -= weights(n, 0, y, x) *
                 (positive_weight[static_cast<std::size_t>(c)] * t * std::log(s) + (1 - t) * std::log(1 - s));
        }
  return sum / static_cast<double>(logits.size());
}

}  // namespace

TEST_CASE("binary cross-entropy and its gradient are their definition") {
  std::mt19937 chance(1);
  const auto logits = random_tensor<double>(chance, {2, 3, 4, 5});
  auto targets = random_tensor<double>(chance, {2, 3, 4, 5}, 0, 1);
  for (std::int64_t i = 0; i < targets.size(); i += 3) targets.data()[i] = static_cast<double>(i % 2);
  const auto weights = random_tensor<double>(chance, {2, 1, 4, 5}, 0, 2);
  tensor<double> ones(2, 1, 4, 5);
  std::fill(ones.begin(), ones.end(), 1.0);

  const auto plain = binary_cross_entropy{}(logits, targets);
  CHECK(plain.value == Approx(plain_loss(logits, targets, ones, {1, 1, 1})).epsilon(1e-12));
  test::check_gradient(logits, plain.gradient,
                       [&](const auto& moved) { return binary_cross_entropy{}(moved, targets).value; });

  const binary_cross_entropy loss{.positive_weight = {0.5, 2, 3}};
  const auto weighted = loss(logits, targets, weights);
  CHECK(weighted.value == Approx(plain_loss(logits, targets, weights, {0.5, 2, 3})).epsilon(1e-12));
  test::check_gradient(logits, weighted.gradient,
                       [&](const auto& moved) { return loss(moved, targets, weights).value; });
  CHECK(binary_cross_entropy{.positive_weight = {2}}(logits, targets).value ==
        Approx(plain_loss(logits, targets, ones, {2, 2, 2})).epsilon(1e-12));

  const auto single =
      loss(test::converted<float>(logits), test::converted<float>(targets), test::converted<float>(weights));
  CHECK(single.value == Approx(weighted.value).epsilon(1e-5));
  for (std::int64_t i = 0; i < logits.size(); ++i) {
    CHECK(single.gradient.data()[i] == Approx(weighted.gradient.data()[i]).epsilon(1e-4).margin(1e-7));
  }
}

TEST_CASE("binary cross-entropy keeps its digits for large logits and does not overflow") {
  // Truth: log(1 + e^-x) = e^-x (1 - e^-x / 2 + ...) and, for what is far on the wrong side, |x|.
  constexpr double infinity = std::numeric_limits<double>::infinity();
  const auto at = [](double logit, double target) {
    tensor<double> x(1, 1), t(1, 1);
    x(0, 0) = logit;
    t(0, 0) = target;
    const auto result = binary_cross_entropy{}(x, t);
    return std::array{result.value, result.gradient(0, 0)};
  };
  CHECK(at(50, 1)[0] == Approx(std::exp(-50)).epsilon(1e-14));
  CHECK(at(50, 1)[1] == Approx(-std::exp(-50)).epsilon(1e-14));
  CHECK(at(-50, 0)[0] == Approx(std::exp(-50)).epsilon(1e-14));
  CHECK(at(-50, 0)[1] == Approx(std::exp(-50)).epsilon(1e-14));
  CHECK(at(1e4, 0) == std::array{1e4, 1.0});
  CHECK(at(-1e4, 1) == std::array{1e4, -1.0});
  CHECK(at(infinity, 1) == std::array{0.0, 0.0});
  CHECK(at(-infinity, 0) == std::array{0.0, 0.0});
  CHECK(at(infinity, 0) == std::array{infinity, 1.0});
  CHECK(std::isnan(at(std::nan(""), 0)[0]));
  CHECK(std::isnan(at(std::nan(""), 1)[1]));
}

TEST_CASE("binary cross-entropy gives the same bits for any number of threads") {
  std::mt19937 chance(2);
  const auto logits = random_tensor<float>(chance, {16, 1, 62, 62});
  const auto targets = random_tensor<float>(chance, {16, 1, 62, 62}, 0, 1);
  test::check_threads([&] { return binary_cross_entropy{}(logits, targets); });
}

TEST_CASE("binary cross-entropy refuses targets that are no probabilities and weights that do not fit") {
  const tensor<float> logits(1, 2, 1, 1);
  tensor<float> targets(1, 2, 1, 1);
  CHECK_THROWS_WITH(
      (binary_cross_entropy{.positive_weight = {1, 2, 3}}(logits, targets)),
      "binary_cross_entropy: given 3 weights of positives, wanted 1 or 2, one for each channel");
  CHECK_THROWS_AS(binary_cross_entropy{.positive_weight = {-1}}(logits, targets), value_error);
  CHECK_THROWS_AS(binary_cross_entropy{}(logits, tensor<float>(2, 2)), value_error);
  for (const float bad : {1.5f, -0.1f, std::numeric_limits<float>::quiet_NaN()}) {
    targets(0, 1) = bad;
    CHECK_THROWS_WITH(binary_cross_entropy{}(logits, targets),
                      Catch::Contains("targets(0, 1, 0, 0)") && Catch::Contains("between 0 and 1"));
  }
}

}  // namespace binary_cross_entropy_test

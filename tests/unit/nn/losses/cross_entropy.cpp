#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <vector>

#include <catch2/catch.hpp>

#include <lookalike/nn/losses/cross_entropy.hpp>

#include "check_gradient.hpp"

namespace cross_entropy_test {

using namespace lookalike;
using test::random_tensor;

namespace {

struct problem {
  tensor<double> logits;
  std::vector<int> labels;
  tensor<double> distribution;
  tensor<double> weights;  // of pixels
  std::vector<double> class_weights;
};

/// A problem in which every fifth label is ignored and some pixels have no weight.
problem random_problem(std::mt19937& chance, const std::array<std::int64_t, 4>& extents) {
  problem p;
  p.logits = random_tensor<double>(chance, extents, -6, 6);
  const std::array<std::int64_t, 4> pixels{extents[0], 1, extents[2], extents[3]};
  p.weights = random_tensor<double>(chance, pixels, -0.3, 2);
  for (double& w : p.weights) w = std::max(w, 0.0);
  for (std::int64_t i = 0; i < p.weights.size(); ++i) {
    p.labels.push_back(i % 5 == 3 ? -100 : static_cast<int>(chance() % static_cast<unsigned>(extents[1])));
  }
  p.distribution = random_tensor<double>(chance, extents, 0, 1);
  for (std::int64_t c = 0; c < extents[1]; ++c)
    p.class_weights.push_back(0.25 + 0.5 * static_cast<double>(c % 4));
  return p;
}

/// The definition in the header's documentation, pixel by pixel; `labels` or the distribution.
double plain_loss(const cross_entropy& o, const problem& p, bool with_labels, bool with_weights) {
  const std::int64_t classes = p.logits.channels();
  double sum = 0, count = 0, total = 0;
  std::size_t i = 0;
  for (std::int64_t n = 0; n < p.logits.batch(); ++n)
    for (std::int64_t y = 0; y < p.logits.height(); ++y)
      for (std::int64_t x = 0; x < p.logits.width(); ++x, ++i) {
        if (with_labels && p.labels[i] == o.ignore_index) continue;
        const double v = with_weights ? p.weights(n, 0, y, x) : 1;
        const auto w = [&](std::int64_t c) {
          return o.class_weights.empty() ? 1 : o.class_weights[static_cast<std::size_t>(c)];
        };
        double normalizer = 0;
        for (std::int64_t c = 0; c < classes; ++c) normalizer += std::exp(p.logits(n, c, y, x));
        for (std::int64_t c = 0; c < classes; ++c) {
          double t = with_labels ? (p.labels[i] == c ? 1.0 : 0.0) : p.distribution(n, c, y, x);
          t = (1 - o.label_smoothing) * t + o.label_smoothing / static_cast<double>(classes);
          sum -= v * w(c) * t * std::log(std::exp(p.logits(n, c, y, x)) / normalizer);
        }
        count += 1;
        total += with_labels ? v * w(p.labels[i]) : v;
      }
  if (o.reduce == reduction::sum) return sum;
  return sum / (o.reduce == reduction::mean ? count : total);
}

/// Value and gradient against the definition, in double and float, dense and scattered.
void check(const cross_entropy& loss, const problem& p, bool with_labels, bool with_weights) {
  const auto evaluate = [&](const auto& logits, const auto& distribution, const auto& weights) {
    if (with_labels) return with_weights ? loss(logits, p.labels, weights) : loss(logits, p.labels);
    return with_weights ? loss(logits, distribution, weights) : loss(logits, distribution);
  };
  const auto result = evaluate(p.logits, p.distribution, p.weights);
  CHECK(result.value == Approx(plain_loss(loss, p, with_labels, with_weights)).epsilon(1e-12));
  test::check_gradient(p.logits, result.gradient, [&](const tensor<double>& moved) {
    return evaluate(moved, p.distribution, p.weights).value;
  });

  const auto single = evaluate(test::converted<float>(p.logits), test::converted<float>(p.distribution),
                               test::converted<float>(p.weights));
  CHECK(single.value == Approx(result.value).epsilon(2e-6));
  double largest = 0;
  for (const double g : result.gradient) largest = std::max(largest, std::abs(g));
  for (std::int64_t i = 0; i < p.logits.size(); ++i) {
    REQUIRE(std::abs(double{single.gradient.data()[i]} - result.gradient.data()[i]) <= 2e-6 * largest + 4e-7);
  }
  const test::scattered<double> logits(p.logits), distribution(p.distribution), weights(p.weights);
  const auto elsewhere = evaluate(logits.view, distribution.view, weights.view);
  CHECK(elsewhere.value == result.value);
  CHECK(elsewhere.gradient == result.gradient);
}

}  // namespace

TEST_CASE("cross-entropy and its gradient are their definition, for every target, weight and reduction") {
  std::mt19937 chance(1);
  // Maps narrower and wider than a tile of pixels, classification of whole pictures, two classes and many.
  for (const auto& extents : std::vector<std::array<std::int64_t, 4>>{
           {2, 4, 3, 5}, {1, 2, 2, 37}, {7, 11, 1, 1}, {35, 3, 1, 1}, {1, 1, 2, 2}, {2, 70, 1, 3}}) {
    const problem p = random_problem(chance, extents);
    CAPTURE(extents[0], extents[1], extents[2], extents[3]);
    for (const reduction reduce : {reduction::mean, reduction::weighted_mean, reduction::sum})
      for (const double smoothing : {0.0, 0.1})
        for (const bool with_class_weights : {false, true})
          for (const bool with_labels : {false, true})
            for (const bool with_weights : {false, true}) {
              cross_entropy loss{.label_smoothing = smoothing, .reduce = reduce};
              if (with_class_weights) loss.class_weights = p.class_weights;
              check(loss, p, with_labels, with_weights);
            }
  }
}

TEST_CASE("cross-entropy is PyTorch's by default, and its sum is PyTorch's sum") {
  // torch 2.13: F.cross_entropy(x, y, **options) and F.cross_entropy(x, t, **options) in float64, and for the
  // labels x.grad[1]
  tensor<double> x(4, 3), t(4, 3);
  const std::vector<double> logits{1, -2, 0.5, 0, 3, -1, 2, 2, -4, 0.25, -0.5, 1.5};
  const std::vector<double> distribution{0.2, 0.3, 0.5, 1, 0, 0, 0.1, 0.1, 0.8, 0, 0.5, 0.5};
  std::copy(logits.begin(), logits.end(), x.begin());
  std::copy(distribution.begin(), distribution.end(), t.begin());
  const std::vector<int> y{0, 2, -100, 1};
  const std::vector<double> w{0.5, 2, 1.25};
  struct torch_result {
    cross_entropy loss;
    double of_labels, of_distribution;
    std::array<double, 3> gradient;
  };
  for (const torch_result& torch : {
           torch_result{{},
                        2.3074775566341716,
                        2.8917046147895604,
                        {0.01553754085932463, 0.31207985062550192, -0.32761739148482649}},
           torch_result{{.class_weights = w},
                        2.676948548926275,
                        3.438484215682863,
                        {0.01553754085932463, 0.31207985062550192, -0.32761739148482649}},
           torch_result{{.label_smoothing = 0.2},
                        2.2130331121897271,
                        2.7233712814562274,
                        {-0.0066846813628975935, 0.28985762840327967, -0.28317294704038204}},
           torch_result{{.class_weights = w, .label_smoothing = 0.2},
                        2.5186099060234102,
                        3.2726718595770143,
                        {0.0066486519704357407, 0.27652429506994636, -0.28317294704038204}},
           torch_result{{.class_weights = w, .label_smoothing = 0.2, .reduce = reduction::sum},
                        9.4447871475877871,
                        13.090687438308057,
                        {0.024932444889134028, 1.0369661065122988, -1.0618985514014327}},
       }) {
    const auto result = torch.loss(x, y);
    CHECK(result.value == Approx(torch.of_labels).epsilon(1e-14));
    for (std::int64_t c = 0; c < 3; ++c) {
      CHECK(result.gradient(1, c) == Approx(torch.gradient[static_cast<std::size_t>(c)]).epsilon(1e-13));
    }
    CHECK(torch.loss(x, t).value == Approx(torch.of_distribution).epsilon(1e-14));
  }
}

TEST_CASE("equal logits of C classes have the cross-entropy log C") {
  tensor<float> logits(3, 10);
  CHECK(cross_entropy{}(logits, std::vector<int>{0, 5, 9}).value == Approx(std::log(10.0)).epsilon(1e-7));
}

TEST_CASE("labels may be of any integer type, in a row or as a map") {
  std::mt19937 chance(2);
  const auto logits = random_tensor<float>(chance, {2, 3, 2, 2});
  const std::vector<std::int64_t> row{0, 1, 2, 1, 2, 2, 0, 1};
  const auto wanted = cross_entropy{}(logits, row);
  tensor<int> map(2, 1, 2, 2);
  std::copy(row.begin(), row.end(), map.begin());
  const std::array<std::uint8_t, 8> bytes{0, 1, 2, 1, 2, 2, 0, 1};
  CHECK(cross_entropy{}(logits, map).gradient == wanted.gradient);
  CHECK(cross_entropy{}(logits, map.view()).value == wanted.value);
  CHECK(cross_entropy{}(logits, bytes).gradient == wanted.gradient);
  CHECK(cross_entropy{}(logits, std::span<const std::int64_t>(row)).gradient == wanted.gradient);
}

TEST_CASE("pixels that are ignored or have no weight have no gradient, whatever their logits are") {
  std::mt19937 chance(3);
  auto logits = random_tensor<float>(chance, {1, 3, 1, 4});
  const std::vector<int> labels{0, 255, 1, 2};
  const cross_entropy loss{.ignore_index = 255};
  tensor<float> weights(1, 1, 1, 4);
  weights(0, 0, 0, 0) = weights(0, 0, 0, 1) = weights(0, 0, 0, 3) = 1;
  for (std::int64_t c = 0; c < 3; ++c) {
    logits(0, c, 0, 1) = std::numeric_limits<float>::quiet_NaN();
    logits(0, c, 0, 2) = std::numeric_limits<float>::infinity();
  }
  const auto result = loss(logits, labels, weights);
  CHECK(std::isfinite(result.value));
  for (std::int64_t c = 0; c < 3; ++c) {
    CHECK(result.gradient(0, c, 0, 0) != 0);
    CHECK(result.gradient(0, c, 0, 1) == 0);
    CHECK(result.gradient(0, c, 0, 2) == 0);
  }
  // All of them: as for a gray picture in Zhang's loss.
  const std::vector<int> none{255, 255, 255, 255};
  const tensor<float> distribution(1, 3, 1, 4), no_weights(1, 1, 1, 1);
  for (const reduction reduce : {reduction::mean, reduction::weighted_mean, reduction::sum}) {
    const cross_entropy empty{.ignore_index = 255, .reduce = reduce};
    for (const auto& nothing : {empty(logits, none), empty(logits, distribution, no_weights)}) {
      CHECK(nothing.value == 0);
      for (const float g : nothing.gradient) CHECK(g == 0);
    }
  }
}

TEST_CASE("cross-entropy neither overflows nor is disturbed by classes ruled out") {
  constexpr float infinity = std::numeric_limits<float>::infinity();
  tensor<float> logits(2, 3);
  logits(0, 0) = 1e30f;
  logits(0, 1) = -1e30f;
  logits(1, 0) = -infinity;
  const auto result = cross_entropy{}(logits, std::vector<int>{0, 1});
  CHECK(result.value == Approx(std::log(2.0) / 2).epsilon(1e-7));
  CHECK(result.gradient(1, 0) == 0);
  CHECK(result.gradient(1, 1) == Approx(-0.25));
  CHECK(result.gradient(1, 2) == Approx(0.25));
  tensor<float> certain(2, 3);
  certain(0, 0) = certain(1, 1) = 1;
  CHECK(cross_entropy{}(logits, certain).value == result.value);
  CHECK(std::isinf(cross_entropy{}(logits, std::vector<int>{0, 0}).value));
  logits(0, 2) = std::numeric_limits<float>::quiet_NaN();
  CHECK(std::isnan(cross_entropy{}(logits, std::vector<int>{0, 1}).value));
}

TEST_CASE("cross-entropy gives the same bits for any number of threads") {
  std::mt19937 chance(4);
  const auto logits = random_tensor<float>(chance, {2, 21, 47, 53});
  std::vector<int> labels(2 * 47 * 53);
  for (int& label : labels) label = static_cast<int>(chance() % 21);
  const auto weights = random_tensor<float>(chance, {2, 1, 47, 53}, 0, 1);
  const auto distribution = random_tensor<float>(chance, {2, 21, 47, 53}, 0, 1);
  test::check_threads([&] { return cross_entropy{}(logits, labels, weights); });
  test::check_threads([&] { return cross_entropy{.label_smoothing = 0.1}(logits, distribution, weights); });
}

TEST_CASE("cross-entropy refuses labels out of range and what has the wrong extents, saying where") {
  tensor<float> logits(2, 3, 2, 2);
  std::vector<int> labels(8, 1);
  CHECK_THROWS_WITH(cross_entropy{}(logits, std::vector<int>(7)),
                    "cross_entropy: given 7 labels, wanted 8 for outputs of 2 x 3 x 2 x 2");
  CHECK_THROWS_WITH(
      cross_entropy{}(logits, tensor<int>(2, 1, 2, 3)),
      "cross_entropy: given labels of 2 x 1 x 2 x 3, wanted 2 x 1 x 2 x 2 for outputs of 2 x 3 x 2 x 2");
  for (const int bad : {3, -1, -99, 1 << 30}) {
    labels[6] = bad;
    CHECK_THROWS_WITH(cross_entropy{}(logits, labels),
                      Catch::StartsWith("cross_entropy: given the label " + std::to_string(bad) +
                                        " for picture 1, row 1, column 0, wanted 0 to 2"));
  }
  labels[6] = 0;
  CHECK_THROWS_AS(cross_entropy{}(logits, tensor<float>(2, 3, 2, 1)), value_error);
  tensor<float> distribution(2, 3, 2, 2);
  for (const float bad :
       {-0.5f, std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    distribution(1, 2, 1, 0) = bad;
    CHECK_THROWS_WITH(cross_entropy{}(logits, distribution), Catch::Contains("targets(1, 2, 1, 0)"));
  }
  CHECK_THROWS_AS((cross_entropy{.class_weights = {1, 2}}(logits, labels)), value_error);
  CHECK_THROWS_AS((cross_entropy{.class_weights = {1, 2, -1}}(logits, labels)), value_error);
  CHECK_THROWS_AS(cross_entropy{.label_smoothing = 1.5}(logits, labels), value_error);
  CHECK_THROWS_AS(cross_entropy{}(logits, labels, tensor<float>(2, 3, 2, 2)), value_error);
  CHECK_THROWS_AS(cross_entropy{}(tensor<float>(2, 0, 2, 2), labels), value_error);
}

}  // namespace cross_entropy_test

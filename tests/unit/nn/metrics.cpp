#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>
#include <random>
#include <vector>

#include <catch2/catch.hpp>

#include <lookalike/nn/metrics.hpp>

namespace metrics_test {

using namespace lookalike;

namespace {

struct scored {
  tensor<float> scores;
  std::vector<int> labels;
};

/// Scores out of a few values, so that many are equal; every seventh pixel is ignored.
scored random_scores(std::mt19937& chance, std::int64_t batch, std::int64_t classes, std::int64_t height,
                     std::int64_t width) {
  scored result{tensor<float>(batch, classes, height, width), {}};
  for (float& score : result.scores) score = static_cast<float>(chance() % 6u);
  for (std::int64_t i = 0; i < batch * height * width; ++i) {
    result.labels.push_back(i % 7 == 2 ? 255 : static_cast<int>(chance() % static_cast<unsigned>(classes)));
  }
  return result;
}

/// The classes of a pixel from the best to the worst, by sorting.
std::vector<int> ranking(const tensor<float>& scores, std::int64_t n, std::int64_t y, std::int64_t x) {
  std::vector<int> order(static_cast<std::size_t>(scores.channels()));
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(),
                   [&](int a, int b) { return scores(n, a, y, x) > scores(n, b, y, x); });
  return order;
}

}  // namespace

TEST_CASE("hits are the labels among the best classes, for pictures and for pixels") {
  std::mt19937 chance(1);
  for (const auto& [batch, height, width] : {std::array<std::int64_t, 3>{40, 1, 1}, {2, 5, 7}}) {
    const scored s = random_scores(chance, batch, 8, height, width);
    for (const int top : {1, 2, 5, 8, 20}) {
      hit_count wanted;
      std::size_t i = 0;
      for (std::int64_t n = 0; n < batch; ++n)
        for (std::int64_t y = 0; y < height; ++y)
          for (std::int64_t x = 0; x < width; ++x, ++i) {
            if (s.labels[i] == 255) continue;
            const auto order = ranking(s.scores, n, y, x);
            const auto end = order.begin() + std::min(top, 8);
            wanted += {std::find(order.begin(), end, s.labels[i]) != end ? 1 : 0, 1};
          }
      CHECK(count_hits(s.scores, s.labels, {.top = top, .ignore_index = 255}) == wanted);
      if (top >= 8) CHECK(wanted.rate() == 1);
    }
  }
}

TEST_CASE("a score that is no number is never the best") {
  tensor<float> scores(1, 3);
  scores(0, 0) = std::numeric_limits<float>::quiet_NaN();
  scores(0, 1) = -std::numeric_limits<float>::infinity();
  scores(0, 2) = -5;
  CHECK(count_hits(scores, std::vector<int>{0}).hits == 0);
  CHECK(count_hits(scores, std::vector<int>{2}).hits == 1);
  confusion_matrix confusion(3);
  confusion.add(scores, std::vector<int>{1});
  CHECK(confusion(1, 2) == 1);
}

TEST_CASE("a confusion matrix counts what was taken for what") {
  std::mt19937 chance(2);
  constexpr std::int64_t classes = 4;
  confusion_matrix confusion(classes), second(classes);
  std::array<std::array<std::int64_t, classes>, classes> wanted{};
  hit_count hits;
  for (int batch = 0; batch < 3; ++batch) {
    const scored s = random_scores(chance, 2, classes, 6, 5);
    (batch < 2 ? confusion : second).add(s.scores, s.labels, 255);
    hits += count_hits(s.scores, s.labels, {.ignore_index = 255});
    std::size_t i = 0;
    for (std::int64_t n = 0; n < 2; ++n)
      for (std::int64_t y = 0; y < 6; ++y)
        for (std::int64_t x = 0; x < 5; ++x, ++i) {
          if (s.labels[i] == 255) continue;
          ++wanted[static_cast<std::size_t>(s.labels[i])]
                  [static_cast<std::size_t>(ranking(s.scores, n, y, x)[0])];
        }
  }
  confusion += second;
  double overlaps = 0;
  for (std::int64_t c = 0; c < classes; ++c) {
    std::int64_t row = 0, column = 0;
    for (std::int64_t o = 0; o < classes; ++o) {
      CHECK(confusion(c, o) == wanted[static_cast<std::size_t>(c)][static_cast<std::size_t>(o)]);
      row += confusion(c, o);
      column += confusion(o, c);
    }
    CHECK(confusion.recall(c) == hit_count{confusion(c, c), row});
    CHECK(confusion.precision(c) == hit_count{confusion(c, c), column});
    CHECK(confusion.overlap(c) == hit_count{confusion(c, c), row + column - confusion(c, c)});
    overlaps += confusion.overlap(c).rate();
  }
  CHECK(confusion.hits() == hits);
  CHECK(confusion.mean_overlap() == Approx(overlaps / classes));
}

TEST_CASE("a class that occurs nowhere has no part in the mean overlap") {
  confusion_matrix confusion(3);
  CHECK(std::isnan(confusion.mean_overlap()));
  tensor<float> scores(2, 3);
  scores(0, 0) = scores(1, 1) = 1;
  confusion.add(scores, std::vector<int>{0, 0});
  CHECK(confusion.mean_overlap() == Approx(0.25));  // 1/2 for the first class, 0 for the second
}

TEST_CASE("a running mean weighs what it is given") {
  running_mean mean;
  CHECK(std::isnan(mean.value()));
  mean.add(1, 128);
  mean.add(4, 64);
  CHECK(mean.value() == 2);
  CHECK(mean.weight() == 192);
}

TEST_CASE("the peak signal-to-noise ratio of a constant difference is its closed form") {
  tensor<float> pictures(1, 3, 4, 4), references(1, 3, 4, 4);
  CHECK(peak_signal_to_noise(pictures, references) == std::numeric_limits<double>::infinity());
  for (float& value : pictures) value = 0.125f;
  CHECK(peak_signal_to_noise(pictures, references) == Approx(20 * std::log10(8)));
  for (float& value : pictures) value = 16;
  CHECK(peak_signal_to_noise(pictures, references, 255) == Approx(20 * std::log10(255.0 / 16)));
  CHECK_THROWS_AS(peak_signal_to_noise(pictures, tensor<float>(1, 3, 4, 5)), value_error);
  CHECK_THROWS_AS(peak_signal_to_noise(pictures, references, 0), value_error);
  CHECK_THROWS_AS(peak_signal_to_noise(tensor<float>(), tensor<float>()), value_error);
}

TEST_CASE("metrics refuse labels and classes that do not fit") {
  const tensor<float> scores(2, 3);
  CHECK_THROWS_WITH(count_hits(scores, std::vector<int>{0}),
                    Catch::StartsWith("count_hits: given 1 labels, wanted 2"));
  CHECK_THROWS_AS(count_hits(scores, std::vector<int>{0, 3}), value_error);
  CHECK_THROWS_AS(count_hits(scores, std::vector<int>{0, 1}, {.top = 0}), value_error);
  confusion_matrix confusion(4);
  CHECK_THROWS_WITH(confusion.add(scores, std::vector<int>{0, 1}),
                    "confusion_matrix: given scores of 3 classes, wanted 4");
  CHECK_THROWS_AS(confusion += confusion_matrix(3), value_error);
  CHECK_THROWS_AS(confusion_matrix(0), value_error);
}

}  // namespace metrics_test

// Colors as classes: figures are those that follow from the published table by counting, and closed forms.

#include <cmath>
#include <numeric>
#include <set>

#include <catch2/catch.hpp>

#include <lookalike/core/random.hpp>
#include <lookalike/models/color_bins.hpp>
#include <lookalike/nn/losses/cross_entropy.hpp>

using namespace lookalike;

namespace {

bool in_table(int a, int b) {
  return std::any_of(color_bins.begin(), color_bins.end(), [&](const std::array<float, 2>& c) {
    return c[0] == static_cast<float>(a) && c[1] == static_cast<float>(b);
  });
}

bool is_inner(const std::array<float, 2>& c) {
  bool all = true;
  for (int da = -20; da <= 20; da += 10)
    for (int db = -20; db <= 20; db += 10)
      all = all && in_table(static_cast<int>(c[0]) + da, static_cast<int>(c[1]) + db);
  return all;
}

tensor<double> logarithms(const tensor<double>& p) {
  tensor<double> z = p;
  for (double& v : z) v = std::log(v);  // of 0: -infinity, a share of nothing
  return z;
}

tensor<double> one_color(double a, double b) {
  tensor<double> ab(1, 2);
  ab(0, 0) = a;
  ab(0, 1) = b;
  return ab;
}

// The largest error of encoding and taking the mean again, over a grid of `steps` colors each way in the
// cells of `bins`, up to their borders.
double largest_round_trip(int neighbors, const std::vector<std::array<float, 2>>& bins, int steps) {
  std::vector<std::array<double, 2>> colors;
  const double step = 9.9999 / (steps - 1);
  for (const auto& c : bins)
    for (int i = 0; i < steps; ++i)
      for (int j = 0; j < steps; ++j)
        colors.push_back({c[0] - 4.99995 + step * i, c[1] - 4.99995 + step * j});
  tensor<double> ab(1, 2, 1, static_cast<std::int64_t>(colors.size()));
  for (std::size_t i = 0; i < colors.size(); ++i)
    for (int c = 0; c < 2; ++c)
      ab(0, c, 0, static_cast<std::int64_t>(i)) = colors[i][static_cast<std::size_t>(c)];
  const tensor<double> back =
      decode_colors<double>(logarithms(encode_colors<double>(ab, {.neighbors = neighbors})), 1);
  double most = 0;
  for (std::int64_t i = 0; i < ab.width(); ++i)
    most = std::max(most, std::hypot(back(0, 0, 0, i) - ab(0, 0, 0, i), back(0, 1, 0, i) - ab(0, 1, 0, i)));
  return most;
}

}  // namespace

TEST_CASE("the nearest colors are those that sorting the whole table gives") {
  random_sequence random(8);
  for (int i = 0; i < 4000; ++i) {
    // Rounded to halves, so that many are equally near.
    const double a = std::round(2 * random.uniform(-140, 140)) / 2;
    const double b = std::round(2 * random.uniform(-140, 140)) / 2;
    std::vector<std::pair<double, int>> sorted;
    for (int q = 0; q < color_bin_count; ++q) {
      const auto& c = color_bins[static_cast<std::size_t>(q)];
      sorted.emplace_back((a - c[0]) * (a - c[0]) + (b - c[1]) * (b - c[1]), q);
    }
    std::sort(sorted.begin(), sorted.end());
    std::array<near_color, 12> nearest;
    for (const std::size_t count : {1u, 5u, 10u, 12u}) {
      nearest_color_bins(a, b, std::span(nearest).first(count));
      for (std::size_t n = 0; n < count; ++n) {
        REQUIRE(nearest[n].bin == sorted[n].second);
        REQUIRE(nearest[n].squared_distance == sorted[n].first);
      }
    }
  }
}

TEST_CASE("there are 313 colors, in order, on a grid of 10") {
  CHECK(color_bins.size() == 313);
  std::set<std::array<float, 2>> seen(color_bins.begin(), color_bins.end());
  CHECK(seen.size() == 313);
  CHECK(std::is_sorted(color_bins.begin(), color_bins.end()));
  for (const auto& c : color_bins) {
    CHECK(std::fmod(c[0], 10) == 0);
    CHECK(std::fmod(c[1], 10) == 0);
  }
  CHECK(color_bins[0] == std::array<float, 2>{-90, 50});
  CHECK(color_bins[312] == std::array<float, 2>{100, 0});
  CHECK(in_table(0, 0));
  CHECK(in_table(60, -110));
  CHECK_FALSE(in_table(60, 90));
}

TEST_CASE(
    "a color is told by its neighbors and comes back: within 0.70 by 5, 0.35 by 10, half a diagonal by 1") {
  std::vector<std::array<float, 2>> inner, rim;
  for (const auto& c : color_bins) (is_inner(c) ? inner : rim).push_back(c);
  REQUIRE(inner.size() > 100);
  const std::vector<std::array<float, 2>> any_one{inner[17]};
  CHECK(largest_round_trip(5, any_one, 101) == Approx(0.70).margin(0.005));
  CHECK(largest_round_trip(10, any_one, 101) == Approx(0.35).margin(0.005));
  CHECK(largest_round_trip(1, any_one, 101) == Approx(std::sqrt(50)).margin(0.001));
  CHECK(largest_round_trip(5, inner, 7) < 0.715);  // more where two colors are equally near
  CHECK(largest_round_trip(10, inner, 7) < 0.355);
  // At the rim of the table there are no neighbors on one side.
  for (const int neighbors : {5, 10}) {
    const double most = largest_round_trip(neighbors, rim, 7);
    CHECK(most > 5);
    CHECK(most < 7.5);
  }
}

TEST_CASE("an encoding adds up to 1 and has so many colors, the nearest the most") {
  tensor<float> ab(2, 2, 3, 4);
  random_sequence random(1);
  for (float& v : ab) v = static_cast<float>(random.uniform(-100, 100));
  for (const int neighbors : {1, 5, 10}) {
    const tensor<float> p = encode_colors<float>(ab, {.neighbors = neighbors});
    REQUIRE(p.extents() == std::array<std::int64_t, 4>{2, 313, 3, 4});
    for (int n = 0; n < 2; ++n)
      for (int y = 0; y < 3; ++y)
        for (int x = 0; x < 4; ++x) {
          double sum = 0;
          int count = 0, most = 0;
          for (int q = 0; q < 313; ++q) {
            sum += p(n, q, y, x);
            count += p(n, q, y, x) > 0 ? 1 : 0;
            if (p(n, q, y, x) > p(n, most, y, x)) most = q;
          }
          CHECK(sum == Approx(1).epsilon(1e-6));
          CHECK(count <= neighbors);
          CHECK(most == nearest_color_bin(ab(n, 0, y, x), ab(n, 1, y, x)));
        }
  }
  // Against the definition, at a color between four.
  const tensor<double> p = encode_colors<double>(one_color(3, -4), {.neighbors = 2, .sigma = 5});
  const auto squared = [](double a, double b) { return (a - 3) * (a - 3) + (b + 4) * (b + 4); };
  const double nearest = std::exp(-squared(0, 0) / 50), second = std::exp(-squared(0, -10) / 50);
  CHECK(p(0, nearest_color_bin(0, 0)) == Approx(nearest / (nearest + second)));
  CHECK(p(0, nearest_color_bin(0, -10)) == Approx(second / (nearest + second)));
}

TEST_CASE("the annealed mean goes from the mean of the colors at 1 to the mode at 0") {
  tensor<double> z(1, 313);
  random_sequence random(2);
  for (double& v : z) v = random.normal(0, 2);
  double sum = 0, a = 0, b = 0;
  int best = 0;
  for (int q = 0; q < 313; ++q) {
    sum += std::exp(z(0, q));
    a += std::exp(z(0, q)) * color_bins[static_cast<std::size_t>(q)][0];
    b += std::exp(z(0, q)) * color_bins[static_cast<std::size_t>(q)][1];
    if (z(0, q) > z(0, best)) best = q;
  }
  const tensor<double> mean = decode_colors<double>(z, 1);
  CHECK(mean(0, 0) == Approx(a / sum));
  CHECK(mean(0, 1) == Approx(b / sum));
  const auto& mode = color_bins[static_cast<std::size_t>(best)];
  for (const double temperature : {0.0, 1e-5}) {
    const tensor<double> cold = decode_colors<double>(z, temperature);
    CHECK(cold(0, 0) == Approx(mode[0]));
    CHECK(cold(0, 1) == Approx(mode[1]));
  }
  // Two colors, one a little more frequent: the mean is grayish, and the colder, the nearer to the frequent
  // one.
  tensor<double> two(1, 313);
  std::fill(two.begin(), two.end(), -std::numeric_limits<double>::infinity());
  two(0, nearest_color_bin(60, 0)) = std::log(0.6);
  two(0, nearest_color_bin(-60, 0)) = std::log(0.4);
  CHECK(decode_colors<double>(two, 1)(0, 0) == Approx(12));
  const double annealed = decode_colors<double>(two, 0.38)(0, 0);
  const double share = std::pow(0.6, 1 / 0.38) / (std::pow(0.6, 1 / 0.38) + std::pow(0.4, 1 / 0.38));
  CHECK(annealed == Approx(60 * share - 60 * (1 - share)));
  CHECK(annealed > 24);
  CHECK(decode_colors<double>(two, 0)(0, 0) == 60);
}

TEST_CASE("a prior keeps its sum, and its weights have the mean 1") {
  std::vector<double> counts(313);
  random_sequence random(3);
  for (double& c : counts) c = random.uniform() < 0.3 ? std::floor(random.uniform(1, 1000)) : 0;
  for (const double sigma : {0.0, 5.0, 30.0}) {
    const std::vector<double> prior = color_prior(counts, sigma);
    CHECK(std::accumulate(prior.begin(), prior.end(), 0.0) == Approx(1));
    for (const double lambda : {0.0, 0.5, 1.0})
      for (const bool all : {true, false}) {
        const std::vector<double> w = rebalancing_weights(prior, {.lambda = lambda, .uniform_over_all = all});
        double mean = 0;
        for (std::size_t q = 0; q < 313; ++q) {
          mean += prior[q] * w[q];
          CHECK(std::isfinite(w[q]));
          CHECK(w[q] > 0);
        }
        CHECK(mean == Approx(1));
        if (lambda == 1)
          CHECK(*std::max_element(w.begin(), w.end()) == Approx(*std::min_element(w.begin(), w.end())));
      }
  }
  // Without smoothing a prior is the counts' share; with lambda 0 weights are inverse to it.
  const std::vector<double> plain = color_prior(std::vector<double>(313, 2), 0);
  for (const double p : plain) CHECK(p == Approx(1.0 / 313));
  std::vector<double> two(313);
  two[7] = 0.75;
  two[9] = 0.25;
  const std::vector<double> w = rebalancing_weights(two, {.lambda = 0});
  CHECK(w[9] / w[7] == Approx(3));
  // lambda = 1/2 over the two that occur: 1 / (0.375 + 0.25) against 1 / (0.125 + 0.25).
  const std::vector<double> half = rebalancing_weights(two, {.lambda = 0.5, .uniform_over_all = false});
  CHECK(half[9] / half[7] == Approx(0.625 / 0.375));
}

TEST_CASE("smoothing spreads one color over its neighbors by a Gaussian") {
  std::vector<double> counts(313);
  const auto middle = static_cast<std::size_t>(nearest_color_bin(0, 0));
  counts[middle] = 5;
  const std::vector<double> prior = color_prior(counts, 5);
  const auto beside = static_cast<std::size_t>(nearest_color_bin(10, 0));
  CHECK(prior[beside] / prior[middle] == Approx(std::exp(-2.0)));
}

TEST_CASE("gray pictures have no loss and no gradient, others their weights") {
  tensor<double> ab(2, 2, 2, 3);
  random_sequence random(4);
  for (int c = 0; c < 2; ++c)
    for (int y = 0; y < 2; ++y)
      for (int x = 0; x < 3; ++x) {
        ab(0, c, y, x) = random.uniform(-5, 5);  // gray
        ab(1, c, y, x) = random.uniform(-3, 3);
      }
  ab(1, 1, 1, 2) = -40;  // one pixel has a color: the picture counts
  std::vector<double> counts(313);
  count_colors<double>(ab, counts);
  CHECK(std::accumulate(counts.begin(), counts.end(), 0.0) == 12);
  const std::vector<double> w = rebalancing_weights(color_prior(counts));
  const tensor<double> weights = color_weights<double>(ab, w);
  REQUIRE(weights.extents() == std::array<std::int64_t, 4>{2, 1, 2, 3});
  for (int y = 0; y < 2; ++y)
    for (int x = 0; x < 3; ++x) {
      CHECK(weights(0, 0, y, x) == 0);
      CHECK(weights(1, 0, y, x) ==
            w[static_cast<std::size_t>(nearest_color_bin(ab(1, 0, y, x), ab(1, 1, y, x)))]);
    }
  tensor<double> logits(2, 313, 2, 3);
  for (double& v : logits) v = random.normal();
  const auto loss = cross_entropy{.reduce = reduction::mean}(logits, encode_colors<double>(ab), weights);
  CHECK(loss.value > 0);
  for (int q = 0; q < 313; ++q) CHECK(loss.gradient(0, q, 1, 1) == 0);
  CHECK(loss.gradient(1, 5, 1, 1) != 0);
  const auto none =
      cross_entropy{.reduce = reduction::mean}(logits, encode_colors<double>(ab), tensor<double>(2, 1, 2, 3));
  CHECK(none.value == 0);
}

TEST_CASE("every fourth pixel, not the mean of sixteen") {
  tensor<float> x(1, 2, 9, 8);
  for (std::int64_t i = 0; i < x.size(); ++i) x.data()[i] = static_cast<float>(i);
  const auto few = point_sampled(x.view(), 4);
  REQUIRE(few.extents == std::array<std::int64_t, 4>{1, 2, 3, 2});
  for (int c = 0; c < 2; ++c)
    for (int y = 0; y < 3; ++y)
      for (int column = 0; column < 2; ++column) CHECK(few(0, c, y, column) == x(0, c, 4 * y, 4 * column));
}

TEST_CASE("what cannot be encoded is an error that says so") {
  const tensor<float> three(1, 3, 2, 2);
  CHECK_THROWS_WITH(encode_colors<float>(three), "encode_colors: given 3 channels, wanted 2");
  CHECK_THROWS_WITH(decode_colors<float>(three), "decode_colors: given 3 channels, wanted 313");
  CHECK_THROWS_AS(encode_colors<double>(one_color(NAN, 0)), value_error);
  CHECK_THROWS_AS(encode_colors<double>(one_color(0, 0), {.neighbors = 0}), value_error);
  CHECK_THROWS_AS(decode_colors<float>(tensor<float>(1, 313), -1), value_error);
  CHECK_THROWS_AS(color_prior(std::vector<double>(313)), value_error);
  CHECK_THROWS_AS(rebalancing_weights(std::vector<double>(313, 1)), value_error);
  CHECK_THROWS_AS(rebalancing_weights(color_prior(std::vector<double>(313, 1)), {.lambda = 2}), value_error);
}

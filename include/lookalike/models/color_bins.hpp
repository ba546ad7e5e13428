#pragma once

/// \file
/// Colors as classes (Zhang, Isola and Efros, "Colorful image colorization", ECCV 2016): the 313 cells of a
/// grid over a* and b*, how the color of a pixel is told in them, how scores become a color again, and how
/// rare colors are made to count. Training goes
///
///     const auto ab = point_sampled(colors, 4);                               // N x 2 x H/4 x W/4
///     const auto targets = encode_colors<float>(ab);                          // N x 313 x H/4 x W/4
///     const auto weights = color_weights<float>(ab, rebalancing_weights(prior));  // N x 1 x H/4 x W/4
///     cross_entropy{.reduce = reduction::mean}(logits, targets, weights);
///
/// and inference `decode_colors<float>(logits)`.

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include <lookalike/core/error.hpp>
#include <lookalike/core/parallel.hpp>
#include <lookalike/core/tensor.hpp>

namespace lookalike {

/// How many colors there are.
inline constexpr int color_bin_count = 313;

namespace detail {

/// For a = -90, -80, ..., 100 the closed range of b, in steps of 10, as the authors published it. (It is not
/// what one gets by asking which cells sRGB reaches.)
inline constexpr int color_bin_rows[20][2] = {{50, 90},   {20, 90},   {0, 90},    {-20, 90},  {-30, 100},
                                              {-40, 100}, {-50, 100}, {-50, 100}, {-60, 100}, {-70, 100},
                                              {-80, 90},  {-80, 90},  {-90, 90},  {-100, 90}, {-100, 80},
                                              {-110, 80}, {-110, 80}, {-110, 70}, {-110, 70}, {-90, 0}};

/// Where each row begins in the table.
constexpr auto list_color_bin_starts() {
  std::array<int, 20> starts{};
  for (std::size_t row = 1; row < 20; ++row)
    starts[row] = starts[row - 1] + (color_bin_rows[row - 1][1] - color_bin_rows[row - 1][0]) / 10 + 1;
  return starts;
}
inline constexpr std::array<int, 20> color_bin_starts = list_color_bin_starts();

constexpr auto list_color_bins() {
  std::array<std::array<float, 2>, color_bin_count> bins{};
  std::size_t i = 0;
  for (int row = 0; row < 20; ++row)
    for (int b = color_bin_rows[row][0]; b <= color_bin_rows[row][1]; b += 10)
      bins[i++] = {static_cast<float>(10 * row - 90), static_cast<float>(b)};
  return bins;
}

/// Calls `visit(n, y, x)` for the pixels of a batch, rows on several threads.
template <class Scalar, class Visit>
void for_each_color(tensor_view<const Scalar> like, const Visit& visit) {
  parallel_for(like.batch() * like.height(), [&](std::int64_t row) {
    for (std::int64_t x = 0; x < like.width(); ++x) visit(row / like.height(), row % like.height(), x);
  });
}

inline void require_channels(const char* where, std::int64_t given, int wanted) {
  require(given == wanted, where, ": given ", given, " channels, wanted ", wanted);
}

}  // namespace detail

/// The colors: {a, b}, by a and then by b.
inline constexpr std::array<std::array<float, 2>, color_bin_count> color_bins = detail::list_color_bins();

/// The `Count` nearest colors of {a, b}, nearest first, the first in the table of those equally near, with
/// their squared distances.
struct near_color {
  int bin = -1;
  double squared_distance = std::numeric_limits<double>::infinity();
};
inline void nearest_color_bins(double a, double b, std::span<near_color> nearest) {
  std::fill(nearest.begin(), nearest.end(), near_color{});
  const auto consider = [&](int q) {
    const double da = a - color_bins[static_cast<std::size_t>(q)][0];
    const double db = b - color_bins[static_cast<std::size_t>(q)][1];
    const double squared = da * da + db * db;
    std::size_t at = nearest.size();
    for (; at > 0 && squared < nearest[at - 1].squared_distance; --at)
      if (at < nearest.size()) nearest[at] = nearest[at - 1];
    if (at < nearest.size()) nearest[at] = {q, squared};
  };
  // The ten nearest points of a grid of step 10 are less than 21 away; outside the 5x5 around the nearest
  // all are at least 25 away. So where the table has these, it need not be searched further.
  constexpr std::size_t most = 10;
  const double row = std::round(a / 10) + 9, column = std::round(b / 10);
  if (nearest.size() <= most && row >= 2 && row < 18) {
    const int middle = static_cast<int>(row);
    const double low = 10 * (column - 2), high = 10 * (column + 2);
    bool is_whole = true;
    for (int r = middle - 2; r <= middle + 2; ++r)
      is_whole = is_whole && detail::color_bin_rows[r][0] <= low && high <= detail::color_bin_rows[r][1];
    if (is_whole) {
      for (int r = middle - 2; r <= middle + 2; ++r) {
        const int first = detail::color_bin_starts[static_cast<std::size_t>(r)] +
                          (static_cast<int>(low) - detail::color_bin_rows[r][0]) / 10;
        for (int q = first; q < first + 5; ++q) consider(q);
      }
      return;
    }
  }
  for (int q = 0; q < color_bin_count; ++q) consider(q);
}

/// The color whose cell {a, b} lies in, or the nearest one.
inline int nearest_color_bin(double a, double b) {
  std::array<near_color, 1> nearest;
  nearest_color_bins(a, b, nearest);
  return nearest[0].bin;
}

/// How a color is spread over its neighbors.
struct color_encoding {
  int neighbors = 10;  ///< the authors' release; the paper says 5
  double sigma = 5;    ///< of the Gaussian of the distance, in units of a and b
};

/// Colors, N x 2 x H x W in units of CIE a* and b*, as distributions over the 313 bins, N x 313 x H x W: the
/// nearest bins by a Gaussian of their distance, adding up to 1. Throws `value_error` for other channels,
/// options that make no sense, and colors that are not finite. 313 distances a pixel.
template <class Scalar>
tensor<Scalar> encode_colors(tensor_view<const Scalar> ab, const color_encoding& options = {}) {
  constexpr int most = 32;
  detail::require_channels("encode_colors", ab.channels(), 2);
  require(options.neighbors >= 1 && options.neighbors <= most && options.sigma > 0, "encode_colors: given ",
          options.neighbors, " neighbors and a sigma of ", options.sigma, ", wanted 1 to ", most,
          " and a sigma above 0");
  tensor<Scalar> out(ab.batch(), color_bin_count, ab.height(), ab.width());
  detail::for_each_color(ab, [&](std::int64_t n, std::int64_t y, std::int64_t x) {
    const double a = ab(n, 0, y, x), b = ab(n, 1, y, x);
    require(std::isfinite(a) && std::isfinite(b), "encode_colors: given the color (", a, ", ", b,
            "), wanted finite numbers");
    std::array<near_color, most> nearest;
    const std::span<near_color> found(nearest.data(), static_cast<std::size_t>(options.neighbors));
    nearest_color_bins(a, b, found);
    // Relative to the nearest, so that colors far outside the table do not come to 0.
    const auto share = [&](const near_color& c) {
      return std::exp((found[0].squared_distance - c.squared_distance) / (2 * options.sigma * options.sigma));
    };
    double sum = 0;
    for (const near_color& c : found) sum += share(c);
    for (const near_color& c : found) out(n, c.bin, y, x) = static_cast<Scalar>(share(c) / sum);
  });
  return out;
}

/// Scores (logits) of the colors, N x 313 x H x W, as colors N x 2 x H x W: the annealed mean, which is the
/// mean by softmax(logits / temperature). Temperature 1 is the mean of the distribution, 0 its mode (the
/// first of equal ones), 0.38 the paper's choice between. Throws `value_error` for other channels and a
/// temperature below 0.
template <class Scalar>
tensor<Scalar> decode_colors(tensor_view<const Scalar> logits, double temperature = 0.38) {
  detail::require_channels("decode_colors", logits.channels(), color_bin_count);
  require(temperature >= 0, "decode_colors: given the temperature ", temperature, ", wanted 0 or more");
  tensor<Scalar> out(logits.batch(), 2, logits.height(), logits.width());
  detail::for_each_color(logits, [&](std::int64_t n, std::int64_t y, std::int64_t x) {
    int best = 0;
    for (int q = 1; q < color_bin_count; ++q)
      if (logits(n, q, y, x) > logits(n, best, y, x)) best = q;
    double a = color_bins[static_cast<std::size_t>(best)][0];
    double b = color_bins[static_cast<std::size_t>(best)][1];
    if (temperature > 0) {
      double sum = 0, sum_a = 0, sum_b = 0;
      for (int q = 0; q < color_bin_count; ++q) {
        const double less =
            static_cast<double>(logits(n, q, y, x)) - static_cast<double>(logits(n, best, y, x));
        const double share = std::exp(less / temperature);
        sum += share;
        sum_a += share * color_bins[static_cast<std::size_t>(q)][0];
        sum_b += share * color_bins[static_cast<std::size_t>(q)][1];
      }
      a = sum_a / sum;
      b = sum_b / sum;
    }
    out(n, 0, y, x) = static_cast<Scalar>(a);
    out(n, 1, y, x) = static_cast<Scalar>(b);
  });
  return out;
}

/// Adds to `counts` (313 of them) how many pixels of `ab`, N x 2 x H x W, are nearest to each color.
template <class Scalar>
void count_colors(tensor_view<const Scalar> ab, std::span<double> counts) {
  detail::require_channels("count_colors", ab.channels(), 2);
  require(counts.size() == color_bin_count, "count_colors: given ", counts.size(), " counts, wanted ",
          color_bin_count);
  for (std::int64_t n = 0; n < ab.batch(); ++n)
    for (std::int64_t y = 0; y < ab.height(); ++y)
      for (std::int64_t x = 0; x < ab.width(); ++x)
        counts[static_cast<std::size_t>(nearest_color_bin(ab(n, 0, y, x), ab(n, 1, y, x)))] += 1;
}

/// Counts as a distribution, smoothed: each count goes to all colors by a Gaussian of deviation `sigma`
/// (units of a and b; 0: stays where it is), and all add up to 1. Throws `value_error` unless there are 313
/// counts, none below 0, some above.
inline std::vector<double> color_prior(std::span<const double> counts, double sigma = 5) {
  require(counts.size() == color_bin_count && sigma >= 0, "color_prior: given ", counts.size(),
          " counts and a sigma of ", sigma, ", wanted ", color_bin_count, " and 0 or more");
  double total = 0;
  for (const double count : counts) {
    require(count >= 0 && std::isfinite(count), "color_prior: given the count ", count, ", wanted 0 or more");
    total += count;
  }
  require(total > 0, "color_prior: given no color at all");
  std::vector<double> prior(color_bin_count);
  std::array<double, color_bin_count> shares{};
  for (std::size_t from = 0; from < color_bin_count; ++from) {
    double sum = 0;
    for (std::size_t q = 0; q < color_bin_count; ++q) {
      const double a = double{color_bins[q][0]} - color_bins[from][0];
      const double b = double{color_bins[q][1]} - color_bins[from][1];
      shares[q] = q == from ? 1 : sigma > 0 ? std::exp(-(a * a + b * b) / (2 * sigma * sigma)) : 0;
      sum += shares[q];
    }
    for (std::size_t q = 0; q < color_bin_count; ++q) prior[q] += counts[from] / total * shares[q] / sum;
  }
  return prior;
}

/// How rare colors are made to count.
struct color_rebalancing {
  double lambda = 0.5;  ///< share of the uniform distribution; 1: all colors count alike
  /// Whether that one is uniform over all colors (the paper) or over those that occur (the release).
  bool uniform_over_all = true;
};

/// A weight for each color: w proportional to 1 / ((1 - lambda) prior + lambda / 313), and so large that
/// sum(prior w) = 1. A color that this leaves without a bound has the largest weight among the others. Throws
/// `value_error` unless the prior is a distribution over 313 colors and lambda within [0, 1].
inline std::vector<double> rebalancing_weights(std::span<const double> prior,
                                               const color_rebalancing& options = {}) {
  require(prior.size() == color_bin_count, "rebalancing_weights: given ", prior.size(), " colors, wanted ",
          color_bin_count);
  require(options.lambda >= 0 && options.lambda <= 1, "rebalancing_weights: given lambda = ", options.lambda,
          ", wanted a number from 0 to 1");
  double total = 0;
  int present = 0;
  for (const double p : prior) {
    require(p >= 0, "rebalancing_weights: given the probability ", p, ", wanted 0 or more");
    total += p;
    present += p > 0 ? 1 : 0;
  }
  require(std::abs(total - 1) <= 1e-6, "rebalancing_weights: given probabilities that add up to ", total,
          ", wanted 1");
  std::vector<double> weights(color_bin_count);
  double largest = 0, mean = 0;
  for (std::size_t q = 0; q < color_bin_count; ++q) {
    const double uniform = options.uniform_over_all ? 1.0 / color_bin_count
                           : prior[q] > 0           ? 1.0 / present
                                                    : 0;
    const double mixed = (1 - options.lambda) * prior[q] + options.lambda * uniform;
    weights[q] = mixed > 0 ? 1 / mixed : 0;
    largest = std::max(largest, weights[q]);
    mean += prior[q] * weights[q];
  }
  for (double& w : weights) w = (w > 0 ? w : largest) / mean;
  return weights;
}

/// What each pixel counts in the loss, N x 1 x H x W: the weight of the color nearest to `ab`, N x 2 x H x W;
/// and nothing at all in gray pictures, where neither |a| nor |b| exceeds `gray` anywhere, since what is gray
/// in a photograph need not be gray in the world. Throws `value_error` for other channels or another number
/// of weights.
template <class Scalar>
tensor<Scalar> color_weights(tensor_view<const Scalar> ab, std::span<const double> weights, double gray = 5) {
  detail::require_channels("color_weights", ab.channels(), 2);
  require(weights.size() == color_bin_count, "color_weights: given ", weights.size(), " weights, wanted ",
          color_bin_count);
  tensor<Scalar> out(ab.batch(), 1, ab.height(), ab.width());
  for (std::int64_t n = 0; n < ab.batch(); ++n) {
    bool colored = false;
    for (std::int64_t c = 0; c < 2 && !colored; ++c)
      for (std::int64_t y = 0; y < ab.height() && !colored; ++y)
        for (std::int64_t x = 0; x < ab.width() && !colored; ++x)
          colored = std::abs(static_cast<double>(ab(n, c, y, x))) > gray;
    for (std::int64_t y = 0; y < ab.height() && colored; ++y)
      for (std::int64_t x = 0; x < ab.width(); ++x)
        out(n, 0, y, x) = static_cast<Scalar>(
            weights[static_cast<std::size_t>(nearest_color_bin(ab(n, 0, y, x), ab(n, 1, y, x)))]);
  }
  return out;
}

/// Every `step`-th row and column of a batch, from the first on: what true colors are compared with, rather
/// than averages, whose colors nobody painted.
template <class Scalar>
constexpr tensor_view<Scalar> point_sampled(tensor_view<Scalar> x, int step) {
  x.extents[2] = (x.extents[2] + step - 1) / step;
  x.extents[3] = (x.extents[3] + step - 1) / step;
  x.strides[2] *= step;
  x.strides[3] *= step;
  return x;
}

}  // namespace lookalike

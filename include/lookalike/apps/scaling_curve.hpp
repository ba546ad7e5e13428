#pragma once

/// \file
/// How many pictures are enough? Neighbors of the same queries in ever larger parts of a collection: how far
/// the nearest is, how well it correlates, how often one of k has the right label, how well a task is solved.
/// Where pictures fill a space of D dimensions, the nearest of N is at a distance proportional to N^(-1/D):
/// the slope of log distance over log N tells the intrinsic dimension, and how many pictures a given
/// closeness would need (A. Torralba, R. Fergus and W. Freeman: 80 million tiny images, PAMI 30(11), 2008,
/// section 3; J. Hays and A. Efros: Scene completion using millions of photographs, SIGGRAPH 2007, section
/// 7).
///
/// Intervals come from the bootstrap (B. Efron, 1979): queries and random orders are drawn again, with
/// replacement. They say what another sample of queries and pictures would give, not whether the law holds
/// beyond what was measured.

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <lookalike/core/error.hpp>
#include <lookalike/core/parallel.hpp>
#include <lookalike/core/random.hpp>
#include <lookalike/core/tensor.hpp>
#include <lookalike/retrieve/nested_neighbors.hpp>
#include <lookalike/retrieve/vote.hpp>

namespace lookalike {

/// What is measured at every size.
enum class scaling_measure {
  distance,     ///< of the nearest: root of the mean squared Euclidean distance over the queries
  correlation,  ///< of the nearest: mean cosine with the query, which for tiny images is the correlation
  hit,          ///< share of the queries with at least one of k neighbors of the same label
  score         ///< mean score of the task: by default the share of right answers when the k neighbors vote
};
inline constexpr int scaling_measures = 4;

struct scaling_options {
  /// Ascending; empty: at most eight, each half the one after, from all vectors down to 16 or k.
  std::vector<std::int64_t> sizes{};
  int k = 10;
  /// Random orders in which the collection grows.
  int repetitions = 5;
  /// See `nested_search_options`.
  double near_duplicates = 2;
  /// Samples of the bootstrap, and how much of them an interval holds.
  int bootstrap = 1000;
  double confidence = 0.95;
  std::uint64_t seed = 0;
};

/// An estimate, and what the bootstrap says about it. NaN where it cannot be made.
struct interval {
  double value = std::numeric_limits<double>::quiet_NaN();
  double lower = std::numeric_limits<double>::quiet_NaN();
  double upper = std::numeric_limits<double>::quiet_NaN();
};

struct needed_pictures {
  /// Infinite where no number of pictures is enough.
  interval pictures;
  /// Whether the target lies between measured sizes.
  bool measured = false;
  /// How many times the largest measured size it is, where it is beyond.
  double extrapolation = 1;
  /// The same in words.
  std::string notice;
};

/// Labels of vectors and queries; both empty where there are none.
struct scaling_labels {
  std::span<const int> vectors{};
  std::span<const int> queries{};
};

/// A task that neighbors solve: writes a score for each query, given the number of the first query, the
/// queries' neighbors and their squared distances, k a query. Called on the calling thread.
using scaling_score = std::function<void(std::int64_t first_query, std::span<const std::int64_t> ids,
                                         std::span<const float> distances, std::span<double> scores)>;

namespace detail {

/// A straight line through points, by least squares.
struct line_fit {
  double slope = std::numeric_limits<double>::quiet_NaN();
  double intercept = std::numeric_limits<double>::quiet_NaN();
};

inline line_fit fit_line(std::span<const double> x, std::span<const double> y) {
  const auto n = static_cast<double>(x.size());
  double sx = 0, sy = 0, sxx = 0, sxy = 0;
  for (std::size_t i = 0; i < x.size(); ++i) sx += x[i], sy += y[i];
  for (std::size_t i = 0; i < x.size(); ++i) {
    sxx += (x[i] - sx / n) * (x[i] - sx / n);
    sxy += (x[i] - sx / n) * (y[i] - sy / n);
  }
  if (!(sxx > 0) || !std::isfinite(sxy)) return {};
  return {sxy / sxx, (sy - sxy / sxx * sx) / n};
}

/// An estimate with the percentiles of its samples, those that are numbers.
inline interval with_percentiles(double value, std::vector<double> samples, double confidence) {
  const auto lost = std::remove_if(samples.begin(), samples.end(), [](double s) { return std::isnan(s); });
  samples.erase(lost, samples.end());
  if (samples.empty()) return {value, value, value};
  std::sort(samples.begin(), samples.end());
  const auto at = [&](double share) {
    const double place = share * static_cast<double>(samples.size() - 1);
    const auto below = static_cast<std::size_t>(place);
    const double next = samples[std::min(below + 1, samples.size() - 1)];
    const double rest = place - static_cast<double>(below);
    return rest == 0 || samples[below] == next ? samples[below]
                                               : samples[below] + rest * (next - samples[below]);
  };
  return {value, at((1 - confidence) / 2), at((1 + confidence) / 2)};
}

}  // namespace detail

/// What was measured. Made by `measure_scaling`.
class scaling_curve {
 public:
  struct measurements {
    std::vector<std::int64_t> sizes;
    /// [measure][size] means over queries and orders, and the same of every sample of the bootstrap.
    std::array<std::vector<double>, scaling_measures> means;
    std::vector<std::array<std::vector<double>, scaling_measures>> samples;
    /// Mean over the queries of sum of log(T_k / T_j) / (k - 1), whose inverse is the likeliest dimension.
    double log_ratio = std::numeric_limits<double>::quiet_NaN();
    std::vector<double> log_ratio_samples;
    double confidence = 0.95;
  };

  explicit scaling_curve(measurements measured) : measured_(std::move(measured)) {}

  const std::vector<std::int64_t>& sizes() const { return measured_.sizes; }

  /// One of the measures at every size. NaN where there were no labels or no task.
  std::vector<interval> values(scaling_measure measure) const {
    std::vector<interval> result;
    for (std::size_t s = 0; s < sizes().size(); ++s) {
      result.push_back(estimate([&](const auto& means) { return means[index(measure)][s]; }));
    }
    return result;
  }

  /// Of log distance over log size, by least squares: -1/D.
  interval slope() const {
    return estimate([&](const auto& means) { return distance_line(means).slope; });
  }
  /// -1/slope. Infinite where the distance does not fall.
  interval dimension() const {
    return estimate([&](const auto& means) {
      const double slope = distance_line(means).slope;
      return slope < 0 ? -1 / slope : std::isnan(slope) ? slope : std::numeric_limits<double>::infinity();
    });
  }
  /// Root mean square of what the line leaves of log distance: how straight it is.
  double deviation() const {
    const detail::line_fit line = distance_line(measured_.means);
    double sum = 0;
    for (std::size_t s = 0; s < sizes().size(); ++s) {
      const double rest = line.intercept + line.slope * log_size(s) -
                          std::log(measured_.means[index(scaling_measure::distance)][s]);
      sum += rest * rest;
    }
    return std::sqrt(sum / static_cast<double>(sizes().size()));
  }
  /// The same dimension from how the distances of the k neighbors at the largest size spread (E. Levina and
  /// P. Bickel: Maximum likelihood estimation of intrinsic dimension, NIPS 2004; the inverses averaged as D.
  /// MacKay and Z. Ghahramani proposed). NaN for k < 3.
  interval likelihood_dimension() const {
    std::vector<double> samples;
    for (const double ratio : measured_.log_ratio_samples) samples.push_back(1 / ratio);
    return detail::with_percentiles(1 / measured_.log_ratio, std::move(samples), measured_.confidence);
  }

  /// How many pictures bring a measure to `target`. Between measured sizes it is read off, on a logarithmic
  /// scale; beyond, the fitted line is prolonged: of log distance over log size for distance and correlation
  /// (whose distance is sqrt(2 - 2 correlation)), of the measure itself over log size for hit and score.
  /// Throws `value_error` for a target that cannot be: a distance below 0, a correlation above 1, a share
  /// outside [0, 1], what is not finite; and for a measure without values.
  needed_pictures pictures_needed(scaling_measure measure, double target) const {
    const bool possible = measure == scaling_measure::distance      ? target >= 0
                          : measure == scaling_measure::correlation ? target >= -1 && target <= 1
                          : measure == scaling_measure::hit         ? target >= 0 && target <= 1
                                                                    : true;
    require(
        std::isfinite(target) && possible, "pictures_needed: given a target of ", target,
        ", wanted a distance of 0 or more, a correlation from -1 to 1, a hit rate from 0 to 1, or a finite "
        "score");
    require(!std::isnan(measured_.means[index(measure)][0]),
            "pictures_needed: given a measure without values: it needs labels or a task");
    const auto needed = [&](const auto& means) { return needed_by(means, measure, target); };
    needed_pictures result;
    result.pictures = estimate(needed);
    const auto largest = static_cast<double>(sizes().back());
    result.measured = result.pictures.value <= largest;
    result.extrapolation = std::max(1.0, result.pictures.value / largest);
    if (result.measured) {
      result.notice = result.pictures.value <= static_cast<double>(sizes().front())
                          ? "reached at the smallest measured size already"
                          : "measured";
    } else if (!std::isfinite(result.pictures.value)) {
      result.notice = "not reachable: by the fitted line no number of pictures is enough";
    } else {
      result.notice = sentence("extrapolated by a factor of ", result.extrapolation,
                               " beyond the largest measured size; the interval does not say whether the law "
                               "holds that far");
    }
    return result;
  }

 private:
  using means_of_sizes = std::array<std::vector<double>, scaling_measures>;

  static std::size_t index(scaling_measure measure) { return static_cast<std::size_t>(measure); }
  double log_size(std::size_t s) const { return std::log(static_cast<double>(sizes()[s])); }

  template <class Statistic>
  interval estimate(const Statistic& statistic) const {
    std::vector<double> samples;
    for (const auto& means : measured_.samples) samples.push_back(statistic(means));
    return detail::with_percentiles(statistic(measured_.means), std::move(samples), measured_.confidence);
  }

  detail::line_fit line_of(const std::vector<double>& values) const {
    std::vector<double> x;
    for (std::size_t s = 0; s < sizes().size(); ++s) x.push_back(log_size(s));
    return detail::fit_line(x, values);
  }
  detail::line_fit distance_line(const means_of_sizes& means) const {
    std::vector<double> y;
    for (const double distance : means[index(scaling_measure::distance)]) y.push_back(std::log(distance));
    return line_of(y);
  }

  double needed_by(const means_of_sizes& means, scaling_measure measure, double target) const {
    constexpr double infinity = std::numeric_limits<double>::infinity();
    // So that what is wanted grows with the size.
    const auto rising = [&](double value) {
      switch (measure) {
        case scaling_measure::distance:
          return -std::log(value);
        case scaling_measure::correlation:
          return -0.5 * std::log(std::max(0.0, 2 - 2 * value));
        default:
          return value;
      }
    };
    std::vector<double> heights;
    for (const double value : means[index(measure)]) heights.push_back(rising(value));
    const double wanted = rising(target);
    if (heights.front() >= wanted) return static_cast<double>(sizes().front());
    for (std::size_t s = 1; s < heights.size(); ++s) {
      if (heights[s] < wanted) continue;
      const double share =
          std::isinf(heights[s]) ? 1 : (wanted - heights[s - 1]) / (heights[s] - heights[s - 1]);
      return std::exp(log_size(s - 1) + share * (log_size(s) - log_size(s - 1)));
    }
    const detail::line_fit line = line_of(heights);
    if (!(line.slope > 0) || std::isinf(wanted)) return infinity;
    // Not less than what was measured to be too few.
    return std::max(static_cast<double>(sizes().back()), std::exp((wanted - line.intercept) / line.slope));
  }

  measurements measured_;
};

namespace detail {

inline std::vector<std::int64_t> default_sizes(std::int64_t count, int k) {
  std::set<std::int64_t> sizes{count};
  const std::int64_t least = std::max(16, k);
  for (int halving = 1; halving < 8 && (count >> halving) >= least; ++halving) sizes.insert(count >> halving);
  return {sizes.begin(), sizes.end()};
}

/// What each query measured at each size in each order: [measure][size][repetition][query].
class scaling_records {
 public:
  scaling_records(std::size_t sizes, std::size_t repetitions, std::size_t queries)
      : sizes_(sizes),
        repetitions_(repetitions),
        queries_(queries),
        values_(scaling_measures * sizes * repetitions * queries, std::numeric_limits<double>::quiet_NaN()) {}

  std::span<double> row(std::size_t measure, std::size_t size, std::size_t repetition) {
    return {values_.data() + ((measure * sizes_ + size) * repetitions_ + repetition) * queries_, queries_};
  }

  /// Means at every size, each query and each order as often as the counts say.
  std::array<std::vector<double>, scaling_measures> means(std::span<const double> query_counts,
                                                          std::span<const double> order_counts) const {
    std::array<std::vector<double>, scaling_measures> result;
    for (std::size_t measure = 0; measure < scaling_measures; ++measure) {
      for (std::size_t s = 0; s < sizes_; ++s) {
        double sum = 0;
        for (std::size_t r = 0; r < repetitions_; ++r) {
          if (order_counts[r] == 0) continue;
          const double* const values =
              values_.data() + ((measure * sizes_ + s) * repetitions_ + r) * queries_;
          double in_order = 0;
          for (std::size_t q = 0; q < queries_; ++q) in_order += query_counts[q] * values[q];
          sum += order_counts[r] * in_order;
        }
        const double mean = sum / static_cast<double>(queries_ * repetitions_);
        const bool squared = measure == static_cast<std::size_t>(scaling_measure::distance);
        result[measure].push_back(squared ? std::sqrt(mean) : mean);
      }
    }
    return result;
  }

 private:
  std::size_t sizes_, repetitions_, queries_;
  std::vector<double> values_;
};

/// How often each of `count` is among as many draws.
inline std::vector<double> drawn_again(std::size_t count, random_sequence& random) {
  std::vector<double> counts(count, 0.0);
  for (std::size_t i = 0; i < count; ++i)
    ++counts[static_cast<std::size_t>(random.integer(static_cast<std::int64_t>(count)))];
  return counts;
}

}  // namespace detail

/// Looks all queries up in ever larger parts of `vectors` (both a row for each sample), by one exact search.
/// `score` replaces the vote of the neighbors. `watcher` hears of "look up" and "bootstrap".
///
/// Throws `value_error` when there is no query, labels do not go with vectors and queries, an option is out
/// of range, a query has no neighbor at a size (because all are near duplicates), or a score is not finite;
/// and as `nested_neighbors` does; `interrupted`.
inline scaling_curve measure_scaling(tensor_view<const float> vectors, tensor_view<const float> queries,
                                     const scaling_labels& labels = {}, const scaling_options& options = {},
                                     const scaling_score& score = {}, const progress& watcher = {}) {
  require(queries.batch() >= 1, "measure_scaling: given no queries, wanted at least one");
  const bool labeled = !labels.vectors.empty() || !labels.queries.empty();
  require(!labeled || (std::ssize(labels.vectors) == vectors.batch() &&
                       std::ssize(labels.queries) == queries.batch()),
          "measure_scaling: given ", labels.vectors.size(), " and ", labels.queries.size(),
          " labels of vectors and queries, wanted ", vectors.batch(), " and ", queries.batch(), ", or none");
  require(options.bootstrap >= 0 && options.bootstrap <= 1000000, "measure_scaling: given ",
          options.bootstrap, " samples of the bootstrap, wanted 0 to 1000000");
  require(options.confidence > 0 && options.confidence < 1, "measure_scaling: given a confidence of ",
          options.confidence, ", wanted one between 0 and 1");
  nested_search_options nested{.k = options.k,
                               .sizes = options.sizes,
                               .repetitions = options.repetitions,
                               .shuffle = true,
                               .seed = options.seed,
                               .near_duplicates = options.near_duplicates};
  if (nested.sizes.empty()) nested.sizes = detail::default_sizes(vectors.batch(), options.k);
  const std::size_t sizes = nested.sizes.size();
  const auto orders = static_cast<std::size_t>(std::max(1, options.repetitions));
  const auto count = static_cast<std::size_t>(queries.batch());
  detail::scaling_records records(sizes, orders, count);
  std::vector<double> log_ratios(count, std::numeric_limits<double>::quiet_NaN());

  const std::int64_t dimension = vectors.batch() > 0 ? vectors.size() / vectors.batch() : 0;
  const std::vector<double> lengths = detail::row_lengths(vectors, dimension, "measure_scaling");
  const std::vector<double> query_lengths =
      detail::row_lengths(queries, queries.size() / queries.batch(), "measure_scaling");

  nested_neighbors(
      vectors, queries, nested,
      [&](const nested_matches& found) {
        const auto first = static_cast<std::size_t>(found.first_query);
        const auto here = static_cast<std::size_t>(found.query_count);
        const auto k = static_cast<std::size_t>(found.k);
        std::vector<double> scores(here);
        for (std::size_t s = 0; s < sizes; ++s) {
          for (std::size_t r = 0; r < orders; ++r) {
            const auto ids = found.ids(static_cast<int>(r), static_cast<int>(s));
            const auto distances = found.distances(static_cast<int>(r), static_cast<int>(s));
            const auto record = [&](scaling_measure measure, std::size_t q) -> double& {
              return records.row(static_cast<std::size_t>(measure), s, r)[first + q];
            };
            for (std::size_t q = 0; q < here; ++q) {
              require(ids[q * k] >= 0, "measure_scaling: given the query ", first + q,
                      ", which has only near duplicates among ", nested.sizes[s], " vectors");
              const double squared = static_cast<double>(distances[q * k]);
              const double a = query_lengths[first + q], b = lengths[static_cast<std::size_t>(ids[q * k])];
              record(scaling_measure::distance, q) = squared;
              record(scaling_measure::correlation, q) =
                  a * b > 0 ? std::clamp((a * a + b * b - squared) / (2 * a * b), -1.0, 1.0) : 0.0;
              if (!labeled) continue;
              matches some;
              some.ids.assign(ids.begin() + static_cast<std::ptrdiff_t>(q * k),
                              ids.begin() + static_cast<std::ptrdiff_t>((q + 1) * k));
              while (some.count < found.k && some.ids[static_cast<std::size_t>(some.count)] >= 0)
                ++some.count;
              const int label = labels.queries[first + q];
              const auto same = [&](std::int64_t id) {
                return labels.vectors[static_cast<std::size_t>(id)] == label;
              };
              const auto end = some.ids.begin() + some.count;
              record(scaling_measure::hit, q) = std::any_of(some.ids.begin(), end, same) ? 1 : 0;
              record(scaling_measure::score, q) = vote(some, labels.vectors) == label ? 1 : 0;
            }
            if (score) {
              score(found.first_query, ids, distances, scores);
              for (std::size_t q = 0; q < here; ++q) {
                require(std::isfinite(scores[q]), "measure_scaling: given a score of ", scores[q],
                        " for the query ", first + q, ", wanted finite ones");
                record(scaling_measure::score, q) = scores[q];
              }
            }
          }
        }
        // Levina and Bickel's sum, at the largest size. Copies of the query tell nothing.
        for (std::size_t q = 0; q < here; ++q) {
          const auto all = found.distances(0, static_cast<int>(sizes) - 1).subspan(q * k, k);
          std::vector<double> known;
          for (const float d : all)
            if (d > 0 && std::isfinite(d)) known.push_back(0.5 * std::log(static_cast<double>(d)));
          if (known.size() < 3) continue;
          double sum = 0;
          for (const double each : known) sum += known.back() - each;
          log_ratios[first + q] = sum / static_cast<double>(known.size() - 1);
        }
      },
      watcher);

  scaling_curve::measurements result;
  result.sizes = nested.sizes;
  result.confidence = options.confidence;
  result.means = records.means(std::vector<double>(count, 1.0), std::vector<double>(orders, 1.0));
  const auto mean_ratio = [&](std::span<const double> counts) {
    double sum = 0, weight = 0;
    for (std::size_t q = 0; q < count; ++q) {
      if (std::isnan(log_ratios[q])) continue;
      sum += counts[q] * log_ratios[q];
      weight += counts[q];
    }
    return sum / weight;
  };
  result.log_ratio = mean_ratio(std::vector<double>(count, 1.0));
  result.samples.resize(static_cast<std::size_t>(options.bootstrap));
  result.log_ratio_samples.resize(result.samples.size());
  parallel_for(
      options.bootstrap,
      [&](std::int64_t b) {
        random_sequence random(options.seed ^ 0x626f6f7473747261, static_cast<std::uint64_t>(b));
        const std::vector<double> of_queries = detail::drawn_again(count, random);
        const std::vector<double> of_orders = detail::drawn_again(orders, random);
        result.samples[static_cast<std::size_t>(b)] = records.means(of_queries, of_orders);
        result.log_ratio_samples[static_cast<std::size_t>(b)] = mean_ratio(of_queries);
      },
      watcher, "bootstrap");
  return scaling_curve(std::move(result));
}

}  // namespace lookalike

#pragma once

/// \file
/// How well a map of cells and membranes agrees with the truth: the measures of the ISBI 2012 challenge
/// (I. Arganda-Carreras et al.: Crowdsourcing the creation of image segmentation algorithms for connectomics,
/// Frontiers in Neuroanatomy 9:142, 2015) and intersection over union.

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <span>
#include <utility>
#include <vector>

#include <lookalike/core/error.hpp>
#include <lookalike/image/connected_components.hpp>
#include <lookalike/image/image.hpp>
#include <lookalike/image/mask.hpp>

namespace lookalike {

/// 255 where a value is above `level`, 0 elsewhere (and for NaN).
inline mask threshold(const image<1>& values, double level) {
  mask above(values.height(), values.width());
  for (std::size_t i = 0; i < above.values().size(); ++i)
    above.values()[i] = static_cast<double>(values.values()[i]) > level ? 255 : 0;
  return above;
}

/// `count` levels at equal distances within (0, 1), without the ends: 9 are 0.1, 0.2 ... 0.9.
inline std::vector<double> threshold_levels(int count) {
  require(count >= 0, "threshold_levels: given a count of ", count, ", wanted at least 0");
  std::vector<double> levels;
  for (int i = 1; i <= count; ++i) levels.push_back(static_cast<double>(i) / (count + 1));
  return levels;
}

namespace detail {

template <int A, class V, int B, class W>
void require_truth(const image<A, V>& found, const image<B, W>& truth, const char* where) {
  require(!truth.empty(), where, ": given an empty truth, wanted at least one pixel");
  require(same_extent(found, truth), where, ": given a map of ", found.height(), "x", found.width(),
          ", wanted the truth's ", truth.height(), "x", truth.width());
}

}  // namespace detail

/// The fraction of pixels that are foreground (not zero) in one and background in the other. Throws
/// `value_error` for empty maps or extents that differ.
inline double pixel_error(const mask& found, const mask& truth) {
  detail::require_truth(found, truth, "pixel_error");
  std::int64_t wrong = 0;
  for (std::size_t i = 0; i < truth.values().size(); ++i)
    wrong += (found.values()[i] != 0) != (truth.values()[i] != 0) ? 1 : 0;
  return static_cast<double>(wrong) / static_cast<double>(truth.area());
}

/// Pixels that are foreground in both, over those that are in either; 1 where neither has any. Throws
/// `value_error` for empty maps or extents that differ.
inline double intersection_over_union(const mask& found, const mask& truth) {
  detail::require_truth(found, truth, "intersection_over_union");
  std::int64_t both = 0;
  std::int64_t either = 0;
  for (std::size_t i = 0; i < truth.values().size(); ++i) {
    const bool in_found = found.values()[i] != 0;
    const bool in_truth = truth.values()[i] != 0;
    both += in_found && in_truth ? 1 : 0;
    either += in_found || in_truth ? 1 : 0;
  }
  return either == 0 ? 1 : static_cast<double>(both) / static_cast<double>(either);
}

/// Agreement of two segmentations about which pixels belong together. All are ordered pairs of pixels that
/// are foreground in the truth; a pixel makes a pair with itself.
struct rand_score {
  std::int64_t together_in_both = 0;
  std::int64_t together_in_found = 0;
  std::int64_t together_in_truth = 0;

  /// Of the pairs found together, the fraction that is so in the truth: low when cells are merged.
  double precision() const {
    return together_in_found == 0
               ? 1
               : static_cast<double>(together_in_both) / static_cast<double>(together_in_found);
  }
  /// Of the pairs together in the truth, the fraction that was found: low when cells are split.
  double recall() const {
    return together_in_truth == 0
               ? 1
               : static_cast<double>(together_in_both) / static_cast<double>(together_in_truth);
  }
  /// The harmonic mean of both; 1 where the truth has no foreground.
  double f_score() const {
    const std::int64_t pairs = together_in_found + together_in_truth;
    return pairs == 0 ? 1 : 2 * static_cast<double>(together_in_both) / static_cast<double>(pairs);
  }
  /// What the challenge calls the Rand error.
  double error() const { return 1 - f_score(); }
};

/// The foreground-restricted Rand score of two maps of labels (0: background). Pixels that are background in
/// the truth are left out; a pixel that is so in `found` alone is a region of its own. Throws `value_error`
/// for empty maps or extents that differ. O(pixels log regions).
inline rand_score compare_segments(const image<1, std::int32_t>& found, const image<1, std::int32_t>& truth) {
  detail::require_truth(found, truth, "compare_segments");
  std::map<std::pair<std::int32_t, std::int32_t>, std::int64_t> overlaps;
  std::map<std::int32_t, std::int64_t> found_areas;
  std::map<std::int32_t, std::int64_t> truth_areas;
  rand_score score;
  for (int y = 0; y < truth.height(); ++y) {
    for (int x = 0; x < truth.width();) {  // runs of pixels with the same two labels
      const std::int32_t of_truth = truth(y, x);
      const std::int32_t of_found = found(y, x);
      std::int64_t length = 0;
      for (; x < truth.width() && truth(y, x) == of_truth && found(y, x) == of_found; ++x) ++length;
      if (of_truth == 0) continue;
      truth_areas[of_truth] += length;
      if (of_found == 0) {
        score.together_in_both += length;
        score.together_in_found += length;
      } else {
        overlaps[{of_found, of_truth}] += length;
        found_areas[of_found] += length;
      }
    }
  }
  for (const auto& [labels, count] : overlaps) score.together_in_both += count * count;
  for (const auto& [label, count] : found_areas) score.together_in_found += count * count;
  for (const auto& [label, count] : truth_areas) score.together_in_truth += count * count;
  return score;
}

/// The same for maps of foreground and background, of their connected regions.
inline rand_score compare_regions(const mask& found, const mask& truth,
                                  connectivity neighbors = connectivity::four) {
  detail::require_truth(found, truth, "compare_regions");
  return compare_segments(connected_components(found, neighbors).labels,
                          connected_components(truth, neighbors).labels);
}

/// The least error, and the threshold that gives it (the first of them, where several do).
struct best_score {
  double error = std::numeric_limits<double>::infinity();
  double level = 0;
};

namespace detail {

/// The least mean, over sections, of error(section, level).
template <class Error>
best_score best_level(std::size_t sections, std::span<const double> levels, const char* where,
                      const Error& error) {
  require(sections > 0 && !levels.empty(), where, ": given ", sections, " sections and ", levels.size(),
          " levels, wanted at least one of each");
  best_score best;
  for (const double level : levels) {
    double sum = 0;
    for (std::size_t i = 0; i < sections; ++i) sum += error(i, level);
    const double mean = sum / static_cast<double>(sections);
    if (mean < best.error) best = {mean, level};
  }
  return best;
}

inline void require_pairs(std::span<const image<1>> cells, std::span<const mask> truths, const char* where) {
  require(cells.size() == truths.size(), where, ": given ", cells.size(), " maps and ", truths.size(),
          " truths, wanted as many");
  for (std::size_t i = 0; i < cells.size(); ++i) require_truth(cells[i], truths[i], where);
}

}  // namespace detail

/// The Rand error of ISBI 2012: maps of the probability of being inside a cell are cut at each of the levels,
/// the regions above compared with those of the truth, section by section; the least mean over the sections.
/// Throws `value_error` when the numbers of maps or extents differ, or there is no section or level.
inline best_score best_rand_error(std::span<const image<1>> cells, std::span<const mask> truths,
                                  std::span<const double> levels,
                                  connectivity neighbors = connectivity::four) {
  detail::require_pairs(cells, truths, "best_rand_error");
  std::vector<image<1, std::int32_t>> segments;
  for (const mask& truth : truths) segments.push_back(connected_components(truth, neighbors).labels);
  return detail::best_level(cells.size(), levels, "best_rand_error", [&](std::size_t i, double level) {
    const auto found = connected_components(threshold(cells[i], level), neighbors);
    return compare_segments(found.labels, segments[i]).error();
  });
}

/// The same for the pixel error.
inline best_score best_pixel_error(std::span<const image<1>> cells, std::span<const mask> truths,
                                   std::span<const double> levels) {
  detail::require_pairs(cells, truths, "best_pixel_error");
  return detail::best_level(cells.size(), levels, "best_pixel_error", [&](std::size_t i, double level) {
    return pixel_error(threshold(cells[i], level), truths[i]);
  });
}

}  // namespace lookalike

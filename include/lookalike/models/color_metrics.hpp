#pragma once

/// \file
/// How good colors are that were given to a gray picture, as opposed to how they were found. Results and
/// truths are pictures in L*a*b* of one extent; only a* and b* are compared, except where it says otherwise.

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <limits>
#include <numbers>
#include <span>
#include <vector>

#include <lookalike/core/error.hpp>
#include <lookalike/core/tensor.hpp>
#include <lookalike/image/chroma.hpp>
#include <lookalike/image/image.hpp>
#include <lookalike/models/color_bins.hpp>
#include <lookalike/nn/metrics.hpp>

namespace lookalike {

namespace detail {

inline void require_comparable(const char* where, const image<3>& result, const image<3>& truth) {
  require(same_extent(result, truth) && !result.empty(), where, ": given ", result.height(), "x",
          result.width(), " and ", truth.height(), "x", truth.width(),
          " (height x width), wanted two pictures of one extent with at least one pixel");
}

/// Calls `visit(result, truth)` with the two pixels everywhere.
template <class Visit>
void for_each_pixel_pair(const image<3>& result, const image<3>& truth, const Visit& visit) {
  const float* ours = result.data();
  const float* theirs = truth.data();
  for (std::ptrdiff_t i = 0; i < result.area(); ++i, ours += 3, theirs += 3) visit(ours, theirs);
}

inline double squared_chroma_error(const float* result, const float* truth) {
  const double a = double{result[1]} - truth[1], b = double{result[2]} - truth[2];
  return a * a + b * b;
}

}  // namespace detail

/// Root mean squared error of a* and b*, over both. Throws `value_error` unless both pictures have one extent
/// of at least one pixel; so do the following.
inline double chroma_error(const image<3>& result, const image<3>& truth) {
  detail::require_comparable("chroma_error", result, truth);
  double sum = 0;
  detail::for_each_pixel_pair(
      result, truth, [&](const float* r, const float* t) { sum += detail::squared_chroma_error(r, t); });
  return std::sqrt(sum / (2 * static_cast<double>(result.area())));
}

/// Area under the curve that tells for which fraction of the pixels the Euclidean error of {a*, b*} is at
/// most t, for t from 0 to `limit`, as a fraction of the whole: 1 for perfect colors (Zhang et al. 2016,
/// section 3.1, "raw accuracy"; there in percent, at whole thresholds). It is, exactly, 1 - the mean of
/// min(error, limit) / limit. With `bin_weights`, 313 of them, a pixel counts by the weight of the color bin
/// of its truth (`rebalancing_weights`): the paper's class-balanced variant. Throws also for a limit that is
/// not above 0 and another number of weights, or weights that do not count any pixel.
inline double color_accuracy_area(const image<3>& result, const image<3>& truth,
                                  std::span<const double> bin_weights = {}, double limit = 150) {
  detail::require_comparable("color_accuracy_area", result, truth);
  require(limit > 0 && std::isfinite(limit), "color_accuracy_area: given a limit of ", limit,
          ", wanted a finite number above 0");
  require(bin_weights.empty() || bin_weights.size() == color_bin_count, "color_accuracy_area: given ",
          bin_weights.size(), " weights, wanted none or ", color_bin_count);
  double missed = 0, total = 0;
  detail::for_each_pixel_pair(result, truth, [&](const float* r, const float* t) {
    const double weight =
        bin_weights.empty() ? 1 : bin_weights[static_cast<std::size_t>(nearest_color_bin(t[1], t[2]))];
    missed += weight * std::min(std::sqrt(detail::squared_chroma_error(r, t)), limit) / limit;
    total += weight;
  });
  require(total > 0 && std::isfinite(total), "color_accuracy_area: given weights that add up to ", total,
          ", wanted a finite number above 0");
  return 1 - missed / total;
}

/// Mean chroma of the result divided by that of the truth; not a number where the truth is gray.
inline double saturation_ratio(const image<3>& result, const image<3>& truth) {
  detail::require_comparable("saturation_ratio", result, truth);
  const double wanted = mean_chroma(truth);
  constexpr double gray = 0.05;
  return wanted < gray ? std::numeric_limits<double>::quiet_NaN() : mean_chroma(result) / wanted;
}

/// The peak signal-to-noise ratio of two pictures in sRGB, [0, 1], in decibels over all three channels;
/// infinite where they are equal.
inline double peak_signal_to_noise(const image<3>& result, const image<3>& truth) {
  detail::require_comparable("peak_signal_to_noise", result, truth);
  const auto view = [](const image<3>& picture) {
    return tensor_view<const float>{picture.data(),
                                    {1, 3, picture.height(), picture.width()},
                                    {3 * picture.area(), 1, std::int64_t{3} * picture.width(), 3}};
  };
  return peak_signal_to_noise(view(result), view(truth));
}

/// How colorful a picture in sRGB, [0, 1], looks (D. Hasler and S. Suesstrunk, Measuring colourfulness in
/// natural images, SPIE 5007, 2003, M^(3)): sqrt(s_rg^2 + s_yb^2) + 0.3 sqrt(m_rg^2 + m_yb^2) with mean m and
/// standard deviation s of rg = R - G and yb = (R + G) / 2 - B, of values 0..255. 0 is gray, 15 slightly, 33
/// moderately, 59 highly, 109 extremely colorful. Throws `value_error` for an empty picture.
inline double colorfulness(const image<3>& picture) {
  require(!picture.empty(), "colorfulness: given an empty picture, wanted at least one pixel");
  double rg_sum = 0, rg_squares = 0, yb_sum = 0, yb_squares = 0;
  const float* pixel = picture.data();
  for (std::ptrdiff_t i = 0; i < picture.area(); ++i, pixel += 3) {
    const double red = pixel[0], green = pixel[1], blue = pixel[2];
    const double rg = red - green, yb = (red + green) / 2 - blue;
    rg_sum += rg;
    rg_squares += rg * rg;
    yb_sum += yb;
    yb_squares += yb * yb;
  }
  const auto count = static_cast<double>(picture.area());
  const double rg_mean = rg_sum / count, yb_mean = yb_sum / count;
  const double variance = std::max(0.0, rg_squares / count - rg_mean * rg_mean) +
                          std::max(0.0, yb_squares / count - yb_mean * yb_mean);
  return 255 * (std::sqrt(variance) + 0.3 * std::sqrt(rg_mean * rg_mean + yb_mean * yb_mean));
}

/// The bin of hue, of `bins` equal ones from a* = 0+ (red) by yellow, green and blue, to which most of the
/// chroma of a picture in L*a*b* belongs; the first of equal ones. Pixels with a chroma below `gray` do not
/// count, and where none counts the answer is -1. How often it is that of the truth is the hit rate of the
/// dominant hue. Throws `value_error` for less than one bin.
inline int dominant_hue(const image<3>& lab, int bins = 12, double gray = 5) {
  require(bins >= 1, "dominant_hue: given ", bins, " bins, wanted at least 1");
  std::vector<double> chroma_of(static_cast<std::size_t>(bins));
  bool any = false;
  const float* pixel = lab.data();
  for (std::ptrdiff_t i = 0; i < lab.area(); ++i, pixel += 3) {
    const double a = pixel[1], b = pixel[2];
    const double chroma = std::sqrt(a * a + b * b);
    if (!(chroma >= gray)) continue;
    const double turn = std::atan2(b, a) / (2 * std::numbers::pi);  // in [-1/2, 1/2]
    const auto bin = static_cast<int>(std::floor((turn < 0 ? turn + 1 : turn) * bins));
    chroma_of[static_cast<std::size_t>(std::clamp(bin, 0, bins - 1))] += chroma;
    any = true;
  }
  if (!any) return -1;
  return static_cast<int>(std::max_element(chroma_of.begin(), chroma_of.end()) - chroma_of.begin());
}

/// For how many pairs of pictures in L*a*b* the dominant hue agrees; pairs with a gray truth do not count.
/// Throws `value_error` unless there are as many results as truths.
inline hit_count count_hue_hits(std::span<const image<3>> results, std::span<const image<3>> truths,
                                int bins = 12, double gray = 5) {
  require(results.size() == truths.size(), "count_hue_hits: given ", results.size(), " results and ",
          truths.size(), " truths, wanted as many");
  hit_count count;
  for (std::size_t i = 0; i < truths.size(); ++i) {
    const int wanted = dominant_hue(truths[i], bins, gray);
    if (wanted < 0) continue;
    ++count.total;
    count.hits += dominant_hue(results[i], bins, gray) == wanted ? 1 : 0;
  }
  return count;
}

}  // namespace lookalike

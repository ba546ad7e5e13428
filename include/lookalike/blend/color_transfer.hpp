#pragma once

/// \file
/// Color transfer between images (E. Reinhard, M. Ashikhmin, B. Gooch and P. Shirley, IEEE CG&A 21(5), 2001):
/// a picture takes over the colors of another by taking over mean and standard deviation of each channel, in
/// a space whose channels are hardly correlated (image/l_alpha_beta.hpp).

#include <array>
#include <cmath>
#include <cstddef>

#include <lookalike/core/error.hpp>
#include <lookalike/image/image.hpp>
#include <lookalike/image/l_alpha_beta.hpp>

namespace lookalike {

/// What global color transfer knows of a picture: mean and standard deviation (of the population) of each
/// channel, in whatever color space.
struct color_statistics {
  std::array<double, 3> mean{};
  std::array<double, 3> deviation{};
};

/// Adds up pixels of several pictures.
class color_statistics_sum {
 public:
  void add(const image<3>& picture) {
    const float* value = picture.data();
    for (std::ptrdiff_t i = 0; i < picture.area(); ++i, value += 3) {
      for (std::size_t c = 0; c < 3; ++c) {
        const double v = static_cast<double>(value[c]);
        if (count_ == 0 && i == 0) origin_[c] = v;
        const double difference = v - origin_[c];  // so that squares do not cancel
        sum_[c] += difference;
        squares_[c] += difference * difference;
      }
    }
    count_ += static_cast<double>(picture.area());
  }

  /// Throws `value_error` before any pixel was added, and when one was not finite.
  color_statistics statistics() const {
    require(count_ > 0, "color_statistics: given no pixels, wanted at least one");
    color_statistics result;
    for (std::size_t c = 0; c < 3; ++c) {
      const double mean = sum_[c] / count_;
      result.mean[c] = origin_[c] + mean;
      result.deviation[c] = std::sqrt(std::max(0.0, squares_[c] / count_ - mean * mean));
      require(std::isfinite(result.mean[c]) && std::isfinite(result.deviation[c]),
              "color_statistics: given a mean of ", result.mean[c], " and a deviation of ",
              result.deviation[c], ", wanted finite values");
    }
    return result;
  }

 private:
  std::array<double, 3> origin_{}, sum_{}, squares_{};
  double count_ = 0;
};

inline color_statistics measure_colors(const image<3>& picture) {
  color_statistics_sum sum;
  sum.add(picture);
  return sum.statistics();
}

/// The picture with the mean and standard deviation of `target` in each channel: x' = (x - m) t / s + m',
/// equation 10 of the paper. A channel that hardly varies (s below 1e-6) becomes constant. Throws
/// `value_error` for an empty picture, and for values and targets that are not finite or deviations below 0.
inline image<3> transfer_statistics(image<3> picture, const color_statistics& target) {
  constexpr double constant = 1e-6;
  for (std::size_t c = 0; c < 3; ++c) {
    require(std::isfinite(target.mean[c]) && std::isfinite(target.deviation[c]) && target.deviation[c] >= 0,
            "transfer_statistics: given a mean of ", target.mean[c], " and a deviation of ",
            target.deviation[c], ", wanted finite values, and deviations of at least 0");
  }
  const color_statistics own = measure_colors(picture);
  std::array<double, 3> gain{};
  for (std::size_t c = 0; c < 3; ++c)
    gain[c] = own.deviation[c] < constant ? 0.0 : target.deviation[c] / own.deviation[c];
  float* value = picture.data();
  for (std::ptrdiff_t i = 0; i < picture.area(); ++i, value += 3) {
    for (std::size_t c = 0; c < 3; ++c) {
      value[c] = static_cast<float>((static_cast<double>(value[c]) - own.mean[c]) * gain[c] + target.mean[c]);
    }
  }
  return picture;
}

/// `picture` in the colors of `example`, both sRGB in [0, 1]: the algorithm of the paper. Not limited to
/// [0, 1] afterwards, so that in l-alpha-beta the statistics are exactly those of `example`, to rounding.
/// Throws `value_error` for an empty picture and for values outside [0, 1].
inline image<3> transfer_color(const image<3>& picture, const image<3>& example) {
  require(!picture.empty() && !example.empty(),
          "transfer_color: given an empty picture, wanted at least one pixel");
  require_unit_range(picture, "transfer_color");
  require_unit_range(example, "transfer_color");
  return l_alpha_beta_to_rgb(
      transfer_statistics(rgb_to_l_alpha_beta(picture), measure_colors(rgb_to_l_alpha_beta(example))));
}

}  // namespace lookalike

#pragma once

/// \file
/// Color transfer between images (E. Reinhard, M. Ashikhmin, B. Gooch and P. Shirley, IEEE CG&A 21(5), 2001):
/// a picture takes over the colors of another by taking over mean and standard deviation of each channel, in
/// a space whose channels are hardly correlated (image/l_alpha_beta.hpp).

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <type_traits>

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

namespace detail {

/// Calls `work(values, count)` on the values of a picture, twelve at a time (four pixels, so that the loop
/// over them is a vector's) and then three at a time.
template <class Values, class Work>
void for_each_four_pixels(Values values, const Work& work) {
  std::size_t i = 0;
  for (; i + 12 <= values.size(); i += 12) work(values.data() + i, std::integral_constant<std::size_t, 12>());
  for (; i < values.size(); i += 3) work(values.data() + i, std::integral_constant<std::size_t, 3>());
}

}  // namespace detail

/// Adds up pixels of several pictures.
class color_statistics_sum {
 public:
  void add(const image<3>& picture) {
    if (picture.empty()) return;
    if (count_ == 0) {
      for (std::size_t c = 0; c < 3; ++c) origin_[c] = static_cast<double>(picture.values()[c]);
    }
    std::array<double, 12> origin{}, sum{}, squares{};
    for (std::size_t i = 0; i < 12; ++i) origin[i] = origin_[i % 3];
    detail::for_each_four_pixels(picture.values(), [&](const float* values, auto count) {
      for (std::size_t i = 0; i < count(); ++i) {
        const double difference = static_cast<double>(values[i]) - origin[i];  // squares must not cancel
        sum[i] += difference;
        squares[i] += difference * difference;
      }
    });
    for (std::size_t i = 0; i < 12; ++i) {
      sum_[i % 3] += sum[i];
      squares_[i % 3] += squares[i];
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
  std::array<double, 12> mean{}, gain{}, wanted{};
  for (std::size_t i = 0; i < 12; ++i) {
    const std::size_t c = i % 3;
    mean[i] = own.mean[c];
    gain[i] = own.deviation[c] < constant ? 0.0 : target.deviation[c] / own.deviation[c];
    wanted[i] = target.mean[c];
  }
  detail::for_each_four_pixels(picture.values(), [&](float* values, auto count) {
    for (std::size_t i = 0; i < count(); ++i)
      values[i] = static_cast<float>((static_cast<double>(values[i]) - mean[i]) * gain[i] + wanted[i]);
  });
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

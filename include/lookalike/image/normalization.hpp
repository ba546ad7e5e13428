#pragma once

/// \file
/// Values of pixels on a scale that networks learn well on: a mean is subtracted, the rest multiplied.

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <lookalike/core/error.hpp>
#include <lookalike/core/tensor.hpp>

namespace lookalike {

/// What becomes of a value: (value - mean) * scale. Both are 1 x channels x height x width, with one number
/// for each place in a picture, or 1 x channels x 1 x 1, with one for all places of a channel.
struct normalization {
  tensor<float> mean;
  tensor<float> scale;
};

/// The same mean and scale for all values of pictures with `channels` channels; by default bytes become
/// [0, 1].
inline normalization uniform_normalization(int channels, float mean = 0, float scale = 1.0f / 255) {
  normalization result{tensor<float>(1, channels), tensor<float>(1, channels)};
  for (float& value : result.mean) value = mean;
  for (float& value : result.scale) value = scale;
  return result;
}

struct normalization_options {
  /// A mean for each place in a picture, as for AlexNet and ResNet; otherwise one for each channel.
  bool mean_of_each_pixel = false;
  /// Values shall have deviation 1 in each channel; otherwise a largest value of 255 becomes 1.
  bool unit_deviation = true;
};

/// The normalization that gives these pictures (pictures x channels x height x width, bytes) mean 0 and, if
/// wanted, deviation 1 in each channel. A channel without any deviation keeps its scale. Exact sums, so that
/// the same pictures in another order give the same bits. Throws `value_error` when there is no pixel.
inline normalization measure_normalization(tensor_view<const std::uint8_t> pictures,
                                           const normalization_options& options = {}) {
  require(pictures.size() > 0, "measure_normalization: given ", pictures.batch(), " pictures of ",
          pictures.height(), "x", pictures.width(), ", wanted at least one pixel");
  const std::int64_t height = options.mean_of_each_pixel ? pictures.height() : 1;
  const std::int64_t width = options.mean_of_each_pixel ? pictures.width() : 1;
  normalization result{tensor<float>(1, pictures.channels(), height, width),
                       tensor<float>(1, pictures.channels())};
  for (std::int64_t c = 0; c < pictures.channels(); ++c) {
    std::vector<std::int64_t> sums(static_cast<std::size_t>(height * width), 0);
    std::vector<std::int64_t> squares(sums.size(), 0);
    for (std::int64_t n = 0; n < pictures.batch(); ++n) {
      for (std::int64_t y = 0; y < pictures.height(); ++y) {
        for (std::int64_t x = 0; x < pictures.width(); ++x) {
          const std::int64_t value = pictures(n, c, y, x);
          const auto place = static_cast<std::size_t>(options.mean_of_each_pixel ? y * width + x : 0);
          sums[place] += value;
          squares[place] += value * value;
        }
      }
    }
    const double count = static_cast<double>(pictures.size()) / static_cast<double>(pictures.channels()) /
                         static_cast<double>(sums.size());
    double variance = 0;
    for (std::size_t i = 0; i < sums.size(); ++i) {
      const double mean = static_cast<double>(sums[i]) / count;
      result.mean.data()[static_cast<std::size_t>(c) * sums.size() + i] = static_cast<float>(mean);
      variance += static_cast<double>(squares[i]) / count - mean * mean;
    }
    variance /= static_cast<double>(sums.size());
    const bool to_unit_deviation = options.unit_deviation && variance > 0;
    result.scale(0, c) = static_cast<float>(to_unit_deviation ? 1 / std::sqrt(variance) : 1.0 / 255);
  }
  return result;
}

}  // namespace lookalike

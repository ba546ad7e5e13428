#pragma once

/// \file
/// Colorization by the average color of what looks alike in gray (A. Torralba, R. Fergus and W. Freeman, 80
/// million tiny images, PAMI 2008): pixel by pixel, the chroma of the neighbors is averaged and, blown up,
/// laid over the lightness of the query. Like every mean it is less saturated than what it was taken of,
/// which `colorization::saturation_ratio` tells.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <string_view>
#include <utility>
#include <vector>

#include <lookalike/apps/detail/neighbor_colors.hpp>

namespace lookalike {

enum class color_average {
  mean,    ///< all neighbors count alike
  median,  ///< of a* and of b*, each by itself; of an even number the mean of the middle two
  soft     ///< weights exp(-(d - d_nearest) / (temperature * mean d)) by the matches' distances d
};

struct average_color_options {
  color_average average = color_average::mean;
  /// Of `soft`: near 0 only the nearest counts, at infinity all count alike.
  double temperature = 0.2;
  /// Pixels a side to which neighbors are squashed, and at which they are averaged. At 32 a collection reads
  /// no files.
  int side = thumbnail_side;
};

namespace detail {

inline image<2> mean_chroma_map(const neighbor_colors& neighbors, const std::vector<float>& weights) {
  const image<3>& first = neighbors.lab.front();
  image<2> mean(first.height(), first.width());
  float total = 0;
  for (std::size_t n = 0; n < weights.size(); ++n) {
    const float* from = neighbors.lab[n].data();
    float* to = mean.data();
    for (std::ptrdiff_t i = 0; i < mean.area(); ++i, from += 3, to += 2) {
      to[0] += weights[n] * from[1];
      to[1] += weights[n] * from[2];
    }
    total += weights[n];
  }
  for (float& value : mean.values()) value /= total;
  return mean;
}

inline image<2> median_chroma_map(const neighbor_colors& neighbors) {
  const image<3>& first = neighbors.lab.front();
  image<2> median(first.height(), first.width());
  std::vector<float> values(neighbors.lab.size());
  const std::size_t middle = values.size() / 2;
  for (std::ptrdiff_t i = 0; i < 2 * median.area(); ++i) {
    const std::ptrdiff_t at = i / 2 * 3 + 1 + i % 2;
    for (std::size_t n = 0; n < values.size(); ++n) values[n] = neighbors.lab[n].data()[at];
    const auto place = values.begin() + static_cast<std::ptrdiff_t>(middle);
    std::nth_element(values.begin(), place, values.end());
    median.data()[i] =
        values.size() % 2 == 1 ? *place : (*place + *std::max_element(values.begin(), place)) / 2;
  }
  return median;
}

}  // namespace detail

/// Query beside its matches to colorization. What can be read of the matches counts. Throws `value_error` for
/// an empty query, values outside [0, 1], and matches that are none, have no source or cannot be read.
class average_color_stage {
 public:
  using input = detail::query_and_matches;
  using output = colorization;
  static constexpr std::string_view name = "average_color";

  explicit average_color_stage(const average_color_options& options = {}) : options_(options) {
    require(options.temperature > 0, "average_color: given a temperature of ", options.temperature,
            ", wanted a number above 0");
    constexpr int largest = 4096;
    require(options.side >= 1 && options.side <= largest, "average_color: given a side of ", options.side,
            " pixels, wanted 1 to ", largest);
  }

  colorization operator()(detail::query_and_matches given) const {
    return detail::colorized_by_neighbors(
        "average_color", given, options_.side,
        [this](const detail::neighbor_colors& neighbors) { return chroma_map(neighbors); });
  }

  /// Chroma at the neighbors' own size.
  image<2> chroma_map(const detail::neighbor_colors& neighbors) const {
    if (options_.average == color_average::median) return detail::median_chroma_map(neighbors);
    return detail::mean_chroma_map(
        neighbors, detail::neighbor_weights(neighbors.distances, options_.average == color_average::soft,
                                            options_.temperature));
  }

  const average_color_options& options() const { return options_; }

 private:
  average_color_options options_;
};

/// `skip(gray_thumbnail | lookup(index, 20)) | average_color()`.
inline average_color_stage average_color(const average_color_options& options = {}) {
  return average_color_stage(options);
}

}  // namespace lookalike

#pragma once

/// \file
/// Pictures squashed to 32 x 32 pixels of bytes: small enough to keep of every photograph, and, as A.
/// Torralba, R. Fergus and W. Freeman found (80 million tiny images, PAMI 2008), enough to recognize scenes.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <lookalike/core/memory.hpp>
#include <lookalike/image/mask.hpp>
#include <lookalike/image/resample.hpp>
#include <lookalike/simd/byte_correlation.hpp>

namespace lookalike {

inline constexpr int thumbnail_side = 32;
inline constexpr std::size_t thumbnail_size = std::size_t{3} * thumbnail_side * thumbnail_side;

/// The mean color of each of 32 x 32 equal parts.
inline byte_image make_thumbnail(const image<3>& picture) {
  return to_bytes(resize(picture, thumbnail_side, thumbnail_side, resampling::area));
}
inline byte_image make_thumbnail(const byte_image& picture) {
  return resize(picture, thumbnail_side, thumbnail_side, resampling::area);
}

/// 1 where a pixel is known, 0 where it is missing.
inline image<1> known_pixels(const mask& hole) {
  image<1> known(hole.height(), hole.width());
  std::transform(hole.values().begin(), hole.values().end(), known.values().begin(),
                 [](std::uint8_t missing) { return missing == 0 ? 1.0f : 0.0f; });
  return known;
}

/// A picture, possibly with a hole, as it is compared with thumbnails: only known pixels count, both in the
/// mean color of a part and as the part's weight.
class thumbnail_query {
 public:
  explicit thumbnail_query(const image<3>& picture)
      : thumbnail_query(masked_image{picture, mask(picture.height(), picture.width())}) {}

  /// Throws `value_error` unless the mask has the picture's extent and leaves something known.
  explicit thumbnail_query(const masked_image& query) : weights_(thumbnail_size), weighted_(thumbnail_size) {
    require(!query.picture.empty(), "thumbnail: given an empty picture, wanted at least one pixel");
    require(same_extent(query.picture, query.hole), "thumbnail: given a mask of ", query.hole.height(), "x",
            query.hole.width(), " (height x width), wanted the picture's ", query.picture.height(), "x",
            query.picture.width());
    require_unit_range(query.picture, "thumbnail");
    const image<1> known = known_pixels(query.hole);
    image<3> visible = query.picture;
    for (std::size_t i = 0; i < visible.values().size(); ++i) visible.data()[i] *= known.data()[i / 3];
    const image<3> sums = resize(visible, thumbnail_side, thumbnail_side, resampling::area);
    const image<1> fractions = resize(known, thumbnail_side, thumbnail_side, resampling::area);

    double weighted_sum = 0;
    for (std::size_t i = 0; i < thumbnail_size; ++i) {
      const float fraction = fractions.data()[i / 3];
      weights_[i] = fraction > 1e-3f ? fraction : 0.0f;
      const float mean = weights_[i] > 0 ? 255.0f * sums.data()[i] / fraction : 0.0f;
      weighted_[i] = mean;
      total_ += static_cast<double>(weights_[i]);
      weighted_sum += static_cast<double>(weights_[i]) * static_cast<double>(mean);
    }
    require(total_ > 0, "thumbnail: given a mask that covers the whole picture, wanted a known pixel");
    mean_ = weighted_sum / total_;
    // Centered, so that products with thumbnails are covariances.
    for (std::size_t i = 0; i < thumbnail_size; ++i) {
      const float centered = weighted_[i] - static_cast<float>(mean_);
      weighted_[i] = weights_[i] * centered;
      energy_ += static_cast<double>(weighted_[i]) * static_cast<double>(centered);
      centered_sum_ += static_cast<double>(weighted_[i]);
    }
  }

  /// Weighted mean of the squared differences of values 0..255.
  double squared_difference(std::span<const std::uint8_t> thumbnail) const {
    const auto sums = sums_with(thumbnail);
    // |a - b|^2 with a = centered + mean.
    const double aa = energy_ + 2 * mean_ * centered_sum_ + mean_ * mean_ * total_;
    const double ab = sums.ab + mean_ * sums.b;
    return std::max(0.0, (aa - 2 * ab + sums.bb) / total_);
  }

  /// Normalized correlation over all values, in [-1, 1]. Of two constant pictures it is 1, of a constant one
  /// with another 0.
  double correlation(std::span<const std::uint8_t> thumbnail) const {
    const auto sums = sums_with(thumbnail);
    const double covariance = sums.ab - centered_sum_ * sums.b / total_;
    const double variance = sums.bb - sums.b * sums.b / total_;
    const double least = 0.25 * total_;  // deviations below half a gray level are rounding
    if (energy_ < least || variance < least) return energy_ < least && variance < least ? 1.0 : 0.0;
    return std::clamp(covariance / std::sqrt(energy_ * variance), -1.0, 1.0);
  }

 private:
  simd::byte_sums sums_with(std::span<const std::uint8_t> thumbnail) const {
    require(thumbnail.size() == thumbnail_size, "thumbnail: given ", thumbnail.size(), " bytes, wanted ",
            thumbnail_size);
    return simd::weighted_byte_sums(static_cast<std::ptrdiff_t>(thumbnail_size), weights_.data(),
                                    weighted_.data(), thumbnail.data());
  }

  aligned_vector<float> weights_;   // known fraction of each value
  aligned_vector<float> weighted_;  // times the value, less the mean
  double total_ = 0;                // sum of weights
  double mean_ = 0;
  double energy_ = 0;        // weighted squared deviation
  double centered_sum_ = 0;  // what rounding leaves of the centered sum
};

}  // namespace lookalike

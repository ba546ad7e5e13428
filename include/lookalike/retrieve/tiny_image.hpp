#pragma once

/// \file
/// Tiny images as an encoder: a picture is its 32 x 32 thumbnail, less its mean and scaled to length 1
/// (A. Torralba, R. Fergus and W. Freeman: 80 million tiny images, PAMI 30(11), 2008, section 4). Brightness
/// and contrast are gone, and the squared distance of two of them says the same as their normalized
/// correlation: D^2 = 2 (1 - correlation).
///
///     const vector_index known(tiny_image.on_batches()(pictures));
///     const auto find = tiny_image.on_batches() | lookup(known.on_batches(), 50);
///
/// Numbers come plane after plane (red, green, blue), row by row, as in CIFAR's records.

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include <lookalike/core/parallel.hpp>
#include <lookalike/core/tensor.hpp>
#include <lookalike/image/image.hpp>
#include <lookalike/image/resample.hpp>
#include <lookalike/retrieve/descriptor.hpp>
#include <lookalike/retrieve/thumbnail.hpp>

namespace lookalike {

/// Subtracts the mean and divides by the length, in double precision. A constant picture, one whose values
/// deviate by less than `least_deviation` from their mean (root mean square), has no direction: it becomes
/// all zeros, whose correlation with everything counts as 0, and whose squared distance is 1 to every other
/// picture and 0 to another constant one. Throws `value_error` when a value is not finite.
inline void normalize_picture(std::span<float> values, double least_deviation = 0) {
  if (values.empty()) return;
  const auto count = static_cast<double>(values.size());
  double sum = 0;
  for (const float value : values) sum += static_cast<double>(value);
  require(std::isfinite(sum), "normalize_picture: given values that add up to ", sum,
          ", wanted finite numbers");
  const double mean = sum / count;
  double squares = 0;
  for (const float value : values) {
    squares += (static_cast<double>(value) - mean) * (static_cast<double>(value) - mean);
  }
  const bool constant = squares <= count * least_deviation * least_deviation;
  const double scale = constant ? 0 : 1 / std::sqrt(squares);
  for (float& value : values) value = static_cast<float>((static_cast<double>(value) - mean) * scale);
}

/// Pictures of any one size, a row of numbers for each, normalized. `watcher` hears of "normalize pictures".
/// Throws `interrupted`.
inline tensor<float> normalized_pixels(tensor_view<const std::uint8_t> pictures,
                                       const progress& watcher = {}) {
  const std::int64_t size = pictures.channels() * pictures.height() * pictures.width();
  tensor<float> rows(pictures.batch(), size);
  constexpr std::int64_t at_once = 256;
  parallel_for((pictures.batch() + at_once - 1) / at_once,
               [&](std::int64_t step) {
                 const std::int64_t end = std::min(pictures.batch(), (step + 1) * at_once);
                 for (std::int64_t n = step * at_once; n < end; ++n) {
                   float* const row = rows.data() + n * size;
                   float* to = row;
                   for (std::int64_t c = 0; c < pictures.channels(); ++c)
                     for (std::int64_t y = 0; y < pictures.height(); ++y)
                       for (std::int64_t x = 0; x < pictures.width(); ++x) *to++ = pictures(n, c, y, x);
                   normalize_picture({row, static_cast<std::size_t>(size)});
                 }
               },
               watcher, "normalize pictures");
  return rows;
}

class tiny_image_batch_stage;

/// Picture to tiny image: 3072 numbers of mean 0 and length 1. Throws `value_error` for an empty picture and
/// for values outside [0, 1]. May be called from many threads at once.
class tiny_image_stage {
 public:
  using input = image<3>;
  using output = descriptor;
  static constexpr std::string_view name = "tiny_image";

  constexpr tiny_image_stage() = default;
  explicit constexpr tiny_image_stage(float importance) : importance_(importance) {}

  /// One picture of any extent; each number is the mean over its part of the picture. One whose values
  /// deviate by less than a millionth is constant.
  descriptor operator()(const image<3>& picture) const {
    require(!picture.empty(), "tiny_image: given an empty picture, wanted at least one pixel");
    require_unit_range(picture, "tiny_image");
    const image<3> small = resize(picture, thumbnail_side, thumbnail_side, resampling::area);
    std::vector<float> values(thumbnail_size);
    const auto area = static_cast<std::size_t>(small.area());
    for (std::size_t i = 0; i < thumbnail_size; ++i) values[i % 3 * area + i / 3] = small.data()[i];
    normalize_picture(values, 1e-6);
    return {blocks(), std::move(values), {1.0f}};
  }

  /// Thumbnails, pictures x 3 x 32 x 32 bytes, to pictures x 3072. Throws `value_error` for another size.
  tensor<float> operator()(tensor_view<const std::uint8_t> pictures, const progress& watcher = {}) const {
    require(
        pictures.channels() == 3 && pictures.height() == thumbnail_side && pictures.width() == thumbnail_side,
        "tiny_image: given pictures of ", pictures.channels(), " x ", pictures.height(), " x ",
        pictures.width(), ", wanted 3 x 32 x 32");
    return normalized_pixels(pictures, watcher);
  }

  /// The stage whose inputs are whole batches: `tensor<std::uint8_t>` to `tensor<float>`.
  constexpr tiny_image_batch_stage on_batches() const;

  /// What its descriptors consist of.
  std::vector<descriptor_block> blocks() const {
    return {{"tiny_image(side=32)", 1, static_cast<int>(thumbnail_size), importance_}};
  }
  /// A picture whose shorter side has this many pixels is large enough.
  int sufficient_side() const { return 2 * thumbnail_side; }

 private:
  float importance_ = 1;
};

/// Batch of thumbnails to tiny images. Made by `tiny_image_stage::on_batches`.
class tiny_image_batch_stage {
 public:
  using input = tensor<std::uint8_t>;
  using output = tensor<float>;
  static constexpr std::string_view name = "tiny_image";

  tensor<float> operator()(const tensor<std::uint8_t>& pictures, const progress& watcher = {}) const {
    return tiny_image_stage{}(pictures.view(), watcher);
  }
};

constexpr tiny_image_batch_stage tiny_image_stage::on_batches() const {
  return {};
}

inline constexpr tiny_image_stage tiny_image;

}  // namespace lookalike

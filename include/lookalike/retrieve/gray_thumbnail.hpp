#pragma once

/// \file
/// A gray picture as a vector: the lightness of its 32 x 32 thumbnail, less the mean and scaled to length 1,
/// so that half the squared distance of two is 1 - their normalized correlation. A. Torralba, R. Fergus and
/// W. Freeman, 80 million tiny images, PAMI 2008, section 3, for L* alone.

#include <cmath>
#include <cstddef>
#include <string_view>
#include <utility>
#include <vector>

#include <lookalike/image/chroma.hpp>
#include <lookalike/retrieve/descriptor.hpp>
#include <lookalike/retrieve/thumbnail.hpp>

namespace lookalike {

/// Picture to one cell of 32 x 32 values. Only lightness counts: a colored picture is described as its gray
/// version would be. A picture whose lightness hardly varies (deviation below 0.1) becomes the zero vector,
/// which is equally far from all others. Throws `value_error` for an empty picture and for values outside
/// [0, 1].
class gray_thumbnail_stage {
 public:
  using input = image<3>;
  using output = descriptor;
  static constexpr std::string_view name = "gray_thumbnail";

  descriptor operator()(const image<3>& picture) const {
    require(!picture.empty(), "gray_thumbnail: given an empty picture, wanted at least one pixel");
    require_unit_range(picture, "gray_thumbnail");
    const image<1> light = lightness(to_float(make_thumbnail(picture)));
    std::vector<float> values(light.values().begin(), light.values().end());
    const auto count = static_cast<double>(values.size());
    double sum = 0;
    for (const float value : values) sum += static_cast<double>(value);
    double energy = 0;
    for (float& value : values) {
      value = static_cast<float>(static_cast<double>(value) - sum / count);
      energy += static_cast<double>(value) * static_cast<double>(value);
    }
    constexpr double least_deviation = 0.1;
    const double length = std::sqrt(energy);
    const double scale = energy < count * least_deviation * least_deviation ? 0.0 : 1 / length;
    for (float& value : values) value = static_cast<float>(static_cast<double>(value) * scale);
    return {blocks(), std::move(values), {1.0f}};
  }

  /// What its descriptors consist of.
  std::vector<descriptor_block> blocks() const {
    return {{"gray_thumbnail", 1, thumbnail_side * thumbnail_side}};
  }
  /// A picture whose shorter side has this many pixels is large enough.
  int sufficient_side() const { return thumbnail_side; }
};

inline const gray_thumbnail_stage gray_thumbnail;

}  // namespace lookalike

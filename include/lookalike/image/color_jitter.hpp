#pragma once

/// \file
/// Random changes of brightness, contrast, saturation and hue, with the meanings that torchvision gives them:
/// each but hue mixes the picture with another one (black, its mean gray, its gray version), linearly in sRGB
/// values, and limits the result to [0, 1].

#include <algorithm>
#include <cmath>
#include <cstddef>

#include <lookalike/core/error.hpp>
#include <lookalike/core/random.hpp>
#include <lookalike/image/image.hpp>

namespace lookalike {

/// What changes in a picture's colors, in this order. 1, 1, 1 and 0 change nothing.
struct color_change {
  double brightness = 1;  ///< multiplies values; 0 is black
  double contrast = 1;    ///< multiplies differences from the mean gray of the picture; 0 is that gray
  double saturation = 1;  ///< multiplies differences from the gray of the pixel; 0 is gray
  double hue = 0;         ///< turns the color circle, in full turns: 1/3 makes red green
  friend bool operator==(const color_change&, const color_change&) = default;
};

/// How far colors may change.
struct color_jitter_options {
  double brightness = 0;  ///< b: the factor is uniform in [max(0, 1 - b), 1 + b]
  double contrast = 0;    ///< likewise
  double saturation = 0;  ///< likewise
  double hue = 0;         ///< h, at most 1/2: the turn is uniform in [-h, h]
};

namespace detail {

/// Luma of ITU-R BT.601, as in JPEG.
inline float luma_601(const float* rgb) {
  return 0.299f * rgb[0] + 0.587f * rgb[1] + 0.114f * rgb[2];
}

inline float unit_limited(float value) {
  return std::clamp(value, 0.0f, 1.0f);
}

/// The color with its hue turned by `turn` in [0, 1); value and saturation of HSV stay.
inline void turn_hue(float* rgb, float turn) {
  const float largest = std::max({rgb[0], rgb[1], rgb[2]});
  const float chroma = largest - std::min({rgb[0], rgb[1], rgb[2]});
  if (!(chroma > 0)) return;  // gray
  float sixths = 0;           // the hue, from red over green and blue
  if (rgb[0] == largest) {
    sixths = (rgb[1] - rgb[2]) / chroma;
  } else if (rgb[1] == largest) {
    sixths = 2 + (rgb[2] - rgb[0]) / chroma;
  } else {
    sixths = 4 + (rgb[0] - rgb[1]) / chroma;
  }
  const float turned = sixths + 6 * turn;
  for (int c = 0; c < 3; ++c) {
    // Distance on the circle of six from the channel's own hue, 2c: full up to 1, none from 2 on.
    float away = turned - static_cast<float>(2 * c);
    away -= 6 * std::round(away / 6);
    rgb[c] = largest - chroma * std::clamp(std::abs(away) - 1, 0.0f, 1.0f);
  }
}

inline void require_factor(double value, const char* name) {
  require(value >= 0 && std::isfinite(value), "color_change.", name, ": given ", value,
          ", wanted a finite value of at least 0");
}

}  // namespace detail

/// The picture (sRGB, [0, 1]) with its colors changed. Throws `value_error` for negative or infinite factors.
inline image<3> change_color(const image<3>& picture, const color_change& change) {
  detail::require_factor(change.brightness, "brightness");
  detail::require_factor(change.contrast, "contrast");
  detail::require_factor(change.saturation, "saturation");
  require(std::isfinite(change.hue), "color_change.hue: given ", change.hue, ", wanted a finite value");
  image<3> changed = picture;
  if (picture.empty()) return changed;
  if (change.brightness != 1) {
    const auto factor = static_cast<float>(change.brightness);
    for (float& value : changed.values()) value = detail::unit_limited(factor * value);
  }
  if (change.contrast != 1) {
    double sum = 0;
    for (int y = 0; y < changed.height(); ++y) {
      for (int x = 0; x < changed.width(); ++x) sum += static_cast<double>(detail::luma_601(&changed(y, x)));
    }
    const auto gray = static_cast<float>(sum / static_cast<double>(changed.area()));
    const auto factor = static_cast<float>(change.contrast);
    for (float& value : changed.values()) value = detail::unit_limited(gray + factor * (value - gray));
  }
  const double turn = change.hue - std::floor(change.hue);
  if (change.saturation == 1 && turn == 0) return changed;
  const auto factor = static_cast<float>(change.saturation);
  for (std::size_t i = 0; i < changed.values().size(); i += 3) {
    float* rgb = changed.data() + i;
    if (change.saturation != 1) {
      const float gray = detail::luma_601(rgb);
      for (int c = 0; c < 3; ++c) rgb[c] = detail::unit_limited(gray + factor * (rgb[c] - gray));
    }
    if (turn != 0) detail::turn_hue(rgb, static_cast<float>(turn));
  }
  return changed;
}

/// A random change. Always four draws. Throws `value_error` for options out of range.
inline color_change draw_color_change(random_sequence& random, const color_jitter_options& options) {
  const auto factor = [&](double reach, const char* name) {
    require(reach >= 0 && std::isfinite(reach), "color_jitter_options.", name, ": given ", reach,
            ", wanted a finite value of at least 0");
    return random.uniform(std::max(0.0, 1 - reach), 1 + reach);
  };
  require(options.hue >= 0 && options.hue <= 0.5, "color_jitter_options.hue: given ", options.hue,
          ", wanted 0 to 1/2 of a turn");
  color_change change;
  change.brightness = factor(options.brightness, "brightness");
  change.contrast = factor(options.contrast, "contrast");
  change.saturation = factor(options.saturation, "saturation");
  change.hue = random.uniform(-options.hue, options.hue);
  return change;
}

/// The picture with its colors changed at random. Throws as the two halves do.
inline image<3> color_jitter(const image<3>& picture, random_sequence& random,
                             const color_jitter_options& options) {
  return change_color(picture, draw_color_change(random, options));
}

}  // namespace lookalike

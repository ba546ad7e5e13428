#pragma once

/// \file
/// Random crops, mirrorings, quarter turns and resized crops: other views of a picture that show the same
/// thing. Each comes as a function of a picture and a random sequence, and as its two halves, a draw of
/// explicit parameters and a function that applies them, so that a picture and its label map can be changed
/// alike. Colors change in image/color_jitter.hpp, shapes in image/elastic_deformation.hpp.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>

#include <lookalike/core/error.hpp>
#include <lookalike/core/random.hpp>
#include <lookalike/image/border.hpp>
#include <lookalike/image/image.hpp>
#include <lookalike/image/resample.hpp>
#include <lookalike/image/size.hpp>

namespace lookalike {

/// A part of a picture that may reach beyond its border, where `beyond` says what is seen. Throws
/// `value_error` for a negative extent or an empty picture.
template <int Channels, class Value>
image<Channels, Value> padded_crop(const image<Channels, Value>& picture, const box& place,
                                   border beyond = border::zero) {
  require(!picture.empty(), "padded_crop: given an empty picture, wanted at least one pixel");
  image<Channels, Value> part(place.height, place.width);
  for (int y = 0; y < part.height(); ++y) {
    const int row = inside(place.y + y, picture.height(), beyond);
    if (row < 0) continue;
    for (int x = 0; x < part.width(); ++x) {
      const int column = inside(place.x + x, picture.width(), beyond);
      if (column < 0) continue;
      for (int c = 0; c < Channels; ++c) part(y, x, c) = picture(row, column, c);
    }
  }
  return part;
}

/// The picture with `amount` more pixels on each side. Throws `value_error` for a negative amount or an empty
/// picture.
template <int Channels, class Value>
image<Channels, Value> pad(const image<Channels, Value>& picture, int amount, border beyond = border::zero) {
  require(amount >= 0, "pad: given ", amount, " pixels, wanted at least 0");
  return padded_crop(picture, {-amount, -amount, picture.height() + 2 * amount, picture.width() + 2 * amount},
                     beyond);
}

struct random_crop_options {
  int padding = 0;               ///< pixels that the crop may lie outside of the picture, on each side
  border beyond = border::zero;  ///< what is seen there
};

/// A box of extent `wanted`, all places within a picture of extent `from`, padded, equally likely. Two draws.
/// Throws `value_error` when the padded picture is smaller.
inline box draw_crop(image_size from, image_size wanted, random_sequence& random,
                     const random_crop_options& options = {}) {
  const int padding = options.padding;
  require(padding >= 0, "random_crop_options.padding: given ", padding, ", wanted at least 0 pixels");
  require(wanted.height >= 0 && wanted.width >= 0 && wanted.height <= from.height + 2 * padding &&
              wanted.width <= from.width + 2 * padding,
          "random_crop: given ", from.height, "x", from.width, " pixels and ", padding,
          " on each side to cut ", wanted.height, "x", wanted.width, " from, wanted at least as many");
  const auto y = random.integer(std::int64_t{from.height} + 2 * padding - wanted.height + 1) - padding;
  const auto x = random.integer(std::int64_t{from.width} + 2 * padding - wanted.width + 1) - padding;
  return {static_cast<int>(y), static_cast<int>(x), wanted.height, wanted.width};
}

/// A random part of a picture. Throws as `draw_crop` does.
template <int Channels, class Value>
image<Channels, Value> random_crop(const image<Channels, Value>& picture, image_size wanted,
                                   random_sequence& random, const random_crop_options& options = {}) {
  return padded_crop(picture, draw_crop(size_of(picture), wanted, random, options), options.beyond);
}

/// Mirrored left to right.
template <int Channels, class Value>
image<Channels, Value> flip_horizontally(const image<Channels, Value>& picture) {
  image<Channels, Value> flipped(picture.height(), picture.width());
  for (int y = 0; y < picture.height(); ++y)
    for (int x = 0; x < picture.width(); ++x)
      for (int c = 0; c < Channels; ++c) flipped(y, x, c) = picture(y, picture.width() - 1 - x, c);
  return flipped;
}

/// Mirrored top to bottom.
template <int Channels, class Value>
image<Channels, Value> flip_vertically(const image<Channels, Value>& picture) {
  image<Channels, Value> flipped(picture.height(), picture.width());
  for (int y = 0; y < picture.height(); ++y) {
    const auto row = picture.row(picture.height() - 1 - y);
    std::copy(row.begin(), row.end(), flipped.row(y).begin());
  }
  return flipped;
}

/// Turned counterclockwise by `turns` times 90 degrees; negative turns go clockwise.
template <int Channels, class Value>
image<Channels, Value> rotate_quarters(const image<Channels, Value>& picture, int turns) {
  const int quarters = ((turns % 4) + 4) % 4;
  if (quarters == 0) return picture;
  const int height = picture.height();
  const int width = picture.width();
  const bool upright = quarters == 2;
  image<Channels, Value> turned(upright ? height : width, upright ? width : height);
  for (int y = 0; y < turned.height(); ++y) {
    for (int x = 0; x < turned.width(); ++x) {
      const int row = quarters == 1 ? x : quarters == 2 ? height - 1 - y : height - 1 - x;
      const int column = quarters == 1 ? width - 1 - y : quarters == 2 ? width - 1 - x : y;
      for (int c = 0; c < Channels; ++c) turned(y, x, c) = picture(row, column, c);
    }
  }
  return turned;
}

/// One of the eight ways to lay a square upon itself: mirrored left to right or not, then turned.
struct square_symmetry {
  bool flipped = false;
  int quarter_turns = 0;  ///< counterclockwise
  friend bool operator==(const square_symmetry&, const square_symmetry&) = default;
};

/// All eight equally likely. One draw.
inline square_symmetry draw_square_symmetry(random_sequence& random) {
  const int drawn = static_cast<int>(random.integer(8));
  return {drawn >= 4, drawn % 4};
}

template <int Channels, class Value>
image<Channels, Value> with_symmetry(const image<Channels, Value>& picture, const square_symmetry& symmetry) {
  return rotate_quarters(symmetry.flipped ? flip_horizontally(picture) : picture, symmetry.quarter_turns);
}

/// Mirrored left to right with the given probability. One draw. Throws `value_error` outside of [0, 1].
template <int Channels, class Value>
image<Channels, Value> random_horizontal_flip(const image<Channels, Value>& picture, random_sequence& random,
                                              double probability = 0.5) {
  require(probability >= 0 && probability <= 1, "random_horizontal_flip: given a probability of ",
          probability, ", wanted 0 to 1");
  return random.uniform() < probability ? flip_horizontally(picture) : picture;
}

/// Mirrored top to bottom with the given probability. One draw. Throws `value_error` outside of [0, 1].
template <int Channels, class Value>
image<Channels, Value> random_vertical_flip(const image<Channels, Value>& picture, random_sequence& random,
                                            double probability = 0.5) {
  require(probability >= 0 && probability <= 1, "random_vertical_flip: given a probability of ", probability,
          ", wanted 0 to 1");
  return random.uniform() < probability ? flip_vertically(picture) : picture;
}

/// Turned by 0, 90, 180 or 270 degrees. One draw.
template <int Channels, class Value>
image<Channels, Value> random_quarter_turn(const image<Channels, Value>& picture, random_sequence& random) {
  return rotate_quarters(picture, static_cast<int>(random.integer(4)));
}

struct resized_crop_options {
  double least_area = 0.08;         ///< of the picture's area
  double most_area = 1;             ///< at most 1
  double least_aspect = 3.0 / 4.0;  ///< width over height
  double most_aspect = 4.0 / 3.0;
};

/// A box within a picture of extent `from`, its area uniform between the given fractions of the picture's,
/// the logarithm of its aspect ratio uniform between the given ones (C. Szegedy et al.: Going deeper with
/// convolutions, CVPR 2015, in the form that is customary now). After ten draws that do not fit into the
/// picture, the largest box in its middle with an aspect ratio within bounds. Throws `value_error` for an
/// empty picture or options out of range.
inline box draw_resized_crop(image_size from, random_sequence& random,
                             const resized_crop_options& options = {}) {
  require(from.height > 0 && from.width > 0, "random_resized_crop: given a picture of ", from.height, "x",
          from.width, ", wanted at least one pixel");
  require(options.least_area > 0 && options.least_area <= options.most_area && options.most_area <= 1,
          "resized_crop_options: given areas from ", options.least_area, " to ", options.most_area,
          ", wanted ones in order, above 0 and up to 1");
  require(options.least_aspect > 0 && options.least_aspect <= options.most_aspect &&
              std::isfinite(options.most_aspect),
          "resized_crop_options: given aspect ratios from ", options.least_aspect, " to ",
          options.most_aspect, ", wanted finite ones in order, above 0");
  constexpr int attempts = 10;
  const double area = static_cast<double>(from.height) * from.width;
  for (int attempt = 0; attempt < attempts; ++attempt) {
    const double wanted_area = area * random.uniform(options.least_area, options.most_area);
    const double aspect =
        std::exp(random.uniform(std::log(options.least_aspect), std::log(options.most_aspect)));
    const double height = std::round(std::sqrt(wanted_area / aspect));
    const double width = std::round(std::sqrt(wanted_area * aspect));
    if (height >= 1 && width >= 1 && height <= from.height && width <= from.width)
      return draw_crop(from, {static_cast<int>(height), static_cast<int>(width)}, random);
  }
  const double aspect =
      std::clamp(static_cast<double>(from.width) / from.height, options.least_aspect, options.most_aspect);
  const auto fitted = [](double extent, int limit) {
    return std::clamp(static_cast<int>(std::lround(std::min<double>(extent, limit))), 1, limit);
  };
  const int height = fitted(from.width / aspect, from.height);
  const int width = fitted(from.height * aspect, from.width);
  return {(from.height - height) / 2, (from.width - width) / 2, height, width};
}

/// A random part of a picture, resized to `wanted`. Throws `value_error` as `draw_resized_crop` and `resize`.
template <int Channels, class Value>
image<Channels, Value> random_resized_crop(const image<Channels, Value>& picture, image_size wanted,
                                           random_sequence& random, const resized_crop_options& options = {},
                                           resampling how = resampling::bilinear) {
  return resize(crop(picture, draw_resized_crop(size_of(picture), random, options)), wanted.height,
                wanted.width, how);
}

}  // namespace lookalike

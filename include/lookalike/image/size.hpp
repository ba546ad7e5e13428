#pragma once

/// \file
/// Extents and places in a picture, in pixels.

#include <algorithm>
#include <cmath>

#include <lookalike/core/error.hpp>
#include <lookalike/image/image.hpp>
#include <lookalike/image/mask.hpp>

namespace lookalike {

/// Extent of a picture.
struct image_size {
  int height = 0;
  int width = 0;
  friend bool operator==(const image_size&, const image_size&) = default;
};

template <int Channels, class Value>
image_size size_of(const image<Channels, Value>& picture) {
  return {picture.height(), picture.width()};
}

/// A rectangle of pixels: rows [y, y + height), columns [x, x + width).
struct box {
  int y = 0;
  int x = 0;
  int height = 0;
  int width = 0;
  bool empty() const { return height <= 0 || width <= 0; }
  friend bool operator==(const box&, const box&) = default;
};

/// The smallest box that holds every missing pixel; an empty one when none is missing.
inline box bounding_box(const mask& hole) {
  int top = hole.height();
  int left = hole.width();
  int bottom = -1;
  int right = -1;
  const auto is_missing = [](std::uint8_t value) { return value != 0; };
  for (int y = 0; y < hole.height(); ++y) {
    const auto row = hole.row(y);
    const auto first = std::find_if(row.begin(), row.end(), is_missing);
    if (first == row.end()) continue;
    const auto last = std::find_if(row.rbegin(), row.rend(), is_missing);
    top = std::min(top, y);
    bottom = y;
    left = std::min(left, static_cast<int>(first - row.begin()));
    right = std::max(right, static_cast<int>(row.rend() - last) - 1);
  }
  if (bottom < 0) return {};
  return {top, left, bottom - top + 1, right - left + 1};
}

/// The largest extent with the proportions of `size` that fits into `room`, at least 1x1. It may be larger
/// than `size`. Throws `value_error` unless all extents are positive.
inline image_size fitted_size(image_size size, image_size room) {
  require(size.height > 0 && size.width > 0 && room.height > 0 && room.width > 0, "fitted_size: given ",
          size.height, "x", size.width, " to fit into ", room.height, "x", room.width,
          ", wanted extents of at least 1");
  const double scale =
      std::min(static_cast<double>(room.height) / size.height, static_cast<double>(room.width) / size.width);
  const auto scaled = [scale](int extent, int limit) {
    return std::clamp(static_cast<int>(std::lround(extent * scale)), 1, limit);
  };
  return {scaled(size.height, room.height), scaled(size.width, room.width)};
}

/// A part of a picture. Throws `value_error` when it is not wholly inside.
template <int Channels, class Value>
image<Channels, Value> crop(const image<Channels, Value>& picture, int y, int x, int height, int width) {
  require(y >= 0 && x >= 0 && height >= 0 && width >= 0 && height <= picture.height() - y &&
              width <= picture.width() - x,
          "crop: given ", height, "x", width, " (height x width) at row ", y, ", column ", x,
          ", wanted a part of the picture's ", picture.height(), "x", picture.width());
  image<Channels, Value> part(height, width);
  for (int row = 0; row < height; ++row) {
    const auto source = picture.row(y + row).subspan(static_cast<std::size_t>(x) * Channels);
    std::copy_n(source.begin(), part.row(row).size(), part.row(row).begin());
  }
  return part;
}

template <int Channels, class Value>
image<Channels, Value> crop(const image<Channels, Value>& picture, const box& place) {
  return crop(picture, place.y, place.x, place.height, place.width);
}

}  // namespace lookalike

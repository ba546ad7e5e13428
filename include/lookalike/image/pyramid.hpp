#pragma once

/// \file
/// Pyramids: a picture at half the size, a quarter, and so on.
/// P. Burt, E. Adelson: The Laplacian Pyramid as a Compact Image Code, IEEE Transactions on Communications
/// 31(4), 1983; binomial weights (a = 3/8).

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

#include <lookalike/image/border.hpp>
#include <lookalike/image/detail/separable.hpp>
#include <lookalike/image/image.hpp>
#include <lookalike/image/mask.hpp>

namespace lookalike {

/// Half of the picture: filtered by (1 4 6 4 1)/16 along both axes, then every other pixel from the first
/// on, so that an extent n becomes ceil(n / 2). Pixel (y, x) stands where (2 y, 2 x) stood.
template <int Channels>
image<Channels> reduce(const image<Channels>& picture) {
  static constexpr float binomial[] = {0.0625f, 0.25f, 0.375f, 0.25f, 0.0625f};
  return detail::filter_separable(picture, binomial, binomial, border::mirror, 2);
}

/// Half of a mask, on the safe side: missing (255) wherever `reduce` of the picture would mix in a missing
/// pixel. What is known of a reduced picture then comes from known pixels only.
inline mask reduce(const mask& hole) {
  constexpr int reach = 2;
  const int width = hole.width();
  mask half((hole.height() + 1) / 2, (width + 1) / 2);
  std::vector<std::uint8_t> any(static_cast<std::size_t>(width));  // of the rows within reach
  for (int y = 0; y < half.height(); ++y) {
    std::fill(any.begin(), any.end(), std::uint8_t{0});
    for (int row = std::max(2 * y - reach, 0); row <= std::min(2 * y + reach, hole.height() - 1); ++row) {
      std::transform(any.begin(), any.end(), hole.row(row).begin(), any.begin(), std::bit_or<std::uint8_t>());
    }
    for (int x = 0; x < half.width(); ++x) {
      const auto begin = any.begin() + std::max(2 * x - reach, 0);
      const auto end = any.begin() + std::min(2 * x + reach + 1, width);
      half(y, x) = std::any_of(begin, end, [](std::uint8_t value) { return value != 0; }) ? 255 : 0;
    }
  }
  return half;
}

namespace detail {

template <class Picture>
std::vector<Picture> reduce_repeatedly(Picture picture, int levels) {
  require(levels >= 1, "pyramid: given ", levels, " levels, wanted at least 1");
  std::vector<Picture> pyramid{std::move(picture)};
  while (static_cast<int>(pyramid.size()) < levels && pyramid.back().area() > 1) {
    pyramid.push_back(reduce(pyramid.back()));
  }
  return pyramid;
}

}  // namespace detail

/// The picture and its repeated halves, `levels` of them or until one pixel is left. Throws `value_error`
/// for less than one level.
template <int Channels>
std::vector<image<Channels>> gaussian_pyramid(image<Channels> picture, int levels) {
  return detail::reduce_repeatedly(std::move(picture), levels);
}

/// The mask and its repeated halves; see `reduce`. Levels match those of the picture's pyramid.
inline std::vector<mask> mask_pyramid(mask hole, int levels) {
  return detail::reduce_repeatedly(std::move(hole), levels);
}

}  // namespace lookalike

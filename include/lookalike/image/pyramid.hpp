#pragma once

/// \file
/// Pyramids: a picture at half the size, a quarter, and so on.
/// P. Burt, E. Adelson: The Laplacian Pyramid as a Compact Image Code, IEEE Transactions on Communications
/// 31(4), 1983; binomial weights (a = 3/8).

#include <algorithm>
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
  mask half((hole.height() + 1) / 2, (hole.width() + 1) / 2);
  constexpr int reach = 2;
  for (int y = 0; y < half.height(); ++y) {
    for (int x = 0; x < half.width(); ++x) {
      bool missing = false;
      for (int row = std::max(2 * y - reach, 0); row <= std::min(2 * y + reach, hole.height() - 1); ++row) {
        for (int column = std::max(2 * x - reach, 0); column <= std::min(2 * x + reach, hole.width() - 1);
             ++column) {
          missing |= hole(row, column) != 0;
        }
      }
      half(y, x) = missing ? 255 : 0;
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

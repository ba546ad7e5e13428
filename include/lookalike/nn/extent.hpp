#pragma once

/// \file
/// Options of layers that have a height and a width: written as one number where both are the same
/// (`.kernel = 3`), or as two (`.kernel = {3, 5}`).

namespace lookalike {

/// A height and a width, in pixels.
struct extent_2d {
  int height = 1;
  int width = 1;

  constexpr extent_2d() = default;
  constexpr extent_2d(int both) : height(both), width(both) {}
  constexpr extent_2d(int height_, int width_) : height(height_), width(width_) {}

  friend constexpr bool operator==(const extent_2d&, const extent_2d&) = default;
};

/// `.padding = same`: as much as leaves a map at stride 1 as large as it was.
enum same_padding : unsigned char { same };

/// What is put around a map, in pixels: `same`, one number for all sides, {above and below, left and right},
/// or {top, left, bottom, right}.
struct padding_2d {
  int top = 0;
  int left = 0;
  int bottom = 0;
  int right = 0;
  bool is_same = false;

  constexpr padding_2d() = default;
  constexpr padding_2d(same_padding) : is_same(true) {}
  constexpr padding_2d(int all) : top(all), left(all), bottom(all), right(all) {}
  constexpr padding_2d(int vertical, int horizontal)
      : top(vertical), left(horizontal), bottom(vertical), right(horizontal) {}
  constexpr padding_2d(int top_, int left_, int bottom_, int right_)
      : top(top_), left(left_), bottom(bottom_), right(right_) {}

  friend constexpr bool operator==(const padding_2d&, const padding_2d&) = default;

  /// The numbers that `same` stands for: dilation (kernel - 1) along an axis in all, half of it on each side,
  /// the larger half after (below, on the right). Other paddings are as they are.
  constexpr padding_2d resolved(extent_2d kernel, extent_2d dilation) const {
    if (!is_same) return *this;
    const int vertical = dilation.height * (kernel.height - 1);
    const int horizontal = dilation.width * (kernel.width - 1);
    return {vertical / 2, horizontal / 2, vertical - vertical / 2, horizontal - horizontal / 2};
  }
};

}  // namespace lookalike

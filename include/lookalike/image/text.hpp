#pragma once

/// \file
/// Text on pictures, in a small built-in typeface. Characters that it lacks, such as accented letters, show
/// as a question mark.

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <lookalike/image/detail/typeface.hpp>
#include <lookalike/image/image.hpp>

namespace lookalike {

/// A color in bytes: red, green, blue.
using byte_color = std::array<std::uint8_t, 3>;

namespace detail {

/// The text in the typeface's characters: one '?' for each character of UTF-8 beyond ASCII, and for control
/// characters.
inline std::string printable(std::string_view text) {
  std::string result;
  for (const char letter : text) {
    const bool continues_a_character = (static_cast<unsigned char>(letter) & 0xC0) == 0x80;
    if (continues_a_character) continue;
    result += letter >= typeface::first && letter <= typeface::last ? letter : '?';
  }
  return result;
}

}  // namespace detail

/// Width and height of a line of text in pixels, at `scale` pixels a dot.
inline int text_width(std::string_view text, int scale = 1) {
  const auto letters = static_cast<int>(detail::printable(text).size());
  return letters == 0 ? 0 : (letters * detail::typeface::advance - 1) * scale;
}
constexpr int text_line_height(int scale = 1) {
  return detail::typeface::line_height * scale;
}

/// The text, or as much of its beginning as leaves room for "..." within `width` pixels. ASCII only: see
/// above.
inline std::string shortened(std::string_view text, int width, int scale = 1) {
  std::string result = detail::printable(text);
  if (text_width(result, scale) <= width) return result;
  constexpr std::string_view dots = "...";
  const int fitting = (width / scale + 1) / detail::typeface::advance;
  if (fitting < static_cast<int>(dots.size())) return {};
  result.resize(static_cast<std::size_t>(fitting) - dots.size());
  while (!result.empty() && result.back() == ' ') result.pop_back();
  return result.append(dots);
}

/// Draws one line of text with its upper left corner at row `y`, column `x`. What lies outside is cut off.
/// Throws `value_error` for a scale below 1.
inline void draw_text(byte_image& picture, int y, int x, std::string_view text, byte_color color,
                      int scale = 1) {
  using detail::typeface;
  require(scale >= 1, "draw_text: given a scale of ", scale, ", wanted at least 1");
  const auto dot = [&](int top, int left) {
    for (int row = std::max(top, 0); row < std::min(top + scale, picture.height()); ++row) {
      for (int column = std::max(left, 0); column < std::min(left + scale, picture.width()); ++column) {
        std::copy(color.begin(), color.end(), &picture(row, column));
      }
    }
  };
  for (const char letter : detail::printable(text)) {
    for (int row = 0; row < typeface::glyph_height; ++row) {
      for (int column = 0; column < typeface::glyph_width; ++column) {
        if (typeface::has_ink(letter, row, column)) dot(y + row * scale, x + column * scale);
      }
    }
    x += typeface::advance * scale;
  }
}

}  // namespace lookalike

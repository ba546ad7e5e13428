#pragma once

/// \file
/// Many pictures on one page, each with a caption below: the way to look at results.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <lookalike/image/image.hpp>
#include <lookalike/image/resample.hpp>
#include <lookalike/image/size.hpp>
#include <lookalike/image/text.hpp>

namespace lookalike {

struct captioned_picture {
  byte_image picture;
  /// Lines are separated by '\n'. A line too long for the cell is shortened with "...".
  std::string caption;
};

struct contact_sheet_options {
  int columns = 5;
  /// The room for each picture, in pixels. A picture is scaled to fit, whole and in its proportions.
  int cell_width = 256;
  int cell_height = 192;
  /// Between cells and around them, in pixels.
  int margin = 14;
  /// Pixels a dot of the text; 0 chooses by the width of the cells.
  int text_scale = 0;
  /// A line above all pictures; none when empty.
  std::string title{};
  byte_color background{246, 246, 244};
  byte_color cell_background{228, 228, 226};
  byte_color text_color{48, 48, 48};
};

namespace detail {

inline std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    lines.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

inline void fill(byte_image& sheet, const box& place, byte_color color) {
  for (int y = place.y; y < place.y + place.height; ++y) {
    for (int x = place.x; x < place.x + place.width; ++x) std::copy(color.begin(), color.end(), &sheet(y, x));
  }
}

/// Copies `picture`, which fits, into the middle of `place`.
inline void paste_centered(byte_image& sheet, const box& place, const byte_image& picture) {
  const int top = place.y + (place.height - picture.height()) / 2;
  const int left = place.x + (place.width - picture.width()) / 2;
  for (int y = 0; y < picture.height(); ++y) {
    std::copy(picture.row(y).begin(), picture.row(y).end(), &sheet(top + y, left));
  }
}

inline void check(const contact_sheet_options& options) {
  constexpr int largest = 10000;
  const auto within = [](int value, int least) { return value >= least && value <= largest; };
  require(within(options.columns, 1), "contact_sheet_options.columns: given ", options.columns,
          ", wanted 1 to ", largest);
  require(within(options.cell_width, 1) && within(options.cell_height, 1),
          "contact_sheet_options: given cells of ", options.cell_height, "x", options.cell_width,
          " (height x width), wanted extents from 1 to ", largest);
  require(within(options.margin, 0), "contact_sheet_options.margin: given ", options.margin, ", wanted 0 to ",
          largest);
  require(options.text_scale >= 0 && options.text_scale <= 100, "contact_sheet_options.text_scale: given ",
          options.text_scale, ", wanted 1 to 100, or 0 to choose");
}

}  // namespace detail

/// The pictures in rows, in their order, with captions below. A sheet with fewer pictures than columns is
/// narrower. Throws `value_error` when there is no picture, one is empty, an option is out of range, or the
/// sheet would have more than 2^28 pixels.
inline byte_image contact_sheet(std::span<const captioned_picture> pictures,
                                const contact_sheet_options& options = {}) {
  detail::check(options);
  require(!pictures.empty(), "contact_sheet: given no pictures, wanted at least one");
  constexpr int cell_width_a_dot = 200;  // leaves room for about 33 characters a line, or more
  const int scale =
      options.text_scale > 0 ? options.text_scale : std::max(1, options.cell_width / cell_width_a_dot);
  std::size_t lines = 0;
  for (std::size_t i = 0; i < pictures.size(); ++i) {
    require(!pictures[i].picture.empty(), "contact_sheet: given an empty picture at position ", i,
            ", wanted at least one pixel in each");
    lines = std::max(lines, detail::lines_of(pictures[i].caption).size());
  }

  const int line_height = text_line_height(scale);
  const int caption_gap = lines > 0 ? 5 * scale : 0;
  const std::int64_t columns = std::min<std::int64_t>(options.columns, std::ssize(pictures));
  const std::int64_t rows = (std::ssize(pictures) + columns - 1) / columns;
  const std::int64_t step_down =
      options.cell_height + caption_gap + static_cast<std::int64_t>(lines) * line_height + options.margin;
  const std::int64_t step_right = options.cell_width + options.margin;
  const std::int64_t top = options.margin + (options.title.empty() ? 0 : line_height + options.margin);
  const std::int64_t height = top + rows * step_down;
  const std::int64_t width = options.margin + columns * step_right;
  constexpr std::int64_t largest_sheet = std::int64_t{1} << 28;
  require(height <= largest_sheet / width, "contact_sheet: given ", pictures.size(), " pictures that need ",
          height, "x", width, " pixels (height x width), wanted at most ", largest_sheet);

  byte_image sheet(static_cast<int>(height), static_cast<int>(width));
  detail::fill(sheet, {0, 0, sheet.height(), sheet.width()}, options.background);
  const int title_width = sheet.width() - 2 * options.margin;
  draw_text(sheet, options.margin, options.margin, shortened(options.title, title_width, scale),
            options.text_color, scale);
  for (std::int64_t i = 0; i < std::ssize(pictures); ++i) {
    const captioned_picture& shown = pictures[static_cast<std::size_t>(i)];
    const box cell{static_cast<int>(top + i / columns * step_down),
                   static_cast<int>(options.margin + i % columns * step_right), options.cell_height,
                   options.cell_width};
    detail::fill(sheet, cell, options.cell_background);
    detail::paste_centered(sheet, cell, scale_to_fit(shown.picture, cell.height, cell.width));
    int y = cell.y + cell.height + caption_gap;
    for (const std::string_view line : detail::lines_of(shown.caption)) {
      draw_text(sheet, y, cell.x, shortened(line, cell.width, scale), options.text_color, scale);
      y += line_height;
    }
  }
  return sheet;
}

}  // namespace lookalike

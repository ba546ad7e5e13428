#include <algorithm>
#include <vector>

#include <catch2/catch.hpp>

#include <lookalike/image/contact_sheet.hpp>

#include "scratch.hpp"

using namespace lookalike;

namespace {

byte_image filled(int height, int width, byte_color color) {
  byte_image picture(height, width);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) std::copy(color.begin(), color.end(), &picture(y, x));
  }
  return picture;
}

byte_color color_at(const byte_image& sheet, int y, int x) {
  return {sheet(y, x, 0), sheet(y, x, 1), sheet(y, x, 2)};
}

/// Whether a pixel of `place` has the color of text.
bool has_text(const byte_image& sheet, const box& place, byte_color color) {
  for (int y = place.y; y < place.y + place.height; ++y) {
    for (int x = place.x; x < place.x + place.width; ++x) {
      if (color_at(sheet, y, x) == color) return true;
    }
  }
  return false;
}

}  // namespace

TEST_CASE("pictures stand in their cells, centered and whole, with captions below") {
  const byte_color red{200, 0, 0};
  const byte_color green{0, 200, 0};
  const std::vector<captioned_picture> pictures{
      {filled(30, 40, red), "wide"}, {filled(60, 20, green), "tall\nsecond line"}, {filled(5, 5, red), ""}};
  const contact_sheet_options options{
      .columns = 2, .cell_width = 80, .cell_height = 60, .margin = 10, .text_scale = 1};
  const byte_image sheet = contact_sheet(pictures, options);
  constexpr int caption = 5 + 2 * 12;  // gap and two lines
  REQUIRE(sheet.width() == 10 + 2 * (80 + 10));
  REQUIRE(sheet.height() == 10 + 2 * (60 + caption + 10));
  CHECK(color_at(sheet, 0, 0) == options.background);
  // The wide picture is doubled and fills its cell.
  CHECK(color_at(sheet, 10, 10) == red);
  CHECK(color_at(sheet, 69, 89) == red);
  CHECK(color_at(sheet, 70, 89) == options.background);
  // The tall one keeps its size, in the middle of its cell.
  CHECK(color_at(sheet, 10, 100) == options.cell_background);
  CHECK(color_at(sheet, 40, 129) == options.cell_background);
  CHECK(color_at(sheet, 40, 130) == green);
  CHECK(color_at(sheet, 40, 149) == green);
  CHECK(color_at(sheet, 40, 150) == options.cell_background);
  // Captions: one line at the left, two at the right, none in the second row.
  CHECK(has_text(sheet, {75, 10, 12, 80}, options.text_color));
  CHECK_FALSE(has_text(sheet, {87, 10, 12, 80}, options.text_color));
  CHECK(has_text(sheet, {75, 100, 12, 80}, options.text_color));
  CHECK(has_text(sheet, {87, 100, 12, 80}, options.text_color));
  CHECK_FALSE(has_text(sheet, {99, 0, sheet.height() - 99, sheet.width()}, options.text_color));
}

TEST_CASE("a title takes a line of its own, and long captions stay within their cells") {
  const std::vector<captioned_picture> pictures{
      {filled(8, 8, {1, 2, 3}), "a caption far too long for so small a cell"}};
  const contact_sheet_options options{
      .columns = 5, .cell_width = 60, .cell_height = 40, .margin = 6, .text_scale = 1, .title = "Results"};
  const byte_image sheet = contact_sheet(pictures, options);
  CHECK(sheet.width() == 60 + 2 * 6);  // no wider than its one picture
  CHECK(sheet.height() == 6 + 12 + 6 + 40 + 5 + 12 + 6);
  CHECK(has_text(sheet, {6, 6, 12, 60}, options.text_color));
  CHECK(has_text(sheet, {64, 6, 17, 60}, options.text_color));
  CHECK_FALSE(has_text(sheet, {0, 66, sheet.height(), 6}, options.text_color));
}

TEST_CASE("nothing to show, empty pictures and options out of range are value errors") {
  std::vector<captioned_picture> pictures{{byte_image(4, 4), "a"}};
  CHECK_THROWS_AS(contact_sheet({}), value_error);
  CHECK_THROWS_AS(contact_sheet(pictures, {.columns = 0}), value_error);
  CHECK_THROWS_AS(contact_sheet(pictures, {.cell_width = 0}), value_error);
  CHECK_THROWS_AS(contact_sheet(pictures, {.cell_height = 2000000000}), value_error);
  CHECK_THROWS_AS(contact_sheet(pictures, {.margin = -1}), value_error);
  CHECK_THROWS_AS(contact_sheet(pictures, {.text_scale = -1}), value_error);
  pictures.push_back({byte_image(), "empty"});
  CHECK_THROWS_WITH(contact_sheet(pictures),
                    "contact_sheet: given an empty picture at position 1, wanted at least one pixel in each");
  pictures.assign(5, {byte_image(1, 1), ""});
  CHECK_THROWS_AS(contact_sheet(pictures, {.cell_width = 10000, .cell_height = 10000}), value_error);
}

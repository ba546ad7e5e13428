#include <set>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include <lookalike/image/text.hpp>

using namespace lookalike;

namespace {

/// The picture as text: '#' where there is ink.
std::vector<std::string> drawing(std::string_view text, int scale = 1) {
  byte_image page(text_line_height(scale), text_width(text, scale));
  draw_text(page, 0, 0, text, {255, 255, 255}, scale);
  std::vector<std::string> rows;
  for (int y = 0; y < page.height(); ++y) {
    rows.emplace_back();
    for (int x = 0; x < page.width(); ++x) rows.back() += page(y, x, 1) == 255 ? '#' : '.';
  }
  return rows;
}

}  // namespace

TEST_CASE("letters look as they should") {
  const auto rows = drawing("Fg");
  CHECK(rows[0] == "#####......");
  CHECK(rows[1] == "#..........");
  CHECK(rows[2] == "#......####");
  CHECK(rows[3] == "####..#...#");
  CHECK(rows[6] == "#......####");
  CHECK(rows[7] == "..........#");
  CHECK(rows[8] == ".......###.");
}

TEST_CASE("every printable character but space has ink, and no two look the same") {
  std::set<std::vector<std::string>> seen;
  for (char letter = ' '; letter <= '~'; ++letter) {
    const auto rows = drawing(std::string(1, letter));
    CHECK(seen.insert(rows).second);
    bool has_ink = false;
    for (const auto& row : rows) has_ink |= row.find('#') != std::string::npos;
    CHECK(has_ink == (letter != ' '));
  }
}

TEST_CASE("a scale draws every dot as a square") {
  const auto small = drawing("Ay~");
  const auto large = drawing("Ay~", 3);
  REQUIRE(large.size() == 3 * small.size());
  for (std::size_t y = 0; y < large.size(); ++y) {
    for (std::size_t x = 0; x < large[y].size(); ++x) REQUIRE(large[y][x] == small[y / 3][x / 3]);
  }
}

TEST_CASE("what the typeface lacks is one question mark a character") {
  CHECK(drawing("caf\xc3\xa9 \xe2\x82\xac\n") == drawing("caf? ??"));
  CHECK(text_width("\xe2\x82\xac") == text_width("x"));
}

TEST_CASE("long texts are shortened to the width, short ones are left alone") {
  CHECK(shortened("abcdefghij", text_width("abcdefghij")) == "abcdefghij");
  for (int scale = 1; scale <= 3; ++scale) {
    for (int width = 0; width <= 70 * scale; ++width) {
      const std::string text = shortened("some long caption", width, scale);
      REQUIRE(text_width(text, scale) <= width);
      if (!text.empty()) REQUIRE(text.substr(text.size() - 3) == "...");
    }
  }
  CHECK(shortened("some long caption", text_width("some long"), 1) == "some l...");
  CHECK(shortened("some long caption", text_width("some...."), 1) == "some...");  // no space before the dots
}

TEST_CASE("text beyond the picture is cut off") {
  byte_image page(10, 10);
  draw_text(page, -4, -7, "MMMM", {9, 9, 9});
  draw_text(page, 7, 6, "MMMM", {9, 9, 9});
  draw_text(page, 1000, -1000, "MMMM", {9, 9, 9});
  CHECK(page(9, 6, 0) == 9);
  CHECK_THROWS_AS(draw_text(page, 0, 0, "M", {0, 0, 0}, 0), value_error);
}

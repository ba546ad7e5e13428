// Draws a hole for a photograph: the mask that `complete` takes.
//
//     draw_hole PHOTO MASK.png [--ellipse X Y RADIUS_X RADIUS_Y]... [--rectangle LEFT TOP RIGHT BOTTOM]...
//
// All numbers are fractions of the photograph's width and height. Shapes add up; without any, the hole is an
// ellipse in the middle. White pixels of the mask are missing. With --show FILE, the photograph with its hole
// in magenta is written too.
//
// Exit status: 0 done, 1 bad input or a failure (one line on standard error), 2 wrong usage.

#include <array>
#include <cstddef>
#include <exception>
#include <iostream>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include <lookalike/image/read.hpp>
#include <lookalike/image/write.hpp>

#include "program.hpp"

namespace {

namespace la = lookalike;

/// Four fractions, as they were given.
using shape = std::array<double, 4>;

struct arguments {
  std::string photo;
  std::string mask;
  std::string show;
  std::vector<shape> ellipses;
  std::vector<shape> rectangles;
};

bool in_ellipse(const shape& s, double x, double y) {
  const double across = (x - s[0]) / s[2];
  const double down = (y - s[1]) / s[3];
  return across * across + down * down <= 1;
}

bool in_rectangle(const shape& s, double x, double y) {
  return x >= s[0] && y >= s[1] && x <= s[2] && y <= s[3];
}

la::mask draw(la::image_size size, const arguments& given) {
  la::mask hole(size.height, size.width);
  for (int row = 0; row < size.height; ++row) {
    for (int column = 0; column < size.width; ++column) {
      const double y = (row + 0.5) / size.height;
      const double x = (column + 0.5) / size.width;
      for (const shape& ellipse : given.ellipses) {
        if (in_ellipse(ellipse, x, y)) hole(row, column) = 255;
      }
      for (const shape& rectangle : given.rectangles) {
        if (in_rectangle(rectangle, x, y)) hole(row, column) = 255;
      }
    }
  }
  return hole;
}

void show_hole(const arguments& given, const la::mask& hole) {
  la::byte_image picture = la::read_image_bytes(given.photo);
  for (int row = 0; row < picture.height(); ++row) {
    for (int column = 0; column < picture.width(); ++column) {
      if (hole(row, column) == 0) continue;
      picture(row, column, 0) = picture(row, column, 2) = 255;
      picture(row, column, 1) = 0;
    }
  }
  la::write_image(given.show, picture);
}

void run(arguments given) {
  if (given.ellipses.empty() && given.rectangles.empty()) given.ellipses.push_back({0.5, 0.5, 0.22, 0.22});
  for (const shape& ellipse : given.ellipses) {
    la::require(ellipse[2] > 0 && ellipse[3] > 0, "--ellipse: given radii of ", ellipse[2], " and ",
                ellipse[3], ", wanted positive ones");
  }
  const la::image_size size = la::read_image_size(given.photo);
  const la::mask hole = draw(size, given);
  const std::ptrdiff_t missing = la::hole_area(hole);
  la::require(missing > 0 && missing < hole.area(), "given shapes that cover ", missing, " of ", hole.area(),
              " pixels, wanted at least one and not all");
  la::write_mask(given.mask, hole);
  if (!given.show.empty()) show_hole(given, hole);
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Draws a hole for a photograph.", "draw_hole");
  arguments given;
  app.add_option("PHOTO", given.photo, "the photograph, JPEG or PNG")->required();
  app.add_option("MASK", given.mask, "where the mask goes; a PNG")->required();
  app.add_option("--ellipse", given.ellipses,
                 "center and radii, as fractions of width and height; may be repeated");
  app.add_option("--rectangle", given.rectangles,
                 "left, top, right, bottom, as fractions of width and height; may be repeated");
  app.add_option("--show", given.show, "where the photograph with its hole in magenta goes");
  return program::run_program(app, argc, argv, [&] { run(given); });
}

// Cuts photographs into many overlapping crops, at several scales: a collection from a few large photographs.
//
//     crops PHOTO... --out FOLDER [--longest-side 1024] [--least-side 640] [--quality 90]
//
// Level 0 of a photograph is all of it; level n is a grid of (n + 1) x (n + 1) windows that overlap by about
// a third. Levels stop where a window would have fewer than `least-side` pixels along its longer side. Crops
// are named PHOTO_LEVEL_ROW_COLUMN.jpg, so that the name of a photograph stands for all crops of it.
//
// Exit status: 0 done, 1 bad input or a failure (one line on standard error), 2 wrong usage.

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdint>
#include <exception>
#include <filesystem>
#include <iostream>
#include <string>
#include <system_error>
#include <vector>

#include <CLI/CLI.hpp>

#include <lookalike/core/parallel.hpp>
#include <lookalike/image/read.hpp>
#include <lookalike/image/resample.hpp>
#include <lookalike/image/write.hpp>

#include "program.hpp"

namespace {

namespace la = lookalike;
namespace fs = std::filesystem;

struct arguments {
  std::vector<std::string> photos;
  std::string out;
  int longest_side = 1024;
  int least_side = 640;
  int levels = 4;
  int quality = 90;
  int threads = 0;
};

/// What part of the photograph a window of each level takes, along both sides: 1, 3/5, 3/7, 3/9, ... so that
/// the n + 1 windows of a row overlap by a third.
double part_of(int level) {
  return 3.0 / (2 * level + 3);
}

/// The crops of one photograph; returns how many.
int cut(const fs::path& photo, const arguments& given) {
  const la::image_size full = la::read_image_size(photo);
  const int smallest_part = std::max(full.height, full.width);
  // No window needs more pixels than this; a JPEG is decoded at the smallest scale that has them.
  int last = 0;
  while (last + 1 < given.levels && smallest_part * part_of(last + 1) >= given.least_side) ++last;
  const double needed =
      given.longest_side / part_of(last) * std::min(full.height, full.width) / smallest_part;
  const la::byte_image picture =
      la::read_image_bytes(photo, {.at_least = static_cast<int>(std::ceil(needed))});

  int written = 0;
  for (int level = 0; level <= last; ++level) {
    const int height = static_cast<int>(std::lround(picture.height() * part_of(level)));
    const int width = static_cast<int>(std::lround(picture.width() * part_of(level)));
    for (int row = 0; row <= level; ++row) {
      for (int column = 0; column <= level; ++column) {
        const int y = level == 0 ? 0 : (picture.height() - height) * row / level;
        const int x = level == 0 ? 0 : (picture.width() - width) * column / level;
        la::byte_image window = la::crop(picture, y, x, height, width);
        if (std::max(height, width) > given.longest_side) {
          window = la::resize_longest_side(window, given.longest_side, la::resampling::area);
        }
        const std::string name = photo.stem().string() + "_" + std::to_string(level) + "_" +
                                 std::to_string(row) + "_" + std::to_string(column) + ".jpg";
        la::write_image(fs::path(given.out) / name, window, {.quality = given.quality});
        ++written;
      }
    }
  }
  return written;
}

void run(const arguments& given) {
  la::require(given.longest_side >= 16 && given.least_side >= 16 && given.levels >= 1, "given sides of ",
              given.longest_side, " and ", given.least_side, " pixels on ", given.levels,
              " levels, wanted sides of at least 16 and a level");
  la::set_threads(given.threads);
  program::make_output_folder(given.out);
  std::atomic<int> written{0};
  la::parallel_for(static_cast<std::int64_t>(given.photos.size()),
                   [&](std::int64_t i) { written += cut(given.photos[static_cast<std::size_t>(i)], given); });
  std::cout << written << " crops of " << given.photos.size() << " photographs in " << given.out << '\n';
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Cuts photographs into many overlapping crops, at several scales.", "crops");
  arguments given;
  app.add_option("PHOTO", given.photos, "photographs, JPEG or PNG")->required();
  app.add_option("--out", given.out, "folder for the crops; made if need be")->required();
  app.add_option("--longest-side", given.longest_side, "of a crop, in pixels; larger windows are reduced")
      ->capture_default_str();
  app.add_option("--least-side", given.least_side,
                 "windows whose longer side is shorter are not cut, in pixels")
      ->capture_default_str();
  app.add_option("--levels", given.levels, "at most")->capture_default_str();
  app.add_option("--quality", given.quality, "of the JPEGs, 1 to 100")->capture_default_str();
  app.add_option("--threads", given.threads, "threads; 0 = as many as there are cores")
      ->capture_default_str();
  return program::run_program(app, argc, argv, [&] { run(given); });
}

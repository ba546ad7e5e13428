#include <cmath>
#include <filesystem>
#include <limits>
#include <string>
#include <string_view>

#include <catch2/catch.hpp>
#include <sys/stat.h>
#include <unistd.h>

#include <lookalike/core/files.hpp>
#include <lookalike/image/read.hpp>
#include <lookalike/image/write.hpp>

#include "scratch.hpp"

using namespace lookalike;
namespace fs = std::filesystem;

TEST_CASE("PNG gives back every byte, color and gray") {
  const scratch::folder folder;
  const byte_image color = to_bytes(scratch::random_picture(13, 17, 1));
  write_image(folder.path / "color.png", color);
  CHECK(read_image_bytes(folder.path / "color.png") == color);
  const auto gray = to_bytes(scratch::random_picture<1>(5, 3, 2));
  write_image(folder.path / "gray.PNG", gray);
  const byte_image back = read_image_bytes(folder.path / "gray.PNG");
  for (int y = 0; y < 5; ++y) {
    for (int x = 0; x < 3; ++x) {
      for (int c = 0; c < 3; ++c) CHECK(back(y, x, c) == gray(y, x));
    }
  }
}

TEST_CASE("floats are rounded to 8 bits, or to 16 if asked, and clamped") {
  image<3> picture = scratch::random_picture(9, 7, 3);
  picture(0, 0, 0) = -0.25f;
  picture(0, 0, 1) = 1.5f;
  picture(0, 0, 2) = std::numeric_limits<float>::infinity();
  image<3> wanted = picture;
  wanted(0, 0, 0) = 0;
  wanted(0, 0, 1) = 1;
  wanted(0, 0, 2) = 1;
  const image<3> coarse = decode_image(encode_image(picture, picture_format::png));
  CHECK(scratch::largest_difference(coarse.values(), wanted.values()) <= 0.5 / 255 + 1e-6);
  const image<3> fine = decode_image(encode_image(picture, picture_format::png, {.bits = 16}));
  CHECK(scratch::largest_difference(fine.values(), wanted.values()) <= 0.5 / 65535 + 1e-6);
  const auto gray = scratch::random_picture<1>(4, 4, 4);
  const image<3> gray_back = decode_image(encode_image(gray, picture_format::png, {.bits = 16}));
  CHECK(std::abs(gray_back(2, 1, 2) - gray(2, 1)) <= 0.5 / 65535 + 1e-6);
}

TEST_CASE("JPEG keeps sharp color edges above quality 90, and is smaller below") {
  image<3> stripes(32, 32);  // red and blue columns: lost when color is halved
  for (int y = 0; y < 32; ++y) {
    for (int x = 0; x < 32; ++x) stripes(y, x, x % 2 == 0 ? 0 : 2) = 1.0f;
  }
  const auto fine = encode_image(stripes, picture_format::jpeg, {.quality = 91});
  const auto coarse = encode_image(stripes, picture_format::jpeg, {.quality = 90});
  CHECK(scratch::largest_difference(decode_image(fine).values(), stripes.values()) < 0.25);
  CHECK(scratch::largest_difference(decode_image(coarse).values(), stripes.values()) > 0.4);
  CHECK(coarse.size() < fine.size());
  CHECK(encode_image(stripes, picture_format::jpeg, {.quality = 20}).size() < coarse.size());
}

TEST_CASE("masks are written black and white, whatever their non-zero values") {
  const scratch::folder folder;
  mask hole(6, 4);
  hole(2, 1) = 1;
  hole(3, 3) = 200;
  write_mask(folder.path / "mask.png", hole);
  const mask back = read_mask(folder.path / "mask.png");
  for (int y = 0; y < 6; ++y) {
    for (int x = 0; x < 4; ++x) CHECK(back(y, x) == (hole(y, x) != 0 ? 255 : 0));
  }
}

TEST_CASE("an extension that names no format we write is refused before anything happens") {
  const scratch::folder folder;
  const byte_image picture(2, 2);
  for (const char* name : {"a.gif", "a", "a.jpg.txt", ".png.", "a.tiff"}) {
    CHECK_THROWS_AS(write_image(folder.path / name, picture), file_error);
  }
  CHECK(fs::is_empty(folder.path));
  CHECK_THROWS_WITH(write_image("a.gif", picture),
                    "cannot write 'a.gif': given the extension '.gif', wanted .jpg, .jpeg or .png");
  for (const char* name : {"a.jpg", "a.JPEG", "a.Png"})
    CHECK_NOTHROW(write_image(folder.path / name, picture));
}

TEST_CASE("a picture that cannot be written leaves the old file and no other behind") {
  const scratch::folder folder;
  const byte_image picture(2, 2);
  CHECK_THROWS_AS(write_image(folder.path / "missing" / "a.png", picture), file_error);
  write_image(folder.path / "a.jpg", picture);
  const auto before = read_file(folder.path / "a.jpg");
  const byte_image too_wide(1, 65501);  // libjpeg's limit is 65,500
  CHECK_THROWS_AS(write_image(folder.path / "a.jpg", too_wide), file_error);
  CHECK(read_file(folder.path / "a.jpg") == before);
  CHECK(std::distance(fs::directory_iterator(folder.path), fs::directory_iterator()) == 1);
  // A full disk, as the system offers it for tests.
  fs::create_symlink("/dev/full", folder.path / "full.png");
  CHECK_THROWS_WITH(write_image(folder.path / "full.png", picture),
                    "cannot write '" + (folder.path / "full.png").string() + "': No space left on device");
  fs::create_directory(folder.path / "folder.png");
  CHECK_THROWS_AS(write_image(folder.path / "folder.png", picture), file_error);
}

TEST_CASE("a folder without permission is a file_error") {
  if (::geteuid() == 0) {
    WARN("skipped: the superuser may write everywhere");
    return;
  }
  const scratch::folder folder;
  fs::permissions(folder.path, fs::perms::owner_read | fs::perms::owner_exec);
  CHECK_THROWS_AS(write_image(folder.path / "a.png", byte_image(2, 2)), file_error);
  fs::permissions(folder.path, fs::perms::owner_all);
}

TEST_CASE("empty pictures, NaN and options out of range are value errors") {
  image<3> picture(2, 2);
  CHECK_THROWS_AS(encode_image(image<3>(0, 5), picture_format::png), value_error);
  CHECK_THROWS_AS(encode_image(picture, picture_format::jpeg, {.quality = 0}), value_error);
  CHECK_THROWS_AS(encode_image(picture, picture_format::jpeg, {.quality = 101}), value_error);
  CHECK_THROWS_AS(encode_image(picture, picture_format::jpeg, {.bits = 16}), value_error);
  CHECK_THROWS_AS(encode_image(to_bytes(picture), picture_format::png, {.bits = 16}), value_error);
  CHECK_THROWS_AS(encode_image(picture, picture_format::png, {.compression = 10}), value_error);
  picture(1, 1, 1) = std::numeric_limits<float>::quiet_NaN();
  CHECK_THROWS_AS(encode_image(picture, picture_format::png), value_error);
}

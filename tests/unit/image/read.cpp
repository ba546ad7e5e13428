#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include <catch2/catch.hpp>
//
#include <jpeglib.h>

#include <lookalike/core/files.hpp>
#include <lookalike/image/read.hpp>
#include <lookalike/image/write.hpp>

#include "reference.hpp"
#include "scratch.hpp"

using namespace lookalike;
using test::message_of;
using bytes = std::vector<std::byte>;

namespace {

int largest_difference(const byte_image& picture, std::span<const std::byte> expected) {
  REQUIRE(picture.values().size() == expected.size());
  int largest = 0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    largest = std::max(largest, std::abs(picture.values()[i] - std::to_integer<int>(expected[i])));
  }
  return largest;
}

bytes stored(std::string_view name) {
  for (const auto& file : reference::picture_files) {
    if (file.name == name) return scratch::bytes_of(file.bytes);
  }
  FAIL("no stored file " << name);
  return {};
}

/// A JPEG of one color, four inks, written by libjpeg itself with the given color transform.
bytes four_inks(J_COLOR_SPACE inside, std::array<JSAMPLE, 4> inks) {
  jpeg_compress_struct state{};
  jpeg_error_mgr errors{};
  state.err = jpeg_std_error(&errors);
  jpeg_create_compress(&state);
  unsigned char* buffer = nullptr;
  unsigned long size = 0;
  jpeg_mem_dest(&state, &buffer, &size);
  state.image_width = 16;
  state.image_height = 16;
  state.input_components = 4;
  state.in_color_space = JCS_CMYK;
  jpeg_set_defaults(&state);
  jpeg_set_colorspace(&state, inside);
  jpeg_set_quality(&state, 100, TRUE);
  jpeg_start_compress(&state, TRUE);
  std::vector<JSAMPLE> row;
  for (int x = 0; x < 16; ++x) row.insert(row.end(), inks.begin(), inks.end());
  for (int y = 0; y < 16; ++y) {
    JSAMPROW first = row.data();
    jpeg_write_scanlines(&state, &first, 1);
  }
  jpeg_finish_compress(&state);
  jpeg_destroy_compress(&state);
  const auto* begin = reinterpret_cast<const std::byte*>(buffer);
  bytes result(begin, begin + size);
  std::free(buffer);
  return result;
}

void put_big_endian_32(bytes& file, std::size_t at, std::uint32_t value) {
  for (std::size_t i = 0; i < 4; ++i) file[at + i] = static_cast<std::byte>(value >> (24 - 8 * i));
}

/// The checksum of a PNG chunk (PNG specification, annex D), for files made wrong on purpose.
std::uint32_t checksum(std::span<const std::byte> data) {
  std::uint32_t sum = 0xFFFFFFFF;
  for (const std::byte byte : data) {
    sum ^= std::to_integer<std::uint32_t>(byte);
    for (int i = 0; i < 8; ++i) sum = (sum & 1) != 0 ? 0xEDB88320 ^ (sum >> 1) : sum >> 1;
  }
  return ~sum;
}

bytes png_with_extent(std::uint32_t height, std::uint32_t width) {
  bytes file = stored("png color");
  put_big_endian_32(file, 16, width);
  put_big_endian_32(file, 20, height);
  put_big_endian_32(file, 29, checksum(std::span(file).subspan(12, 17)));
  return file;
}

bytes jpeg_with_extent(unsigned height, unsigned width) {
  bytes file = stored("jpeg 4:4:4");
  for (std::size_t i = 0; i + 8 < file.size(); ++i) {
    if (file[i] == std::byte{0xFF} && file[i + 1] == std::byte{0xC0}) {
      file[i + 5] = static_cast<std::byte>(height >> 8);
      file[i + 6] = static_cast<std::byte>(height & 255);
      file[i + 7] = static_cast<std::byte>(width >> 8);
      file[i + 8] = static_cast<std::byte>(width & 255);
      return file;
    }
  }
  FAIL("no frame header");
  return file;
}

}  // namespace

TEST_CASE("every kind of JPEG and PNG decodes to the pixels that Pillow, or the specification, gives") {
  const scratch::folder folder;
  for (const auto& file : reference::picture_files) {
    INFO(file.name);
    const bytes data = scratch::bytes_of(file.bytes);
    const bytes expected = scratch::bytes_of(file.pixels);
    const auto path = folder.path / "picture";
    write_atomically(path, data);
    const byte_image picture = read_image_bytes(path);
    REQUIRE(size_of(picture) == image_size{file.height, file.width});
    CHECK(read_image_size(path) == image_size{file.height, file.width});
    CHECK(largest_difference(picture, expected) <= file.tolerance);
    const image<3> floats = read_image(path);
    // Floats are the bytes, but for 16-bit files and mixed alpha, which are finer.
    CHECK(scratch::largest_difference(floats.values(), to_float(picture).values()) <= 0.5 / 255 + 1e-6);
    CHECK(decode_image_bytes(data) == picture);
    CHECK(decode_image(data) == floats);
  }
}

TEST_CASE("16-bit PNGs keep their precision as floats") {
  const image<3> picture = decode_image(stored("png color 16 bits"));
  CHECK(scratch::largest_difference(picture.values(), reference::fine_color) < 1e-6);
}

TEST_CASE("without apply_orientation pixels and extent are as stored") {
  const scratch::folder folder;
  const bytes upright = stored("jpeg orientation 1");
  const bytes turned = stored("jpeg orientation 6");
  write_atomically(folder.path / "turned.jpg", turned);
  CHECK(decode_image_bytes(turned, {.apply_orientation = false}) == decode_image_bytes(upright));
  CHECK(read_image_size(folder.path / "turned.jpg") == image_size{10, 7});
  CHECK(read_image_size(folder.path / "turned.jpg", false) == image_size{7, 10});
}

TEST_CASE("CMYK and YCCK JPEGs mix inks as Adobe stores them, 255 for none") {
  struct sample {
    std::array<JSAMPLE, 4> inks;
    std::array<int, 3> rgb;  // ink * black / 255, rounded
  };
  const sample samples[] = {{{255, 255, 255, 255}, {255, 255, 255}},
                            {{0, 255, 255, 255}, {0, 255, 255}},
                            {{255, 255, 255, 0}, {0, 0, 0}},
                            {{200, 100, 50, 128}, {100, 50, 25}}};
  for (const J_COLOR_SPACE inside : {JCS_CMYK, JCS_YCCK}) {
    for (const sample& given : samples) {
      const byte_image picture = decode_image_bytes(four_inks(inside, given.inks));
      for (int c = 0; c < 3; ++c) {
        CHECK(std::abs(picture(7, 9, c) - given.rgb[static_cast<std::size_t>(c)]) <= 2);
      }
    }
  }
}

TEST_CASE("transparent pixels show the chosen background") {
  const bytes file = stored("png color and alpha");
  const byte_image opaque = decode_image_bytes(stored("png color"));
  const byte_image over_blue = decode_image_bytes(file, {.background = {0, 0, 1}});
  for (int x = 0; x < 10; ++x) {
    const int alpha = 28 * x;  // as make_reference.py has it
    for (int c = 0; c < 3; ++c) {
      const double expected = (opaque(3, x, c) * alpha + (c == 2 ? 255.0 : 0.0) * (255 - alpha)) / 255;
      CHECK(std::abs(over_blue(3, x, c) - expected) <= 0.5 + 1e-4);
    }
  }
}

TEST_CASE("scaled decoding takes the smallest eighth that is large enough, and resembles the full picture") {
  image<3> smooth(160, 240);
  for (int y = 0; y < 160; ++y) {
    for (int x = 0; x < 240; ++x) {
      for (int c = 0; c < 3; ++c) {
        const double wave = 0.25 * std::sin(0.03 * x * (c + 1)) + 0.2 * std::cos(0.04 * y);
        smooth(y, x, c) = static_cast<float>(0.5 + wave);
      }
    }
  }
  const bytes file = encode_image(smooth, picture_format::jpeg, {.quality = 95});
  CHECK(size_of(decode_image(file)) == image_size{160, 240});
  for (int at_least = 1; at_least <= 170; ++at_least) {
    const image<3> picture = decode_image(file, {.at_least = at_least});
    int eighths = 8;  // by the definition
    for (int n = 8; n >= 1; --n) {
      if ((160 * n + 7) / 8 >= at_least) eighths = n;
    }
    REQUIRE(picture.height() == 20 * eighths);
    REQUIRE(picture.width() == 30 * eighths);
    if (at_least % 20 != 0) continue;
    for (int y = 1; y + 1 < picture.height(); ++y) {
      for (int x = 1; x + 1 < picture.width(); ++x) {
        const int there_y = (2 * y + 1) * 4 / eighths;
        const int there_x = (2 * x + 1) * 4 / eighths;
        REQUIRE(std::abs(picture(y, x, 1) - smooth(there_y, there_x, 1)) < 0.06f);
      }
    }
  }
}

TEST_CASE("a file cut short anywhere is an error that names it, or with accept_damaged a picture") {
  for (const auto& file : reference::picture_files) {
    INFO(file.name);
    const bytes whole = scratch::bytes_of(file.bytes);
    for (std::size_t size = 0; size < whole.size(); ++size) {
      const std::span<const std::byte> part(whole.data(), size);
      CHECK_THROWS_AS(decode_image_bytes(part), file_error);
      try {
        const byte_image picture = decode_image_bytes(part, {.accept_damaged = true});
        CHECK(size_of(picture) == image_size{file.height, file.width});
      } catch (const file_error&) {  // cut before the first pixel
      }
    }
  }
  const bytes whole = stored("jpeg 4:4:4");
  const std::span<const std::byte> part(whole.data(), whole.size() - 40);
  CHECK(message_of<file_error>([&] { decode_image(part, {}, "holiday.jpg"); }) ==
        "cannot read 'holiday.jpg': found a truncated or damaged JPEG (Premature end of JPEG file), wanted a "
        "complete one");
  CHECK_NOTHROW(decode_image(part, {.accept_damaged = true}));
}

TEST_CASE("files with random bytes changed either decode or are a file_error") {
  std::mt19937 random(7);
  int decoded = 0;
  int refused = 0;
  for (const auto& file : reference::picture_files) {
    const bytes whole = scratch::bytes_of(file.bytes);
    for (int round = 0; round < 150; ++round) {
      bytes changed = whole;
      for (unsigned i = 0; i <= random() % 4; ++i)
        changed[random() % changed.size()] = static_cast<std::byte>(random());
      try {
        decode_image(changed, {.accept_damaged = round % 2 == 0, .max_pixels = 1 << 20});
        ++decoded;
      } catch (const file_error&) {
        ++refused;
      }
    }
  }
  CHECK(decoded > 100);
  CHECK(refused > 100);
}

TEST_CASE("what is no picture is named in the message") {
  const scratch::folder folder;
  const auto reason = [&](std::string_view content) {
    write_atomically(folder.path / "a.jpg", content);
    std::string size_message = message_of<file_error>([&] { read_image_size(folder.path / "a.jpg"); });
    std::string message = message_of<file_error>([&] { read_image(folder.path / "a.jpg"); });
    CHECK(message == size_message);
    return message;
  };
  const std::string start = "cannot read '" + (folder.path / "a.jpg").string() + "': found ";
  CHECK(reason("") == start + "an empty file, wanted JPEG or PNG");
  CHECK(reason("GIF89a...") == start + "a GIF, wanted JPEG or PNG");
  CHECK(reason("hello") == start + "a file that starts with the bytes 68 65 6c 6c, wanted JPEG or PNG");
  CHECK(reason("R") == start + "a file that starts with the bytes 52, wanted JPEG or PNG");
  const std::string missing = (folder.path / "missing.png").string();
  CHECK(message_of<file_error>([&] { read_image(missing); }) ==
        "cannot open '" + missing + "': No such file or directory");
  CHECK(message_of<file_error>([&] { read_image_size(missing); }) ==
        "cannot open '" + missing + "': No such file or directory");
  CHECK(message_of<file_error>([&] { read_image(folder.path); }) ==
        "cannot read '" + folder.path.string() + "': Is a directory");
  CHECK(message_of<file_error>([&] { read_image_size(folder.path); }) ==
        "cannot read '" + folder.path.string() + "': Is a directory");
}

TEST_CASE("a header that claims an absurd extent is refused before memory is taken") {
  // 65,500 x 65,500 pixels would take 13 GB; a PNG may claim 2^31 - 1 each way.
  CHECK(
      message_of<file_error>([] { decode_image(jpeg_with_extent(65500, 65500), {}, "a.jpg"); }) ==
      "cannot read 'a.jpg': found a header of 65500x65500 (height x width), wanted at most 268435456 pixels");
  CHECK(message_of<file_error>([] { decode_image(png_with_extent(2147483647, 2147483647), {}, "a.png"); }) ==
        "cannot read 'a.png': found a header of 2147483647x2147483647 (height x width), wanted at most "
        "268435456 "
        "pixels");
  CHECK_THROWS_AS(decode_image(png_with_extent(0, 10)), file_error);
  CHECK_THROWS_AS(decode_image(jpeg_with_extent(0, 10)), file_error);
  CHECK_THROWS_AS(decode_image(png_with_extent(0xFFFFFFFF, 10)), file_error);
  const bytes honest = stored("png color");
  CHECK_NOTHROW(decode_image(honest, {.max_pixels = 70}));
  CHECK_THROWS_AS(decode_image(honest, {.max_pixels = 69}), file_error);
}

TEST_CASE("the size is found behind large headers too") {
  const scratch::folder folder;
  const bytes file = stored("jpeg orientation 6");
  bytes long_header(file.begin(), file.begin() + 2);
  for (int i = 0; i < 5; ++i) {  // five comments of 64 KB
    const bytes comment(65535, std::byte{'x'});
    long_header.insert(long_header.end(),
                       {std::byte{0xFF}, std::byte{0xFE}, std::byte{0xFF}, std::byte{0xFF}});
    long_header.insert(long_header.end(), comment.begin(), comment.begin() + 65533);
  }
  long_header.insert(long_header.end(), file.begin() + 2, file.end());
  write_atomically(folder.path / "a.jpg", long_header);
  CHECK(read_image_size(folder.path / "a.jpg") == image_size{10, 7});
  CHECK(read_image_bytes(folder.path / "a.jpg") == decode_image_bytes(file));
  write_atomically(folder.path / "b.jpg", std::span(long_header).first(100000));
  CHECK_THROWS_AS(read_image_size(folder.path / "b.jpg"), file_error);
}

TEST_CASE("options out of range are value errors") {
  const bytes file = stored("png color");
  CHECK_THROWS_AS(decode_image(file, {.at_least = -1}), value_error);
  CHECK_THROWS_AS(decode_image(file, {.background = {0, 0, 2}}), value_error);
  CHECK_THROWS_AS(decode_image(file, {.max_pixels = 0}), value_error);
}

TEST_CASE("masks: light pixels are missing, or transparent ones where there are any") {
  image<1, std::uint8_t> gray(1, 4);
  for (int x = 0; x < 4; ++x)
    gray(0, x) = static_cast<std::uint8_t>(std::array{0, 127, 128, 255}[static_cast<std::size_t>(x)]);
  const mask light = decode_mask(encode_image(gray, picture_format::png));
  CHECK(light(0, 0) == 0);
  CHECK(light(0, 1) == 0);
  CHECK(light(0, 2) == 255);
  CHECK(light(0, 3) == 255);

  image<1, std::uint8_t> label_map(2, 2);
  label_map(1, 0) = 1;
  const mask labels = decode_mask(encode_image(label_map, picture_format::png));
  CHECK(hole_area(labels) == 1);
  CHECK(labels(1, 0) == 255);

  const bytes with_alpha = stored("png color and alpha");  // alpha is 28 x
  const mask erased = decode_mask(with_alpha);
  for (int x = 0; x < 10; ++x) CHECK(erased(2, x) == (28 * x <= 127 ? 255 : 0));
  const mask by_color = decode_mask(with_alpha, mask_rule::light);
  CHECK(by_color == decode_mask(stored("png color")));
  CHECK(hole_area(decode_mask(stored("png color"), mask_rule::transparent)) == 0);
}

TEST_CASE("masks survive a JPEG of high quality") {
  mask hole(64, 48);
  for (int y = 10; y < 40; ++y) {
    for (int x = 5; x < 30; ++x) hole(y, x) = 255;
  }
  CHECK(decode_mask(encode_image(hole, picture_format::jpeg)) == hole);
}

TEST_CASE("many threads decode at once") {
  std::vector<byte_image> expected;
  for (const auto& file : reference::picture_files)
    expected.push_back(decode_image_bytes(scratch::bytes_of(file.bytes)));
  std::atomic<int> wrong{0};
  std::vector<std::thread> readers;
  for (int i = 0; i < 4; ++i) {
    readers.emplace_back([&] {
      for (int round = 0; round < 10; ++round) {
        std::size_t next = 0;
        for (const auto& file : reference::picture_files) {
          const bytes data = scratch::bytes_of(file.bytes);
          if (!(decode_image_bytes(data) == expected[next++])) ++wrong;
          try {
            decode_image_bytes(std::span(data).first(data.size() / 2));
            ++wrong;
          } catch (const file_error&) {
          }
        }
      }
    });
  }
  for (auto& reader : readers) reader.join();
  CHECK(wrong == 0);
}

TEST_CASE("a collection of real photographs decodes without exception") {
  const char* data = std::getenv("LOOKALIKE_DATA");
  if (data == nullptr) {
    WARN("skipped: LOOKALIKE_DATA names no folder with photographs");
    return;
  }
  int pictures = 0, uncommon = 0;
  for (const auto& entry :
       std::filesystem::recursive_directory_iterator(std::filesystem::path(data) / "photos")) {
    if (!entry.is_regular_file() || pictures >= 200) continue;
    INFO(entry.path());
    const byte_image picture = read_image_bytes(entry.path());
    REQUIRE(size_of(picture) == read_image_size(entry.path()));
    // Eighths hold the same picture: their means agree, but for partial blocks at the border and values that
    // full decoding clamps. Pillow's draft mode is off by as much (n04532106_vestment.JPEG at 1/8: 3.8).
    const byte_image small = read_image_bytes(entry.path(), {.at_least = 32});
    const auto mean = [](const byte_image& of) {
      double sum = 0;
      for (const std::uint8_t value : of.values()) sum += value;
      return sum / static_cast<double>(of.values().size());
    };
    REQUIRE(std::min(small.height(), small.width()) >= 32);
    const double difference = std::abs(mean(picture) - mean(small));
    REQUIRE(difference < 6.0);
    if (difference >= 2.0) ++uncommon;
    ++pictures;
  }
  CHECK(pictures > 0);
  CHECK(10 * uncommon <= pictures);
}

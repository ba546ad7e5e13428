#include <cstdint>
#include <filesystem>
#include <fstream>
#include <functional>
#include <numeric>
#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include <lookalike/retrieve/tiny_image_files.hpp>

#include "scratch.hpp"

namespace {

using namespace lookalike;
using test::message_of;
using test::scratch_folder;
using test::write;
namespace fs = std::filesystem;

/// The value of picture i at row y, column x.
std::uint8_t value(std::int64_t i, int y, int x, int channel) {
  return static_cast<std::uint8_t>(31 * i + 7 * y + 3 * x + 64 * channel);
}

/// A file as the data set's authors lay it out, byte by byte.
std::string hand_made(std::int64_t count) {
  std::string bytes;
  for (std::int64_t i = 0; i < count; ++i) {
    for (int channel = 0; channel < 3; ++channel) {
      for (int x = 0; x < 32; ++x) {
        for (int y = 0; y < 32; ++y) bytes += static_cast<char>(value(i, y, x, channel));
      }
    }
  }
  return bytes;
}

}  // namespace

TEST_CASE("pictures of Tiny Images come back from planes that are laid out column by column") {
  const scratch_folder scratch;
  const std::string bytes = hand_made(3);
  write(scratch.path / "tiny.bin", bytes);
  const tiny_images_file file(scratch.path / "tiny.bin");
  REQUIRE(file.count() == 3);
  std::vector<std::uint8_t> all;
  for (std::int64_t i = 0; i < 3; ++i) {
    const byte_image picture = file.picture(i);
    all.insert(all.end(), picture.values().begin(), picture.values().end());
    for (int y = 0; y < 32; ++y) {
      for (int x = 0; x < 32; ++x) {
        for (int c = 0; c < 3; ++c) REQUIRE(picture(y, x, c) == value(i, y, x, c));
      }
    }
  }
  write_tiny_images(scratch.path / "again.bin", all);
  std::ifstream again(scratch.path / "again.bin", std::ios::binary);
  CHECK(std::string(std::istreambuf_iterator<char>(again), {}) == bytes);
  CHECK_THROWS_AS(file.picture(3), value_error);
  CHECK_THROWS_AS(file.picture(-1), value_error);
  all.pop_back();
  CHECK_THROWS_AS(write_tiny_images(scratch.path / "no.bin", all), value_error);
  CHECK_THROWS_AS(write_tiny_images(scratch.path / "no.bin", {}), value_error);
  CHECK_FALSE(fs::exists(scratch.path / "no.bin"));
}

TEST_CASE("records of metadata are fields of fixed width") {
  const scratch_folder scratch;
  std::size_t width = 0;
  for (const auto& field : tiny_image_fields) width += field.width;
  CHECK(width == 768);
  const std::vector<std::string> records{tiny_image_record(std::vector<std::string>{
                                             "abbey", "abbey_1.jpg", "32", "24", "3", "2006", "altavista"}),
                                         tiny_image_record(std::vector<std::string>{"zebra finch"}),
                                         std::string(768, '\0')};
  write_tiny_metadata(scratch.path / "meta.bin", records);
  const tiny_metadata_file file(scratch.path / "meta.bin");
  REQUIRE(file.count() == 3);
  CHECK(file.keyword(0) == "abbey");
  CHECK(file.field(0, "filename") == "abbey_1.jpg");
  CHECK(file.field(0, "height") == "24");
  CHECK(file.field(0, "engine") == "altavista");
  CHECK(file.record(0).substr(80, 11) == "abbey_1.jpg");
  CHECK(file.record(0).substr(212, 9) == "altavista");
  CHECK(file.keyword(1) == "zebra finch");
  CHECK(file.field(1, "label").empty());
  CHECK(file.keyword(2).empty());
  CHECK_THROWS_AS(file.field(0, "size"), value_error);
  CHECK_THROWS_AS(file.record(3), value_error);
  CHECK_THROWS_AS(tiny_image_record(std::vector<std::string>{std::string(81, 'a')}), value_error);
  CHECK_THROWS_AS(write_tiny_metadata(scratch.path / "no.bin", std::vector<std::string>{"short"}),
                  value_error);
}

TEST_CASE("files that are no whole number of records are refused by name") {
  const scratch_folder scratch;
  const fs::path path = scratch.path / "odd.bin";
  const auto is_refused = [&](std::size_t size, const std::string& words) {
    write(path, std::string(size, 'x'));
    const std::string messages = message_of([&] { tiny_images_file{path}; }) + '\n' +
                                 message_of([&] { tiny_metadata_file{path}; }) + '\n' +
                                 message_of([&] { tiny_gist_file{path}; });
    INFO(messages);
    return messages.find(words) != std::string::npos && messages.find("odd.bin") != std::string::npos &&
           messages.find("(no error)") == std::string::npos;
  };
  CHECK(is_refused(0, "it has 0 bytes, wanted records of 3072"));
  CHECK(is_refused(3071, "it has 3071 bytes, wanted records of 3072"));
  CHECK(is_refused(769, "wanted records of 768"));
  CHECK(is_refused(1537, "wanted records of 1536"));
  fs::remove(path);
  CHECK(message_of([&] { tiny_images_file{path}; }).find("No such file") != std::string::npos);
}

TEST_CASE("Tiny Images become a collection, and an interrupted import goes on") {
  const scratch_folder scratch;
  write(scratch.path / "tiny.bin", hand_made(5));
  std::vector<float> gists(5 * 384);
  std::iota(gists.begin(), gists.end(), 0.0f);
  write_tiny_gist(scratch.path / "gist.bin", gists);
  CHECK(tiny_gist_file(scratch.path / "gist.bin")[4][383] == 5 * 384 - 1);
  const fs::path store = scratch.path / "store";
  const import_options options{.gist = scratch.path / "gist.bin", .at_most = 3};
  CHECK(import_tiny_images(scratch.path / "tiny.bin", store, options).size() == 3);
  const auto all = import_tiny_images(scratch.path / "tiny.bin", store, {.gist = scratch.path / "gist.bin"});
  REQUIRE(all.size() == 5);
  const tiny_images_file file(scratch.path / "tiny.bin");
  for (std::int64_t i = 0; i < 5; ++i) {
    CHECK(all.thumbnail(i) == file.picture(i));
    CHECK(all.column("gist").row<float>(i)[2] == static_cast<float>(384 * i + 2));
  }
  CHECK(all.verify().empty());
  write_tiny_gist(scratch.path / "four.bin", std::vector<float>(4 * 384));
  CHECK(message_of([&] {
          import_tiny_images(scratch.path / "tiny.bin", scratch.path / "n",
                             {.gist = scratch.path / "four.bin"});
        }).find("it has 4 descriptors, wanted 5") != std::string::npos);
  CHECK_THROWS_AS(write_tiny_gist(scratch.path / "no.bin", std::vector<float>(385)), value_error);
}

TEST_CASE("records of CIFAR-10 can be written, read again and made a collection") {
  const scratch_folder scratch;
  labeled_pictures given{tensor<std::uint8_t>(4, 3, 32, 32), {9, 0, 3, 3}};
  for (std::int64_t i = 0; i < given.pictures.size(); ++i) {
    given.pictures.data()[i] = static_cast<std::uint8_t>(i * 13 / 7);
  }
  const fs::path path = scratch.path / "batch.bin";
  write_cifar10_records(path, given);
  CHECK(fs::file_size(path) == 4 * 3073);
  const labeled_pictures again = read_cifar10_records(path);
  CHECK(again.labels == given.labels);
  CHECK(std::equal(again.pictures.data(), again.pictures.data() + again.pictures.size(),
                   given.pictures.data()));
  const collection store = import_pictures(again, scratch.path / "store");
  CHECK(store.size() == 4);
  CHECK(store.label(0) == 9);
  CHECK(store.thumbnail(2)(5, 7, 1) == given.pictures.data()[2 * 3072 + 1024 + 32 * 5 + 7]);
  given.labels[0] = 10;
  CHECK_THROWS_AS(write_cifar10_records(path, given), value_error);
  given.labels.pop_back();
  CHECK_THROWS_AS(write_cifar10_records(path, given), value_error);
  CHECK_THROWS_AS(write_cifar10_records(path, {tensor<std::uint8_t>(1, 1, 32, 32), {1}}), value_error);
  CHECK(read_cifar10_records(path).count() == 4);  // what was there still is
}

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <vector>

#include <catch2/catch.hpp>
#include <stdlib.h>
#include <zlib.h>

#include <lookalike/core/parallel.hpp>
#include <lookalike/image/image.hpp>
#include <lookalike/image/write.hpp>
#include <lookalike/nn/cifar_archive.hpp>

#include "../scratch_folder.hpp"

namespace cifar_archive_test {

using namespace lookalike;
using Catch::Matchers::Contains;
using test::scratch_folder;

namespace {

byte_image random_bytes(int height, int width, unsigned seed) {
  byte_image picture(height, width);
  std::mt19937 random(seed);
  for (std::uint8_t& value : picture.values()) value = static_cast<std::uint8_t>(random());
  return picture;
}

std::string png(const byte_image& picture) {
  const auto bytes = encode_image(picture, picture_format::png);
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// A header and the contents, filled up to whole blocks (POSIX ustar).
std::string archived(const std::string& name, const std::string& contents, char kind = '0') {
  std::string header(512, '\0');
  std::copy(name.begin(), name.end(), header.begin());
  const auto number = [&](std::size_t at, int digits, std::size_t value) {
    char text[16];
    std::snprintf(text, sizeof text, "%0*zo", digits, value);
    std::copy_n(text, digits, header.begin() + static_cast<std::ptrdiff_t>(at));
  };
  number(124, 11, contents.size());
  header[156] = kind;
  std::fill_n(header.begin() + 148, 8, ' ');
  std::size_t sum = 0;
  for (const char c : header) sum += static_cast<unsigned char>(c);
  number(148, 6, sum);
  return header + contents + std::string((512 - contents.size() % 512) % 512, '\0');
}

void pack(const std::filesystem::path& path, const std::string& bytes) {
  const ::gzFile file = ::gzopen(path.c_str(), "wb");
  REQUIRE(file != nullptr);
  REQUIRE(::gzwrite(file, bytes.data(), static_cast<unsigned>(bytes.size())) ==
          static_cast<int>(bytes.size()));
  REQUIRE(::gzclose(file) == Z_OK);
}

const std::string end_of_archive(1024, '\0');

/// Picture i, of class i % 10, as an archive has it.
std::string member(int i) {
  const auto name = std::string(cifar10_classes[static_cast<std::size_t>(i % 10)]);
  return archived("some/" + name + "/" + std::to_string(i) + ".png",
                  png(random_bytes(32, 32, static_cast<unsigned>(i))));
}

bool shows(const labeled_pictures& found, std::int64_t n, int picture) {
  const byte_image expected = random_bytes(32, 32, static_cast<unsigned>(picture));
  for (int c = 0; c < 3; ++c)
    for (int y = 0; y < 32; ++y)
      for (int x = 0; x < 32; ++x)
        if (found.pictures(n, c, y, x) != expected(y, x, c)) return false;
  return true;
}

std::string message_of(const std::filesystem::path& path) {
  try {
    read_cifar10_archive(path);
  } catch (const file_error& failure) {
    return failure.what();
  }
  return "nothing thrown";
}

}  // namespace

TEST_CASE("pictures come out of an archive with their classes, each once, always in the same order") {
  const scratch_folder folder;
  std::string bytes = archived("some/", "", '5') + archived("some/README", "text") +
                      archived("some/frog/README.txt", std::string(700, 'x'));
  for (int i = 0; i < 23; ++i) bytes += member(i);
  const auto path = folder.path / "cifar10-test.tar.gz";
  pack(path, bytes + end_of_archive);
  const labeled_pictures found = read_cifar10_archive(path);
  REQUIRE(found.count() == 23);
  std::vector<int> order;
  for (std::int64_t n = 0; n < 23; ++n) {
    for (int i = 0; i < 23; ++i)
      if (shows(found, n, i)) order.push_back(i);
    REQUIRE(std::ssize(order) == n + 1);
    CHECK(found.labels[static_cast<std::size_t>(n)] == order.back() % 10);
  }
  CHECK_FALSE(std::is_sorted(order.begin(), order.end()));
  std::sort(order.begin(), order.end());
  CHECK(std::unique(order.begin(), order.end()) == order.end());

  const labeled_pictures few = read_cifar10_archive(path, 7);
  REQUIRE(few.count() == 7);
  CHECK(std::equal(few.pictures.begin(), few.pictures.end(), found.pictures.begin()));
  const thread_scope one(1);
  CHECK(load_cifar10(folder.path, data_split::test).pictures == found.pictures);
  CHECK_THROWS_AS(load_cifar10(folder.path, data_split::train), file_error);

  // Archives need not be packed, nor have an end mark.
  std::ofstream(folder.path / "plain.tar", std::ios::binary) << bytes;
  CHECK(read_cifar10_archive(folder.path / "plain.tar").pictures == found.pictures);
}

TEST_CASE("records go before archives") {
  const scratch_folder folder;
  pack(folder.path / "cifar10-train.tar.gz", member(3) + end_of_archive);
  CHECK(load_cifar10(folder.path, data_split::train).labels == std::vector<int>{3});
  std::string record(3073, '\7');
  std::ofstream(folder.path / "train.bin", std::ios::binary) << record;
  CHECK(load_cifar10(folder.path, data_split::train).labels == std::vector<int>{7});
}

TEST_CASE("damaged archives and pictures are file errors that name them") {
  const scratch_folder folder;
  const auto path = folder.path / "some.tar.gz";
  const auto message = [&](const std::string& bytes) {
    pack(path, bytes);
    return message_of(path);
  };
  CHECK_THAT(message(member(1).substr(0, 300)), Contains("some.tar.gz") && Contains("within a header"));
  CHECK_THAT(message(member(1).substr(0, 512)), Contains("before a file"));
  CHECK_THAT(message(member(1).substr(0, 1500)), Contains("within a file"));
  std::string wrong = member(1);
  wrong[3] = 'X';
  CHECK_THAT(message(wrong), Contains("checksum"));
  CHECK_THAT(message(end_of_archive), Contains("no picture"));
  CHECK_THAT(message(""), Contains("no picture"));
  CHECK_THAT(message(archived("cow/1.png", png(random_bytes(32, 32, 1)))),
             Contains("cow/1.png") && Contains("no folder named after a class"));
  CHECK_THAT(message(archived("cat/1.png", png(random_bytes(32, 31, 1)))),
             Contains("cat/1.png") && Contains("32x31"));
  CHECK_THAT(message(archived("cat/1.png", "no picture")), Contains("cat/1.png"));
  CHECK_THROWS_AS(read_cifar10_archive(folder.path / "absent.tar.gz"), file_error);

  // A gzip stream that ends early, or has a bit wrong.
  std::string bytes;
  for (int i = 0; i < 5; ++i) bytes += member(i);
  pack(path, bytes + end_of_archive);
  std::ifstream file(path, std::ios::binary);
  std::string packed((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  std::ofstream(path, std::ios::binary | std::ios::trunc) << packed.substr(0, packed.size() / 2);
  CHECK_THAT(message_of(path), Contains("some.tar.gz"));
  packed[packed.size() / 2] = static_cast<char>(packed[packed.size() / 2] ^ 16);
  std::ofstream(path, std::ios::binary | std::ios::trunc) << packed;
  CHECK_THAT(message_of(path), Contains("some.tar.gz"));
  CHECK_THROWS_AS(read_cifar10_archive(path, -1), value_error);
}

TEST_CASE("a file that claims a large size is refused before memory is taken") {
  const scratch_folder folder;
  std::string lying = archived("cat/1.png", "x");
  const std::string size = "77777777777";  // 8 GiB
  std::size_t sum = 0;
  std::copy(size.begin(), size.end(), lying.begin() + 124);
  std::fill_n(lying.begin() + 148, 8, ' ');
  for (std::size_t i = 0; i < 512; ++i) sum += static_cast<unsigned char>(lying[i]);
  char text[16];
  std::snprintf(text, sizeof text, "%06zo", sum);
  std::copy_n(text, 6, lying.begin() + 148);
  pack(folder.path / "some.tar.gz", lying);
  CHECK_THAT(message_of(folder.path / "some.tar.gz"), Contains("8589934591 bytes"));
}

TEST_CASE("the real archive of test pictures has a thousand of each class") {
  const char* const data = std::getenv("LOOKALIKE_DATA");
  const auto folder = std::filesystem::path(data == nullptr ? "" : data) / "cifar10";
  if (data == nullptr || !std::filesystem::exists(folder / "cifar10-test.tar.gz")) {
    WARN("skipped: LOOKALIKE_DATA names no folder with cifar10/cifar10-test.tar.gz");
    return;
  }
  const labeled_pictures test = read_cifar10_archive(folder / "cifar10-test.tar.gz");
  CHECK(label_histogram(test.labels, 10) == std::vector<std::int64_t>(10, 1000));
  // Pictures of each class come everywhere, and the same picture never twice.
  const auto first = label_histogram(std::span(test.labels).first(1000), 10);
  CHECK(*std::min_element(first.begin(), first.end()) > 60);
  std::vector<std::string> contents;
  for (std::int64_t n = 0; n < test.count(); ++n) {
    const auto* begin = reinterpret_cast<const char*>(&test.pictures(n, 0));
    contents.emplace_back(begin, begin + 3072);
  }
  std::sort(contents.begin(), contents.end());
  CHECK(std::unique(contents.begin(), contents.end()) - contents.begin() > 9990);
}

}  // namespace cifar_archive_test

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <catch2/catch.hpp>
#include <stdlib.h>

#include <lookalike/nn/cifar.hpp>

#include "../scratch_folder.hpp"

namespace cifar_test {

using namespace lookalike;
using test::scratch_folder;

namespace {

/// The pixel that record `record` of the files below has at a place.
std::uint8_t pixel(int record, int channel, int y, int x) {
  return static_cast<std::uint8_t>(record * 101 + channel * 57 + y * 7 + x * 3);
}

/// Writes records first ... first + count - 1 to a file; record i has the label i % 10.
void write_records(const std::filesystem::path& path, int first, int count, int surplus_bytes = 0) {
  std::string bytes;
  for (int record = first; record < first + count; ++record) {
    bytes += static_cast<char>(record % 10);
    for (int c = 0; c < 3; ++c)
      for (int y = 0; y < 32; ++y)
        for (int x = 0; x < 32; ++x) bytes += static_cast<char>(pixel(record, c, y, x));
  }
  bytes.resize(static_cast<std::size_t>(static_cast<int>(bytes.size()) + surplus_bytes));
  std::filesystem::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary) << bytes;
}

void check_records(const labeled_pictures& found, int first, int count) {
  REQUIRE(found.count() == count);
  REQUIRE(found.pictures.extents() == std::array<std::int64_t, 4>{count, 3, 32, 32});
  REQUIRE(found.labels.size() == static_cast<std::size_t>(count));
  bool same = true;
  for (int i = 0; i < count; ++i) {
    CHECK(found.labels[static_cast<std::size_t>(i)] == (first + i) % 10);
    for (int c = 0; c < 3; ++c)
      for (int y = 0; y < 32; ++y)
        for (int x = 0; x < 32; ++x) same &= found.pictures(i, c, y, x) == pixel(first + i, c, y, x);
  }
  CHECK(same);
}

std::string message_of(const std::filesystem::path& folder, data_split split) {
  try {
    read_cifar10(folder, split);
  } catch (const file_error& failure) {
    return failure.what();
  }
  return "nothing thrown";
}

using Catch::Matchers::Contains;

}  // namespace

TEST_CASE("a record is a label and three planes") {
  const scratch_folder folder;
  write_records(folder.path / "some.bin", 3, 12);
  check_records(read_cifar10_records(folder.path / "some.bin"), 3, 12);
  check_records(read_cifar10_records(folder.path / "some.bin", 5), 3, 5);
  check_records(read_cifar10_records(folder.path / "some.bin", 0), 3, 0);
}

TEST_CASE("both layouts of the folder are read, files in order") {
  const scratch_folder folder;
  for (int i = 0; i < 5; ++i) {
    const std::string name = "data_batch_" + std::to_string(i + 1) + ".bin";
    write_records(folder.path / "cifar-10-batches-bin" / name, 4 * i, 4);
  }
  write_records(folder.path / "cifar-10-batches-bin" / "test_batch.bin", 50, 3);
  check_records(read_cifar10(folder.path, data_split::train), 0, 20);
  check_records(read_cifar10(folder.path, data_split::train, 9), 0, 9);
  check_records(read_cifar10(folder.path, data_split::test), 50, 3);
  check_records(read_cifar10(folder.path / "cifar-10-batches-bin", data_split::test), 50, 3);

  write_records(folder.path / "train.bin", 70, 6);
  write_records(folder.path / "test.bin", 80, 2);
  check_records(read_cifar10(folder.path, data_split::train), 70, 6);
  check_records(read_cifar10(folder.path, data_split::test), 80, 2);
}

TEST_CASE("truncated, odd-sized, empty and missing files are file errors that say what is wrong") {
  const scratch_folder folder;
  for (const int surplus : {-1, 1, -3072}) {
    write_records(folder.path / "train.bin", 0, 2, surplus);
    CHECK_THAT(message_of(folder.path, data_split::train),
               Contains("train.bin") && Contains("it has " + std::to_string(2 * 3073 + surplus) + " bytes") &&
                   Contains("3073"));
  }
  write_records(folder.path / "train.bin", 0, 0);
  CHECK_THAT(message_of(folder.path, data_split::train), Contains("it has 0 bytes"));
  CHECK_THAT(message_of(folder.path, data_split::test),
             Contains("no such files") && Contains("test.bin or test_batch.bin"));
  std::ofstream(folder.path / "cifar10-test.tar.gz") << "...";
  CHECK_THAT(message_of(folder.path, data_split::test), Contains("to_binary.py"));
  CHECK_THROWS_AS(read_cifar10_records(folder.path / "absent.bin"), file_error);
  CHECK_THROWS_AS(read_cifar10_records(folder.path), file_error);
  CHECK_THROWS_AS(read_cifar10_records(folder.path / "train.bin", -1), value_error);
}

TEST_CASE("a label above 9 is a file error that names the record") {
  const scratch_folder folder;
  write_records(folder.path / "test.bin", 0, 4);
  {
    std::fstream file(folder.path / "test.bin", std::ios::binary | std::ios::in | std::ios::out);
    file.seekp(2 * 3073);
    file.put(static_cast<char>(200));
  }
  CHECK_THAT(message_of(folder.path, data_split::test), Contains("record 2 has the label 200"));
  check_records(read_cifar10(folder.path, data_split::test, 2), 0, 2);
}

TEST_CASE("labels are counted") {
  const std::vector<int> labels{1, 3, 3, 0, 3};
  CHECK(label_histogram(labels, 5) == std::vector<std::int64_t>{1, 1, 0, 3, 0});
  CHECK_THROWS_AS(label_histogram(labels, 3), value_error);
  CHECK_THROWS_AS(label_histogram(std::vector<int>{-1}, 3), value_error);
}

TEST_CASE("the real data set has 50,000 and 10,000 pictures, as many of each class") {
  const char* const data = std::getenv("LOOKALIKE_DATA");
  const auto folder = std::filesystem::path(data == nullptr ? "" : data) / "cifar10";
  if (data == nullptr || detail::cifar_files(folder, data_split::train).empty() ||
      detail::cifar_files(folder, data_split::test).empty()) {
    WARN("skipped: LOOKALIKE_DATA names no folder with cifar10/train.bin and cifar10/test.bin");
    return;
  }
  const labeled_pictures train = read_cifar10(folder, data_split::train);
  CHECK(train.count() == 50000);
  CHECK(label_histogram(train.labels, 10) == std::vector<std::int64_t>(10, 5000));
  const labeled_pictures test = read_cifar10(folder, data_split::test);
  CHECK(test.count() == 10000);
  CHECK(label_histogram(test.labels, 10) == std::vector<std::int64_t>(10, 1000));
}

}  // namespace cifar_test

#pragma once

/// \file
/// CIFAR-10 (A. Krizhevsky: Learning Multiple Layers of Features from Tiny Images, 2009): 50,000 pictures to
/// train on and 10,000 to test on, 32x32 in color, of ten classes. Reads its binary version, where a record
/// is a label byte followed by 3072 bytes: the red, the green and the blue plane, each row by row.

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <span>
#include <string_view>
#include <system_error>
#include <vector>

#include <lookalike/core/error.hpp>
#include <lookalike/core/files.hpp>
#include <lookalike/core/memory_map.hpp>
#include <lookalike/core/tensor.hpp>

namespace lookalike {

/// Pictures and the class of each.
struct labeled_pictures {
  tensor<std::uint8_t> pictures;  ///< pictures x channels x height x width
  std::vector<int> labels;        ///< from 0 on

  std::int64_t count() const { return pictures.batch(); }
};

/// Which part of a data set: the one to learn from or the one to be judged by.
enum class data_split { train, test };

/// What the labels 0 ... 9 mean.
inline constexpr std::array<std::string_view, 10> cifar10_classes{
    "airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"};

namespace detail {

constexpr std::int64_t cifar_side = 32;
constexpr std::int64_t cifar_channels = 3;
constexpr std::int64_t cifar_pixels = cifar_channels * cifar_side * cifar_side;
constexpr std::int64_t cifar_record = 1 + cifar_pixels;

/// The number of records in a file, which has nothing but whole ones.
inline std::int64_t count_cifar_records(const std::filesystem::path& path) {
  std::error_code failure;
  const auto size = std::filesystem::file_size(path, failure);
  if (failure) throw_file_error("read", path, failure.value());
  require<file_error>(size > 0 && size % cifar_record == 0, "cannot read '", path.string(), "': it has ",
                      size, " bytes, wanted records of ", cifar_record,
                      " bytes each (a label and 3 x 32 x 32 pixels)");
  return static_cast<std::int64_t>(size) / cifar_record;
}

/// The files of a split below `folder`, none when they are not there.
inline std::vector<std::filesystem::path> cifar_files(const std::filesystem::path& folder, data_split split) {
  const auto all_there = [](const std::vector<std::filesystem::path>& paths) {
    return std::all_of(paths.begin(), paths.end(), [](const auto& path) {
      std::error_code ignored;
      return std::filesystem::is_regular_file(path, ignored);
    });
  };
  for (const auto& place : {folder, folder / "cifar-10-batches-bin"}) {
    const bool train = split == data_split::train;
    const std::vector<std::filesystem::path> one{place / (train ? "train.bin" : "test.bin")};
    if (all_there(one)) return one;
    std::vector<std::filesystem::path> published;
    for (int i = 1; train && i <= 5; ++i) published.push_back(place / sentence("data_batch_", i, ".bin"));
    if (!train) published.push_back(place / "test_batch.bin");
    if (all_there(published)) return published;
  }
  return {};
}

}  // namespace detail

/// The records of the given files, one file after another, at most the first `at_most` of them all. Throws
/// `file_error`, naming the file, when one cannot be read, does not consist of whole records, or has a label
/// above 9; no memory is taken for pictures before the sizes of all files have been checked.
inline labeled_pictures read_cifar10_records(
    std::span<const std::filesystem::path> paths,
    std::int64_t at_most = std::numeric_limits<std::int64_t>::max()) {
  require(at_most >= 0, "read_cifar10_records: given at most ", at_most, " records, wanted at least 0");
  std::vector<std::int64_t> wanted;
  std::int64_t total = 0;
  for (const auto& path : paths) {
    wanted.push_back(std::min(detail::count_cifar_records(path), at_most - total));
    total += wanted.back();
  }
  labeled_pictures result{
      tensor<std::uint8_t>(total, detail::cifar_channels, detail::cifar_side, detail::cifar_side), {}};
  result.labels.reserve(static_cast<std::size_t>(total));
  std::uint8_t* to = result.pictures.data();
  for (std::size_t file = 0; file < paths.size(); ++file) {
    const memory_map map(paths[file], static_cast<std::uint64_t>(wanted[file] * detail::cifar_record));
    const std::uint8_t* from = map.as<std::uint8_t>().data();
    for (std::int64_t record = 0; record < wanted[file]; ++record) {
      require<file_error>(*from < cifar10_classes.size(), "cannot read '", paths[file].string(), "': record ",
                          record, " has the label ", int{*from}, ", wanted 0 to ",
                          cifar10_classes.size() - 1);
      result.labels.push_back(*from);
      to = std::copy_n(from + 1, detail::cifar_pixels, to);
      from += detail::cifar_record;
    }
  }
  return result;
}

/// The same for one file.
inline labeled_pictures read_cifar10_records(
    const std::filesystem::path& path, std::int64_t at_most = std::numeric_limits<std::int64_t>::max()) {
  return read_cifar10_records(std::span(&path, 1), at_most);
}

/// Writes pictures as records of the binary version; the file appears complete or not at all. Throws
/// `value_error` unless there is a picture, all are of 3 x 32 x 32, and their labels 0 to 9, one for each;
/// `file_error` when the file cannot be written.
inline void write_cifar10_records(const std::filesystem::path& path, const labeled_pictures& given) {
  const tensor<std::uint8_t>& pictures = given.pictures;
  require(given.count() > 0 && pictures.channels() == detail::cifar_channels &&
              pictures.height() == detail::cifar_side && pictures.width() == detail::cifar_side,
          "write_cifar10_records: given pictures of ", given.count(), "x", pictures.channels(), "x",
          pictures.height(), "x", pictures.width(), ", wanted at least one of 3x32x32");
  require(std::ssize(given.labels) == given.count(), "write_cifar10_records: given ", given.labels.size(),
          " labels for ", given.count(), " pictures");
  for (const int label : given.labels) {
    require(label >= 0 && label < static_cast<int>(cifar10_classes.size()),
            "write_cifar10_records: given the label ", label, ", wanted 0 to ", cifar10_classes.size() - 1);
  }
  atomic_file file(path);
  std::vector<std::byte> record(static_cast<std::size_t>(detail::cifar_record));
  for (std::int64_t i = 0; i < given.count(); ++i) {
    record[0] = static_cast<std::byte>(given.labels[static_cast<std::size_t>(i)]);
    const auto from = std::as_bytes(std::span(pictures.data() + i * detail::cifar_pixels,
                                              static_cast<std::size_t>(detail::cifar_pixels)));
    std::copy(from.begin(), from.end(), record.begin() + 1);
    file.write(record);
  }
  file.commit();
}

/// One split of the data set in a folder: `train.bin` and `test.bin`, or the files as they are published
/// (`data_batch_1.bin` ... `data_batch_5.bin` and `test_batch.bin`), there or in its subfolder
/// `cifar-10-batches-bin`. At most the first `at_most` pictures. Throws `file_error`.
inline labeled_pictures read_cifar10(const std::filesystem::path& folder, data_split split,
                                     std::int64_t at_most = std::numeric_limits<std::int64_t>::max()) {
  const auto paths = detail::cifar_files(folder, split);
  if (paths.empty()) {
    const bool train = split == data_split::train;
    std::error_code ignored;
    const bool archives =
        std::filesystem::exists(folder / (train ? "cifar10-train.tar.gz" : "cifar10-test.tar.gz"), ignored);
    throw file_error(
        sentence("cannot read CIFAR-10 from '", folder.string(), "': found ",
                 archives ? "archives of JPEG pictures" : "no such files", ", wanted ",
                 train ? "train.bin, or data_batch_1.bin to data_batch_5.bin" : "test.bin or test_batch.bin",
                 archives ? " (the to_binary.py beside the archives writes them)" : ""));
  }
  return read_cifar10_records(paths, at_most);
}

/// How often each of the labels 0 ... classes - 1 occurs. Throws `value_error` for a label beyond.
inline std::vector<std::int64_t> label_histogram(std::span<const int> labels, int classes) {
  require(classes >= 0, "label_histogram: given ", classes, " classes, wanted at least 0");
  std::vector<std::int64_t> histogram(static_cast<std::size_t>(classes), 0);
  for (const int label : labels) {
    require(label >= 0 && label < classes, "label_histogram: given the label ", label, ", wanted 0 to ",
            classes - 1);
    ++histogram[static_cast<std::size_t>(label)];
  }
  return histogram;
}

}  // namespace lookalike

#pragma once

/// \file
/// The column files of a collection's store. Numbers are little-endian. Only what the manifest counts is part
/// of the collection; what lies beyond is left over from an interrupted writer and will be overwritten.
///
/// For each described photograph ("row"):
///
/// | file              | entry                                                                         |
/// |-------------------|-------------------------------------------------------------------------------|
/// | `ids.i64`         | its id; ids ascend                                                            |
/// | `hashes.u64`      | XXH64 of its file's bytes: its identity                                       |
/// | `thumbnails.u8`   | 32 x 32 x 3 bytes, sRGB                                                       |
/// | `descriptors.f32` | values of all blocks, squared norm of each cell, zeros to a multiple of 16    |
///
/// For each file ever seen, in the order in which they were:
///
/// | file              | entry                                                                         |
/// |-------------------|-------------------------------------------------------------------------------|
/// | `files.i64`       | `file_record`: which row it holds, and what tells whether it has changed      |
/// | `paths.bytes`     | its path below the photographs' folder, and a zero byte                       |
///
/// For each file that vanished or changed since: its number among the files, in `retired.i64`. A row is live
/// while a file that is not retired holds it. Two files of equal content share a row.

#include <array>
#include <bit>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string_view>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <lookalike/core/error.hpp>
#include <lookalike/core/files.hpp>
#include <lookalike/retrieve/detail/descriptor_rows.hpp>
#include <lookalike/retrieve/detail/manifest.hpp>
#include <lookalike/retrieve/thumbnail.hpp>

namespace lookalike::detail {

static_assert(std::endian::native == std::endian::little, "a collection's columns are little-endian");

struct file_record {
  std::int64_t row = 0;       ///< the described photograph that it holds
  std::int64_t size = 0;      ///< bytes
  std::int64_t modified = 0;  ///< nanoseconds, in the clock of the file system
  std::int64_t path_end = 0;  ///< end of its path in paths.bytes; it starts where the one before ends
};

enum class column { ids, hashes, thumbnails, descriptors, files, paths, retired };
inline constexpr std::array all_columns{column::ids,         column::hashes, column::thumbnails,
                                        column::descriptors, column::files,  column::paths,
                                        column::retired};

inline std::string_view file_name(column c) {
  switch (c) {
    case column::ids:
      return "ids.i64";
    case column::hashes:
      return "hashes.u64";
    case column::thumbnails:
      return "thumbnails.u8";
    case column::descriptors:
      return "descriptors.f32";
    case column::files:
      return "files.i64";
    case column::paths:
      return "paths.bytes";
    case column::retired:
      return "retired.i64";
  }
  return {};
}

/// Bytes of a column that the manifest counts.
inline std::uint64_t committed_bytes(column c, const manifest& m) {
  const auto bytes = [](std::int64_t count, std::size_t size) {
    return static_cast<std::uint64_t>(count) * size;
  };
  switch (c) {
    case column::ids:
    case column::hashes:
      return bytes(m.rows, sizeof(std::int64_t));
    case column::thumbnails:
      return bytes(m.rows, thumbnail_size);
    case column::descriptors:
      return bytes(m.rows, row_length(m.blocks) * sizeof(float));
    case column::files:
      return bytes(m.files, sizeof(file_record));
    case column::paths:
      return bytes(m.path_bytes, 1);
    case column::retired:
      return bytes(m.retired, sizeof(std::int64_t));
  }
  return 0;
}

/// A column that is being appended to.
class column_file {
 public:
  /// Opens or creates the file and cuts off what an interrupted writer left beyond `committed` bytes.
  column_file(const std::filesystem::path& path, std::uint64_t committed)
      : path_(path), file_(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666)), end_(committed) {
    if (!file_.is_open()) throw_file_error("open", path_, errno);
    struct stat status {};
    if (::fstat(file_.number(), &status) != 0) throw_file_error("examine", path_, errno);
    require<file_error>(static_cast<std::uint64_t>(status.st_size) >= committed, "cannot add to '",
                        path_.string(), "': it was cut short to ", status.st_size, " bytes, wanted at least ",
                        committed, ". Delete its folder and build the collection again");
    if (::ftruncate(file_.number(), static_cast<::off_t>(committed)) != 0) {
      throw_file_error("shorten", path_, errno);
    }
  }

  void append(std::span<const std::byte> bytes) {
    while (!bytes.empty()) {
      const ::ssize_t count =
          ::pwrite(file_.number(), bytes.data(), bytes.size(), static_cast<::off_t>(end_));
      if (count < 0) {
        if (errno == EINTR) continue;
        throw_file_error("write", path_, errno);
      }
      bytes = bytes.subspan(static_cast<std::size_t>(count));
      end_ += static_cast<std::uint64_t>(count);
    }
  }

  /// Returns when everything appended has reached the disk.
  void flush() {
    if (::fdatasync(file_.number()) != 0) throw_file_error("write", path_, errno);
  }

 private:
  std::filesystem::path path_;
  file_descriptor file_;
  std::uint64_t end_;
};

}  // namespace lookalike::detail

#pragma once

/// \file
/// The column files of a collection's store, and their check sums. Numbers are little-endian. Only what the
/// manifest counts is part of the collection; what lies beyond is left over from an interrupted writer and
/// will be overwritten.
///
/// A column's bytes are checked in blocks of 64 KB, so that appending never reads what was there before: the
/// XXH64 of each whole block goes to `<file>.sums`, and the manifest holds a chain over those and the XXH64
/// of the rest.

#include <bit>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <lookalike/core/error.hpp>
#include <lookalike/core/files.hpp>
#include <lookalike/core/hash.hpp>
#include <lookalike/retrieve/detail/manifest.hpp>

namespace lookalike::detail {

static_assert(std::endian::native == std::endian::little, "a collection's columns are little-endian");

/// A file that a collection of a folder has ever seen, in the column `files`.
struct file_record {
  static constexpr std::int64_t no_row = -1;

  std::int64_t row = 0;       ///< the described photograph that it holds, or `no_row`: it was removed
  std::int64_t size = 0;      ///< bytes
  std::int64_t modified = 0;  ///< nanoseconds, in the clock of the file system
  std::int64_t path_end = 0;  ///< end of its path in the column `paths`; it starts where the one before ends
};
static_assert(sizeof(file_record) == file_record_words * sizeof(std::int64_t));

inline constexpr std::uint64_t check_block = 64 * 1024;

inline std::string sums_file_name(const std::string& column_file) {
  return column_file + ".sums";
}

/// The check sum of a sequence of check sums, from that of all but the last.
inline std::uint64_t chained(std::uint64_t chain, std::uint64_t sum) {
  const std::uint64_t both[2] = {chain, sum};
  return hash64(std::as_bytes(std::span(both)));
}

/// Of no bytes it is 0.
inline std::uint64_t tail_sum(std::span<const std::byte> bytes) {
  return bytes.empty() ? 0 : hash64(bytes);
}

/// A file that grows at its end.
class growing_file {
 public:
  growing_file() = default;
  /// Opens the file and cuts off what an interrupted writer left beyond `committed` bytes. With nothing
  /// committed it may be missing.
  growing_file(std::filesystem::path path, std::uint64_t committed)
      : path_(std::move(path)),
        file_(::open(path_.c_str(), O_RDWR | O_CLOEXEC | (committed == 0 ? O_CREAT : 0), 0666)),
        end_(committed) {
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

  bool is_open() const { return file_.is_open(); }
  const std::filesystem::path& path() const { return path_; }

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

  void read(std::uint64_t from, std::span<std::byte> bytes) const {
    while (!bytes.empty()) {
      const ::ssize_t count = ::pread(file_.number(), bytes.data(), bytes.size(), static_cast<::off_t>(from));
      if (count < 0 && errno == EINTR) continue;
      if (count <= 0) throw_file_error("read", path_, count < 0 ? errno : EIO);
      bytes = bytes.subspan(static_cast<std::size_t>(count));
      from += static_cast<std::uint64_t>(count);
    }
  }

  /// Returns when everything appended has reached the disk.
  void flush() const {
    if (::fdatasync(file_.number()) != 0) throw_file_error("write", path_, errno);
  }

 private:
  std::filesystem::path path_;
  file_descriptor file_;
  std::uint64_t end_ = 0;
};

/// A column that is being appended to, with its check sums. Holds one block in memory, however long it is.
class column_file {
 public:
  /// Where the store has no check sums yet, they are made of what is there. Throws `file_error` when the file
  /// was cut short, or its end is damaged.
  column_file(const std::filesystem::path& store, const stored_column& column, bool has_checks)
      : sums_path_(store / sums_file_name(column.file)),
        file_(store / column.file, column.bytes()),
        bytes_(column.bytes()) {
    const std::uint64_t blocks = bytes_ / check_block;
    if (has_checks) {
      chain_ = column.chain;
      if (blocks > 0) sums_ = growing_file(sums_path_, blocks * sizeof(std::uint64_t));
    } else {
      std::vector<std::byte> block(check_block);
      for (std::uint64_t i = 0; i < blocks; ++i) {
        file_.read(i * check_block, block);
        count_block(hash64(block));
      }
    }
    rest_.resize(static_cast<std::size_t>(bytes_ % check_block));
    file_.read(blocks * check_block, rest_);
    require<file_error>(!has_checks || tail_sum(rest_) == column.tail, "cannot add to '",
                        file_.path().string(),
                        "': its end is damaged. Verify the collection, and build it again");
    written_of_rest_ = rest_.size();
  }

  /// Bytes, what is not committed included.
  std::uint64_t size() const { return bytes_; }

  void append(std::span<const std::byte> bytes) {
    has_news_ = has_news_ || !bytes.empty();
    bytes_ += bytes.size();
    while (!bytes.empty()) {
      const std::size_t count = std::min(static_cast<std::size_t>(check_block) - rest_.size(), bytes.size());
      rest_.insert(rest_.end(), bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(count));
      bytes = bytes.subspan(count);
      if (rest_.size() < check_block) continue;
      write_rest();
      count_block(hash64(rest_));
      rest_.clear();
      written_of_rest_ = 0;
    }
  }

  void append_zeros(std::uint64_t count) {
    const std::vector<std::byte> zeros(static_cast<std::size_t>(std::min(count, check_block)));
    while (count > 0) {
      const std::uint64_t now = std::min(count, check_block);
      append(std::span(zeros).first(static_cast<std::size_t>(now)));
      count -= now;
    }
  }

  /// Returns when everything appended has reached the disk, and notes it in `column`.
  void commit(stored_column& column) {
    write_rest();
    if (has_news_) file_.flush();
    if (!new_sums_.empty()) {
      if (!sums_.is_open()) sums_ = growing_file(sums_path_, 0);
      sums_.append(std::as_bytes(std::span(new_sums_)));
      sums_.flush();
      new_sums_.clear();
    }
    has_news_ = false;
    column.entries = static_cast<std::int64_t>(bytes_) / (column.width * size_of(column.type));
    column.chain = chain_;
    column.tail = tail_sum(rest_);
  }

 private:
  void write_rest() {
    file_.append(std::span(rest_).subspan(written_of_rest_));
    written_of_rest_ = rest_.size();
  }
  void count_block(std::uint64_t sum) {
    new_sums_.push_back(sum);
    chain_ = chained(chain_, sum);
  }

  std::filesystem::path sums_path_;
  growing_file file_, sums_;
  std::uint64_t bytes_;
  std::uint64_t chain_ = 0;
  std::vector<std::uint64_t> new_sums_;  // of whole blocks, not yet in their file
  std::vector<std::byte> rest_;          // the last block, as far as it goes
  std::size_t written_of_rest_ = 0;
  bool has_news_ = false;
};

}  // namespace lookalike::detail

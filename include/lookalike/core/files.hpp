#pragma once

/// \file
/// Whole files in and out. What is written appears under its name complete or not at all: bytes go to a
/// temporary file in the same folder, reach the disk, and are then renamed over the old file (POSIX promises
/// that `rename` is atomic). A crash or a full disk leaves the old file as it was.

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <lookalike/core/error.hpp>

namespace lookalike {

namespace detail {

/// "write: cannot open 'a/b.jpg': No such file or directory".
[[noreturn]] inline void throw_file_error(std::string_view action, const std::filesystem::path& path,
                                          int error_number) {
  throw file_error(
      sentence("cannot ", action, " '", path.string(), "': ", std::generic_category().message(error_number)));
}

/// An open file; closes itself.
class file_descriptor {
 public:
  file_descriptor() = default;
  explicit file_descriptor(int number) : number_(number) {}
  file_descriptor(file_descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  file_descriptor& operator=(file_descriptor&& other) noexcept {
    std::swap(number_, other.number_);
    return *this;
  }
  ~file_descriptor() {
    if (number_ >= 0) ::close(number_);
  }

  int number() const { return number_; }
  bool is_open() const { return number_ >= 0; }
  /// The result of `close`, which is where some file systems first tell that the disk is full.
  int close() { return ::close(std::exchange(number_, -1)); }

 private:
  int number_ = -1;
};

}  // namespace detail

/// The bytes of a file. Throws `file_error`, naming the path and the system's reason, when it cannot be read,
/// is a folder, or holds more than `at_most` bytes. Reads pipes and devices too, up to `at_most` bytes.
inline std::vector<std::byte> read_file(const std::filesystem::path& path,
                                        std::uint64_t at_most = std::numeric_limits<std::int64_t>::max()) {
  const detail::file_descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.is_open()) detail::throw_file_error("open", path, errno);
  struct stat status {};
  if (::fstat(file.number(), &status) != 0) detail::throw_file_error("examine", path, errno);
  if (S_ISDIR(status.st_mode)) detail::throw_file_error("read", path, EISDIR);
  const auto require_allowed = [&](std::uint64_t size) {
    require<file_error>(size <= at_most, "cannot read '", path.string(), "': it holds ", size,
                        " bytes or more, wanted at most ", at_most);
  };

  // One byte more than the size says: reading into it, and failing to, is how the end is seen without
  // growing. Where the size is not known (pipes, /proc) it is 0 and the buffer doubles.
  constexpr std::size_t smallest_buffer = 4096;
  const auto expected = static_cast<std::uint64_t>(status.st_size > 0 ? status.st_size : 0);
  require_allowed(expected);
  std::vector<std::byte> bytes(expected > 0 ? static_cast<std::size_t>(expected) + 1 : smallest_buffer);
  std::size_t filled = 0;
  for (;;) {
    if (filled == bytes.size()) bytes.resize(2 * bytes.size());
    const ::ssize_t count = ::read(file.number(), bytes.data() + filled, bytes.size() - filled);
    if (count == 0) break;
    if (count < 0) {
      if (errno == EINTR) continue;
      detail::throw_file_error("read", path, errno);
    }
    filled += static_cast<std::size_t>(count);
    require_allowed(filled);
  }
  bytes.resize(filled);
  return bytes;
}

/// A file being written that takes its place only when it is complete. Without `commit` (an exception on the
/// way, say) the temporary is removed and whatever stood under the name stays. Links are followed. What
/// exists and is no regular file, such as /dev/stdout or a pipe, is written in place.
class atomic_file {
 public:
  /// Creates the temporary beside `path`. Throws `file_error` when `path` is a folder, or its folder is
  /// missing or may not be written.
  explicit atomic_file(const std::filesystem::path& path) : path_(path), target_(path) {
    std::error_code ignored;
    if (std::filesystem::is_symlink(path, ignored)) {
      const auto followed = std::filesystem::weakly_canonical(path, ignored);
      if (!ignored) target_ = followed;
    }
    struct stat status {};
    const bool exists = ::stat(target_.c_str(), &status) == 0;
    if (exists && S_ISDIR(status.st_mode)) detail::throw_file_error("write", path_, EISDIR);
    if (exists && !S_ISREG(status.st_mode)) {
      file_ = detail::file_descriptor(::open(target_.c_str(), O_WRONLY | O_CLOEXEC));
      if (!file_.is_open()) detail::throw_file_error("write", path_, errno);
      return;
    }
    create_temporary();
    if (exists)
      (void)::fchmod(file_.number(), status.st_mode & 07777);  // the new file keeps the old one's mode
  }
  atomic_file(const atomic_file&) = delete;
  atomic_file& operator=(const atomic_file&) = delete;
  ~atomic_file() {
    if (!temporary_.empty()) ::unlink(temporary_.c_str());
  }

  /// Appends `bytes`. Throws `file_error` (disk full, quota, I/O error).
  void write(std::span<const std::byte> bytes) {
    require<file_error>(file_.is_open(), "cannot write '", path_.string(), "': it is already complete");
    while (!bytes.empty()) {
      const ::ssize_t count = ::write(file_.number(), bytes.data(), bytes.size());
      if (count < 0) {
        if (errno == EINTR) continue;
        detail::throw_file_error("write", path_, errno);
      }
      bytes = bytes.subspan(static_cast<std::size_t>(count));
    }
  }

  /// Makes the bytes durable and gives the file its name. Throws `file_error`; the old file then stays.
  void commit() {
    require<file_error>(file_.is_open(), "cannot commit '", path_.string(), "': it is already complete");
    if (temporary_.empty()) {
      if (file_.close() != 0) detail::throw_file_error("write", path_, errno);
      return;
    }
    if (::fsync(file_.number()) != 0) detail::throw_file_error("write", path_, errno);
    if (file_.close() != 0) detail::throw_file_error("write", path_, errno);
    if (::rename(temporary_.c_str(), target_.c_str()) != 0) detail::throw_file_error("write", path_, errno);
    temporary_.clear();
    // The name itself is durable once the folder is. Some file systems cannot sync a folder: no harm done.
    const detail::file_descriptor folder(
        ::open(folder_of_target().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (folder.is_open()) (void)::fsync(folder.number());
  }

 private:
  std::filesystem::path folder_of_target() const {
    return target_.has_parent_path() ? target_.parent_path() : std::filesystem::path(".");
  }

  void create_temporary() {
    static std::atomic<unsigned> counter{0};
    constexpr int attempts = 1000;  // names taken by files that an earlier crash left behind
    for (int attempt = 0; attempt < attempts; ++attempt) {
      temporary_ = folder_of_target() / sentence(".lookalike-", ::getpid(), "-", counter++, ".tmp");
      file_ =
          detail::file_descriptor(::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666));
      if (file_.is_open()) return;
      const int reason = errno;
      temporary_.clear();
      if (reason != EEXIST) detail::throw_file_error("write", path_, reason);
    }
    detail::throw_file_error("write", path_, EEXIST);
  }

  std::filesystem::path path_;       // as the caller says it, for messages
  std::filesystem::path target_;     // with links followed
  std::filesystem::path temporary_;  // empty when written in place, and after the commit
  detail::file_descriptor file_;
};

/// Makes `bytes` the content of the file `path`, at once or not at all (see `atomic_file`).
/// Throws `file_error`; the old file then stays as it was.
inline void write_atomically(const std::filesystem::path& path, std::span<const std::byte> bytes) {
  atomic_file file(path);
  file.write(bytes);
  file.commit();
}

/// The same for text.
inline void write_atomically(const std::filesystem::path& path, std::string_view text) {
  write_atomically(path, std::as_bytes(std::span(text)));
}

}  // namespace lookalike

#pragma once

/// \file
/// The files in a tar archive (POSIX ustar), packed by gzip or not, one after another.

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <zlib.h>

#include <lookalike/core/error.hpp>
#include <lookalike/core/files.hpp>

namespace lookalike::detail {

/// A file in an archive.
struct archived_file {
  std::string name;  ///< with its folders
  std::vector<std::byte> bytes;
};

/// Reads an archive from its beginning to its end. Everything throws `file_error`, naming the archive, when
/// it is no archive, is damaged or ends early.
class tar_archive {
 public:
  /// Files above `largest_file` bytes are refused before memory for them is taken.
  explicit tar_archive(std::filesystem::path path, std::uint64_t largest_file = 1 << 24)
      : path_(std::move(path)), largest_file_(largest_file), stream_(::gzopen(path_.c_str(), "rb")) {
    if (stream_ == nullptr) throw_file_error("open", path_, errno);
  }
  ~tar_archive() { ::gzclose(stream_); }
  tar_archive(const tar_archive&) = delete;
  tar_archive& operator=(const tar_archive&) = delete;

  /// The next regular file; nothing at the end.
  std::optional<archived_file> next() {
    for (;;) {
      std::array<char, block> header;
      if (!read(header.data(), block, "a header")) return std::nullopt;
      if (std::all_of(header.begin(), header.end(), [](char c) { return c == 0; })) return std::nullopt;
      const std::uint64_t size = check(header);
      const char kind = header[156];
      require<file_error>(size <= largest_file_, "cannot read '", path_.string(), "': it has a file of ",
                          size, " bytes, wanted at most ", largest_file_);
      archived_file file;
      file.bytes.resize(static_cast<std::size_t>(size));
      require_read(file.bytes.data(), file.bytes.size());
      std::array<char, block> filling;
      require_read(filling.data(), (block - file.bytes.size() % block) % block);
      if (kind != '0' && kind != 0) continue;  // a folder, a link, a remark
      const std::string_view folder = text(header, 345, 155);
      file.name = folder.empty() ? "" : std::string(folder) + "/";
      file.name += text(header, 0, 100);
      return file;
    }
  }

 private:
  static constexpr std::size_t block = 512;

  static std::string_view text(const std::array<char, block>& header, std::size_t at, std::size_t size) {
    const std::string_view field(header.data() + at, size);
    return field.substr(0, field.find('\0'));
  }

  /// An octal number.
  std::uint64_t number(const std::array<char, block>& header, std::size_t at, std::size_t size) const {
    std::uint64_t value = 0;
    for (const char digit : text(header, at, size)) {
      if (digit == ' ') continue;
      require<file_error>(digit >= '0' && digit <= '7', "cannot read '", path_.string(),
                          "': found a header without a number, wanted a tar archive");
      value = 8 * value + static_cast<std::uint64_t>(digit - '0');
    }
    return value;
  }

  /// The size of the file that a header announces, after a look at its checksum.
  std::uint64_t check(const std::array<char, block>& header) const {
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < block; ++i)
      sum += i >= 148 && i < 156 ? ' ' : static_cast<unsigned char>(header[i]);
    require<file_error>(sum == number(header, 148, 8), "cannot read '", path_.string(),
                        "': found a header with a wrong checksum, wanted a tar archive");
    return number(header, 124, 12);
  }

  /// False at the very end.
  bool read(void* to, std::size_t size, const char* what) {
    std::size_t filled = 0;
    while (filled < size) {
      const int count =
          ::gzread(stream_, static_cast<char*>(to) + filled, static_cast<unsigned>(size - filled));
      int code = Z_OK;
      const char* const reason = ::gzerror(stream_, &code);
      require<file_error>(count >= 0 && (code == Z_OK || code == Z_STREAM_END), "cannot read '",
                          path_.string(), "': ", code == Z_ERRNO ? "the system refuses" : reason);
      if (count == 0) break;
      filled += static_cast<std::size_t>(count);
    }
    require<file_error>(filled == 0 || filled == size, "cannot read '", path_.string(), "': it ends within ",
                        what, ", wanted a complete archive");
    return filled == size;
  }
  void require_read(void* to, std::size_t size) {
    require<file_error>(size == 0 || read(to, size, "a file"), "cannot read '", path_.string(),
                        "': it ends before a file, wanted a complete archive");
  }

  std::filesystem::path path_;
  std::uint64_t largest_file_;
  ::gzFile stream_;
};

}  // namespace lookalike::detail

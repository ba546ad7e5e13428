#pragma once

/// \file
/// The one process that may add to a collection's store. What it adds is appended to the columns beyond what
/// the manifest counts, reaches the disk, and only then is counted by a new manifest that replaces the old
/// one. Whenever it dies, the store is as the last commit left it.

#include <cerrno>
#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sys/file.h>

#include <lookalike/core/files.hpp>
#include <lookalike/retrieve/detail/columns.hpp>
#include <lookalike/retrieve/detail/manifest.hpp>
#include <lookalike/retrieve/detail/snapshot.hpp>

namespace lookalike::detail {

/// An exclusive lock on a store, until it goes out of scope or the process ends.
class store_lock {
 public:
  static constexpr std::string_view file_name = "lock";

  /// Throws `file_error` at once when another holds it.
  explicit store_lock(const std::filesystem::path& store)
      : file_(::open((store / file_name).c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666)) {
    if (!file_.is_open()) throw_file_error("write", store / file_name, errno);
    if (::flock(file_.number(), LOCK_EX | LOCK_NB) == 0) return;
    require<file_error>(errno != EWOULDBLOCK, "cannot add to '", store.string(),
                        "': another process is adding to it. Try again when that one has finished");
    throw_file_error("lock", store / file_name, errno);
  }

 private:
  file_descriptor file_;
};

/// Makes the folder `store` if there is none. Throws `file_error` when that fails, or when it is a folder of
/// something else.
inline void prepare_store(const std::filesystem::path& store) {
  std::error_code failure;
  std::filesystem::create_directories(store, failure);
  if (failure) throw_file_error("create", store, failure.value());
  if (std::filesystem::exists(store / manifest::file_name)) return;
  for (const auto& entry : std::filesystem::directory_iterator(store)) {
    const std::string name = entry.path().filename().string();
    const bool ours = name == store_lock::file_name || name.rfind(".lookalike-", 0) == 0;
    require<file_error>(ours, "cannot build a collection in '", store.string(), "': it holds other things ('",
                        name, "'). Give an empty or a new folder");
  }
}

class collection_writer {
 public:
  /// `fresh` is the manifest that a new store starts with; one that exists keeps its own.
  collection_writer(const std::filesystem::path& store, const manifest& fresh)
      : store_(store), lock_(store), manifest_(open_manifest(fresh)) {
    for (const column c : all_columns) {
      columns_.emplace(c, column_file(store_ / file_name(c), committed_bytes(c, manifest_)));
    }
  }

  /// As of the last commit.
  const manifest& committed() const { return manifest_; }

  /// A photograph that no row holds yet. Returns its row.
  std::int64_t add_row(std::uint64_t hash, std::span<const std::uint8_t> thumbnail,
                       std::span<const float> descriptor) {
    const std::int64_t row = manifest_.rows + pending_.rows++;
    put(column::ids, row);
    put(column::hashes, hash);
    put_all(column::thumbnails, thumbnail);
    put_all(column::descriptors, descriptor);
    return row;
  }

  /// A file that holds a row, old or new.
  void add_file(std::string_view path, std::int64_t row, std::int64_t size, std::int64_t modified) {
    pending_.path_bytes += static_cast<std::int64_t>(path.size()) + 1;
    put_all(column::paths, std::span(path));
    put(column::paths, '\0');
    put(column::files, file_record{row, size, modified, manifest_.path_bytes + pending_.path_bytes});
    ++pending_.files;
  }

  /// A file that does not hold its row any more.
  void retire_file(std::int64_t file) {
    put(column::retired, file);
    ++pending_.retired;
  }

  /// Makes everything since the last commit part of the collection. Throws `file_error` (disk full, quota);
  /// the store then is as it was, and the writer of no more use.
  void commit() {
    if (pending_.files == 0 && pending_.retired == 0) return;
    for (const column c : all_columns) {
      std::vector<std::byte>& bytes = pending_.bytes[c];
      if (bytes.empty()) continue;
      columns_.at(c).append(bytes);
      columns_.at(c).flush();
    }
    manifest next = manifest_;
    next.rows += pending_.rows;
    next.files += pending_.files;
    next.path_bytes += pending_.path_bytes;
    next.retired += pending_.retired;
    write_atomically(store_ / manifest::file_name, to_text(next));
    manifest_ = std::move(next);
    pending_ = {};
  }

 private:
  /// What has been added since the last commit.
  struct additions {
    std::int64_t rows = 0, files = 0, path_bytes = 0, retired = 0;
    std::map<column, std::vector<std::byte>> bytes;
  };

  manifest open_manifest(const manifest& fresh) const {
    if (!std::filesystem::exists(store_ / manifest::file_name)) {
      write_atomically(store_ / manifest::file_name, to_text(fresh));
    }
    return read_manifest(store_);
  }

  template <class Range>
  void put_all(column c, const Range& values) {
    const auto bytes = std::as_bytes(std::span(values));
    pending_.bytes[c].insert(pending_.bytes[c].end(), bytes.begin(), bytes.end());
  }
  template <class Value>
  void put(column c, const Value& value) {
    put_all(c, std::span(&value, 1));
  }

  std::filesystem::path store_;
  store_lock lock_;
  manifest manifest_;
  std::map<column, column_file> columns_;
  additions pending_;
};

}  // namespace lookalike::detail

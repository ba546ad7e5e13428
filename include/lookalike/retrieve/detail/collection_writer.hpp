#pragma once

/// \file
/// The one process that may change a collection's store. What it adds is appended to the columns beyond what
/// the manifest counts, or goes to new files; it reaches the disk, and only then is counted by a new manifest
/// that replaces the old one. Whenever it dies, the store is as the last commit left it.

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <filesystem>
#include <map>
#include <set>
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
      : store_(store), lock_(store), manifest_(open_manifest(fresh)), next_(manifest_) {
    for (const stored_column& column : manifest_.columns) open(column);
    remove_what_nothing_names();
  }
  /// Of a store that exists.
  explicit collection_writer(const std::filesystem::path& store)
      : collection_writer(store, read_manifest(store)) {}

  /// As of the last commit.
  const manifest& committed() const { return manifest_; }
  /// As it will be after the next one; entries are counted then.
  const manifest& pending() const { return next_; }

  /// Rows to which every column of rows is then given its entries.
  void add_rows(std::int64_t count) { next_.rows += count; }
  /// Ids up to this one are taken.
  void take_id(std::int64_t id) { next_.next_id = std::max(next_.next_id, id + 1); }
  std::int64_t next_id() const { return next_.next_id; }

  template <class Range>
  void put_all(std::string_view column, const Range& values) {
    file_of(column).append(std::as_bytes(std::span(values)));
    is_changed_ = true;
  }
  template <class Value>
  void put(std::string_view column, const Value& value) {
    put_all(column, std::span(&value, 1));
  }
  void put_zeros(std::string_view column, std::int64_t entries) {
    file_of(column).append_zeros(static_cast<std::uint64_t>(entries) * entry_size(column));
    is_changed_ = true;
  }

  /// A photograph that no row holds yet. Returns its row; columns of descriptors are left to be filled.
  std::int64_t add_photograph(std::uint64_t hash, std::span<const std::uint8_t> thumbnail) {
    const std::int64_t row = next_.rows++;
    put(column_name::ids, next_.next_id++);
    put(column_name::hashes, hash);
    put_all(column_name::thumbnails, thumbnail);
    if (next_.find(column_name::labels) != nullptr) put(column_name::labels, std::int32_t{-1});
    return row;
  }

  /// A file that holds a row, old or new.
  void add_file(std::string_view path, std::int64_t row, std::int64_t size, std::int64_t modified) {
    put_all(column_name::paths, path);
    put(column_name::paths, '\0');
    const auto end = static_cast<std::int64_t>(file_of(column_name::paths).size());
    put(column_name::files, file_record{row, size, modified, end});
  }

  /// A file that does not hold its row any more.
  void retire_file(std::int64_t file) { put(column_name::retired, file); }
  /// A row that cannot be found any more.
  void bury_row(std::int64_t row) { put(column_name::deleted, row); }

  /// The number that files made from now on to the next commit carry.
  std::int64_t new_generation() {
    next_.generation = manifest_.generation + 1;
    return next_.generation;
  }
  /// A column that was not there, or takes the place of one of the same name. It starts empty.
  void add_column(stored_column column) {
    drop_column(column.name);
    open(column);
    next_.columns.push_back(std::move(column));
    is_changed_ = true;
    has_new_files_ = true;
  }
  void drop_column(std::string_view name) {
    std::erase_if(next_.columns, [&](const stored_column& column) { return column.name == name; });
    files_.erase(std::string(name));
    is_changed_ = true;
  }
  /// All rows and columns are about to be written anew.
  void start_over() {
    next_.columns.clear();
    files_.clear();
    next_.rows = 0;
    is_changed_ = true;
  }

  /// Makes everything since the last commit part of the collection. Throws `file_error` (disk full, quota);
  /// the store then is as it was, and the writer of no more use.
  void commit() {
    if (!is_changed_) return;
    for (stored_column& column : next_.columns) files_.at(column.name).commit(column);
    for (const stored_column& column : next_.columns) {
      require(!is_row_column(column.name) || column.entries == next_.rows, "collection_writer: given ",
              column.entries, " entries of column '", column.name, "' for ", next_.rows, " rows");
    }
    if (has_new_files_) {
      const file_descriptor folder(::open(store_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
      if (folder.is_open()) (void)::fsync(folder.number());
    }
    next_.version = manifest::latest_version;
    write_atomically(store_ / manifest::file_name, to_text(next_));
    const bool left_files = next_.generation != manifest_.generation;
    manifest_ = next_;
    is_changed_ = false;
    has_new_files_ = false;
    if (left_files) remove_what_nothing_names();
  }

 private:
  manifest open_manifest(const manifest& fresh) const {
    if (!std::filesystem::exists(store_ / manifest::file_name)) {
      write_atomically(store_ / manifest::file_name, to_text(fresh));
    }
    return read_manifest(store_);
  }

  void open(const stored_column& column) {
    files_.erase(column.name);
    files_.emplace(column.name, column_file(store_, column, manifest_.has_checks()));
  }

  column_file& file_of(std::string_view column) {
    const auto at = files_.find(column);
    require(at != files_.end(), "collection_writer: given the column '", column,
            "', wanted one that is there");
    return at->second;
  }
  std::uint64_t entry_size(std::string_view name) const {
    const stored_column* const column = next_.find(name);
    return column == nullptr ? 0 : static_cast<std::uint64_t>(column->width * size_of(column->type));
  }

  /// Deletes columns that no manifest counts any more, and what a writer left that died. Readers that map
  /// such files keep them until they are done.
  void remove_what_nothing_names() const {
    std::set<std::string, std::less<>> named;
    for (const stored_column& column : manifest_.columns) {
      named.insert(column.file);
      named.insert(sums_file_name(column.file));
    }
    std::error_code ignored;
    for (const auto& entry : std::filesystem::directory_iterator(store_, ignored)) {
      const std::string name = entry.path().filename().string();
      if (named.count(name) == 0 && is_leftover(name)) std::filesystem::remove(entry.path(), ignored);
    }
  }

  static bool is_leftover(std::string_view name) {
    constexpr std::string_view sums = ".sums", temporary = ".tmp", path_list = ".bytes";
    if (name.starts_with(".lookalike-") && name.ends_with(temporary)) return true;
    if (name.ends_with(sums)) name.remove_suffix(sums.size());
    return name.ends_with(path_list) || std::any_of(file_endings.begin(), file_endings.end(),
                                                    [&](const auto& e) { return name.ends_with(e.second); });
  }

  std::filesystem::path store_;
  store_lock lock_;
  manifest manifest_;
  manifest next_;
  std::map<std::string, column_file, std::less<>> files_;
  bool is_changed_ = false;
  bool has_new_files_ = false;
};

}  // namespace lookalike::detail

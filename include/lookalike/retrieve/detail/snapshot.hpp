#pragma once

/// \file
/// A collection's store as one commit left it, memory-mapped. It never changes; a later commit is seen by
/// opening another. What a compaction deletes stays readable for as long as a snapshot maps it.

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <map>
#include <mutex>
#include <numeric>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include <lookalike/core/memory_map.hpp>
#include <lookalike/image/photo_source.hpp>
#include <lookalike/image/read.hpp>
#include <lookalike/retrieve/column.hpp>
#include <lookalike/retrieve/detail/columns.hpp>
#include <lookalike/retrieve/detail/descriptor_rows.hpp>
#include <lookalike/retrieve/detail/manifest.hpp>
#include <lookalike/retrieve/thumbnail.hpp>

namespace lookalike::detail {

/// The manifest of the store `folder`. Throws `file_error` when there is none.
inline manifest read_manifest(const std::filesystem::path& folder) {
  const std::filesystem::path path = folder / manifest::file_name;
  std::error_code ignored;
  require<file_error>(std::filesystem::exists(path, ignored), "cannot open '", folder.string(),
                      "': it holds no collection (no file 'manifest'). Build one first");
  constexpr std::uint64_t most = 1 << 20;
  const std::vector<std::byte> bytes = read_file(path, most);
  return manifest_from_text({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, path);
}

class snapshot final : public photo_source {
 public:
  static constexpr std::int64_t no_file = -1;

  /// Throws `file_error` when the store is missing, of another version, cut short, or contradicts itself.
  explicit snapshot(const std::filesystem::path& store) : store_(std::filesystem::absolute(store)) {
    manifest_ = read_manifest(store_);
    for (;;) {
      try {
        map_columns();
        break;
      } catch (const file_error&) {
        // A compaction may have exchanged the files since the manifest was read.
        manifest latest = read_manifest(store_);
        if (latest.generation == manifest_.generation) throw;
        manifest_ = std::move(latest);
      }
    }
    if (!manifest_.photographs.empty()) {
      photographs_ = (store_ / manifest_.photographs).lexically_normal();
    }
    find_live_rows();
  }

  const std::filesystem::path& store() const { return store_; }
  /// The folder that the photographs' paths are relative to; empty where there is none.
  const std::filesystem::path& photographs() const { return photographs_; }
  const manifest& committed() const { return manifest_; }

  /// The bytes of a column; none where the store has no such column.
  std::span<const std::byte> bytes(std::string_view column) const {
    const auto at = maps_.find(column);
    return at == maps_.end() ? std::span<const std::byte>() : at->second.bytes();
  }
  template <class Value>
  std::span<const Value> values(std::string_view column) const {
    const auto at = maps_.find(column);
    return at == maps_.end() ? std::span<const Value>() : at->second.template as<Value>();
  }
  /// The check sums of a column's whole blocks.
  std::span<const std::uint64_t> sums(std::string_view column) const {
    const auto at = sums_.find(column);
    return at == sums_.end() ? std::span<const std::uint64_t>() : at->second.template as<std::uint64_t>();
  }

  std::span<const std::int64_t> ids() const { return values<std::int64_t>(column_name::ids); }
  std::span<const std::uint64_t> hashes() const { return values<std::uint64_t>(column_name::hashes); }
  std::span<const std::int32_t> labels() const { return values<std::int32_t>(column_name::labels); }
  std::span<const file_record> files() const { return values<file_record>(column_name::files); }
  std::span<const std::int64_t> retired() const { return values<std::int64_t>(column_name::retired); }
  std::span<const std::int64_t> deleted() const { return values<std::int64_t>(column_name::deleted); }

  bool has_thumbnails() const { return manifest_.find(column_name::thumbnails) != nullptr; }
  /// Throws `value_error` where the collection keeps none.
  std::span<const std::uint8_t> thumbnail(std::int64_t row) const {
    require(has_thumbnails(), "collection: given '", store_.string(),
            "', which keeps no thumbnails, wanted a collection of pictures");
    return thumbnails_.subspan(static_cast<std::size_t>(row) * thumbnail_size, thumbnail_size);
  }

  /// Throws `value_error` that lists the columns when there is none of this name by which one can look up.
  const stored_column& require_column(std::string_view name) const {
    const stored_column* const column = manifest_.find(name);
    if (column != nullptr && !is_reserved(name)) return *column;
    std::string known;
    for (const stored_column& other : manifest_.columns) {
      if (!is_reserved(other.name)) known += (known.empty() ? "'" : ", '") + other.name + "'";
    }
    throw value_error(sentence("collection: given the column '", name, "', wanted ",
                               known.empty() ? "none: it has no columns yet" : "one of " + known));
  }
  /// Rows made by a `picture_encoder`. Throws `value_error` for others.
  row_view descriptor_rows(std::string_view name) const {
    const stored_column& column = require_column(name);
    require(!column.blocks.empty(), "collection: given the column '", name, "' of ",
            describe_column(column.type, column.width, column.encoder),
            ", wanted one that an encoder of pictures made here");
    return {values<float>(name).data(), manifest_.rows, column.blocks};
  }

  std::int64_t live_count() const { return live_count_; }
  bool is_live(std::int64_t row) const {
    return (live_[static_cast<std::size_t>(row / 64)] >> (row % 64) & 1) != 0;
  }
  /// Bit row % 64 of word row / 64.
  std::span<const std::uint64_t> live_mask() const { return live_; }
  /// Rows that can be found, ascending. Listed when first asked for.
  const std::vector<std::int64_t>& live_rows() const {
    std::call_once(listed_, [&] {
      live_rows_.reserve(static_cast<std::size_t>(live_count_));
      for (std::int64_t row = 0; row < manifest_.rows; ++row) {
        if (is_live(row)) live_rows_.push_back(row);
      }
    });
    return live_rows_;
  }

  /// The path of a file below the photographs' folder.
  std::string_view path_of_file(std::int64_t file) const {
    const auto records = files();
    const auto at = static_cast<std::size_t>(file);
    const auto begin = at == 0 ? 0 : static_cast<std::size_t>(records[at - 1].path_end);
    const auto end = static_cast<std::size_t>(records[at].path_end) - 1;
    return {values<char>(column_name::paths).data() + begin, end - begin};
  }
  /// The first live file that holds a row, or `no_file`.
  std::int64_t file_of_row(std::int64_t row) const {
    return file_of_row_.empty() ? no_file : file_of_row_[static_cast<std::size_t>(row)];
  }

  /// The live row with this id, or -1. Throws `file_error` when ids are damaged.
  std::int64_t find_row(std::int64_t id) const {
    index_ids();
    const auto all = ids();
    if (by_id_.empty()) {
      const auto at = std::lower_bound(all.begin(), all.end(), id);
      return at != all.end() && *at == id && is_live(at - all.begin()) ? at - all.begin() : -1;
    }
    const auto at = std::lower_bound(
        by_id_.begin(), by_id_.end(), id,
        [&](std::int64_t row, std::int64_t of) { return all[static_cast<std::size_t>(row)] < of; });
    return at != by_id_.end() && all[static_cast<std::size_t>(*at)] == id ? *at : -1;
  }
  /// The same. Throws `value_error` when there is none.
  std::int64_t row_of(std::int64_t id) const {
    const std::int64_t row = find_row(id);
    require(row >= 0, "collection: given the id ", id, ", wanted that of one of its ", live_count_,
            is_of_folder() ? " photographs" : " items");
    return row;
  }

  bool is_of_folder() const { return !manifest_.photographs.empty(); }

  /// The file of a photograph. Throws `value_error` when the id is unknown or has no file.
  std::filesystem::path path(std::int64_t id) const {
    const std::int64_t file = file_of_row(row_of(id));
    require(file != no_file, "collection: given the id ", id,
            ", which has no file, wanted that of a photograph");
    return photographs_ / path_of_file(file);
  }
  /// From its file or, where there is none, what is kept of it: the thumbnail.
  byte_image read_photo(std::int64_t id) const override {
    const std::int64_t row = row_of(id);
    return file_of_row(row) == no_file ? copy_of_thumbnail(row) : read_image_bytes(path(id));
  }
  byte_image read_squashed(std::int64_t id, int height, int width) const override {
    if (!has_thumbnails() || height != thumbnail_side || width != thumbnail_side)
      return photo_source::read_squashed(id, height, width);
    return copy_of_thumbnail(row_of(id));
  }
  std::string photo_name(std::int64_t id) const override {
    if (file_of_row(row_of(id)) != no_file) return path(id).string();
    return sentence(store_.string(), ", item ", id);
  }

  /// For each block of a column the mean squared distance of two live rows; measured once.
  const std::vector<double>& block_distances(std::string_view column) const {
    const row_view rows = descriptor_rows(column);
    const std::lock_guard hold(measuring_);
    std::vector<double>& distances = block_distances_[std::string(column)];
    if (distances.empty()) {
      distances = mean_squared_distances(rows, [&](std::int64_t row) { return is_live(row); });
    }
    return distances;
  }

  /// Throws `file_error` in the words of `find_row` unless ids are at least 0 and those of live rows differ.
  void index_ids() const {
    std::call_once(indexed_, [&] {
      const auto all = ids();
      bool ascending = true;
      for (std::size_t row = 0; row < all.size(); ++row) {
        require_sound(all[row] >= 0, column_name::ids);
        ascending = ascending && (row == 0 || all[row] > all[row - 1]);
      }
      if (ascending) return;
      std::vector<std::int64_t> order = live_rows();
      std::sort(order.begin(), order.end(), [&](std::int64_t a, std::int64_t b) {
        return all[static_cast<std::size_t>(a)] < all[static_cast<std::size_t>(b)];
      });
      for (std::size_t i = 1; i < order.size(); ++i) {
        require_sound(all[static_cast<std::size_t>(order[i])] != all[static_cast<std::size_t>(order[i - 1])],
                      column_name::ids);
      }
      by_id_ = std::move(order);
    });
  }

 private:
  byte_image copy_of_thumbnail(std::int64_t row) const {
    const auto bytes = thumbnail(row);
    byte_image small(thumbnail_side, thumbnail_side);
    std::copy(bytes.begin(), bytes.end(), small.values().begin());
    return small;
  }

  void map_columns() {
    maps_.clear();
    sums_.clear();
    for (const stored_column& column : manifest_.columns) {
      // Nothing committed needs no file: a writer may have died between the first manifest and the columns.
      if (column.bytes() == 0) continue;
      maps_.emplace(column.name, memory_map(store_ / column.file, column.bytes()));
      const std::uint64_t blocks = column.bytes() / check_block;
      if (blocks == 0 || !manifest_.has_checks()) continue;
      sums_.emplace(column.name,
                    memory_map(store_ / sums_file_name(column.file), blocks * sizeof(std::uint64_t)));
    }
    thumbnails_ = values<std::uint8_t>(column_name::thumbnails);
  }

  void require_sound(bool condition, std::string_view column) const {
    if (condition) return;
    const stored_column* const known = manifest_.find(column);
    throw file_error(sentence("cannot read '",
                              (store_ / (known == nullptr ? std::string(column) : known->file)).string(),
                              "': its entries contradict the manifest. Delete its folder and build the "
                              "collection again"));
  }

  void find_live_rows() {
    const auto rows = static_cast<std::size_t>(manifest_.rows);
    live_.assign((rows + 63) / 64, ~std::uint64_t{0});
    if (rows % 64 != 0) live_.back() = (std::uint64_t{1} << (rows % 64)) - 1;
    const auto bury = [&](std::int64_t row) {
      live_[static_cast<std::size_t>(row / 64)] &= ~(std::uint64_t{1} << (row % 64));
    };
    if (is_of_folder()) {
      find_files_of_rows();
      for (std::int64_t row = 0; row < manifest_.rows; ++row) {
        if (file_of_row(row) == no_file) bury(row);
      }
    }
    for (const std::int64_t row : deleted()) {
      require_sound(row >= 0 && row < manifest_.rows, column_name::deleted);
      bury(row);
    }
    live_count_ =
        std::accumulate(live_.begin(), live_.end(), std::int64_t{0},
                        [](std::int64_t sum, std::uint64_t word) { return sum + std::popcount(word); });
  }

  void find_files_of_rows() {
    const std::int64_t count = manifest_.entries(column_name::files);
    std::vector<bool> is_retired(static_cast<std::size_t>(count));
    for (const std::int64_t file : retired()) {
      require_sound(file >= 0 && file < count, column_name::retired);
      is_retired[static_cast<std::size_t>(file)] = true;
    }
    file_of_row_.assign(static_cast<std::size_t>(manifest_.rows), no_file);
    const auto characters = values<char>(column_name::paths);
    std::int64_t path_begin = 0;
    for (std::int64_t file = 0; file < count; ++file) {
      const file_record& record = files()[static_cast<std::size_t>(file)];
      require_sound(record.row >= file_record::no_row && record.row < manifest_.rows, column_name::files);
      require_sound(record.path_end > path_begin && record.path_end <= std::ssize(characters) &&
                        characters[static_cast<std::size_t>(record.path_end) - 1] == '\0',
                    column_name::paths);
      path_begin = record.path_end;
      if (record.row == file_record::no_row || is_retired[static_cast<std::size_t>(file)]) continue;
      std::int64_t& holder = file_of_row_[static_cast<std::size_t>(record.row)];
      if (holder == no_file) holder = file;
    }
  }

  std::filesystem::path store_;
  manifest manifest_;
  std::filesystem::path photographs_;
  std::map<std::string, memory_map, std::less<>> maps_, sums_;  // by the columns' names
  std::span<const std::uint8_t> thumbnails_;
  std::vector<std::int64_t> file_of_row_;
  std::vector<std::uint64_t> live_;
  std::int64_t live_count_ = 0;
  mutable std::once_flag listed_, indexed_;
  mutable std::vector<std::int64_t> live_rows_;
  mutable std::vector<std::int64_t> by_id_;  // live rows by ascending id; empty where all ids ascend
  mutable std::mutex measuring_;
  mutable std::map<std::string, std::vector<double>> block_distances_;
};

}  // namespace lookalike::detail

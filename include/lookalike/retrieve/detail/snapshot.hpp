#pragma once

/// \file
/// A collection's store as one commit left it, memory-mapped. It never changes; a later commit is seen by
/// opening another.

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <lookalike/core/memory_map.hpp>
#include <lookalike/image/photo_source.hpp>
#include <lookalike/image/read.hpp>
#include <lookalike/retrieve/detail/columns.hpp>
#include <lookalike/retrieve/detail/descriptor_rows.hpp>
#include <lookalike/retrieve/detail/manifest.hpp>

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
  explicit snapshot(std::filesystem::path store)
      : store_(std::filesystem::absolute(store)), manifest_(read_manifest(store_)) {
    photographs_ = (store_ / manifest_.photographs).lexically_normal();
    ids_ = map(column::ids);
    hashes_ = map(column::hashes);
    thumbnails_ = map(column::thumbnails);
    descriptors_ = map(column::descriptors);
    files_ = map(column::files);
    paths_ = map(column::paths);
    retired_ = map(column::retired);
    find_live_rows();
  }

  const std::filesystem::path& store() const { return store_; }
  /// The folder that the photographs' paths are relative to.
  const std::filesystem::path& photographs() const { return photographs_; }
  const manifest& committed() const { return manifest_; }

  std::span<const std::int64_t> ids() const { return ids_.as<std::int64_t>(); }
  std::span<const std::uint64_t> hashes() const { return hashes_.as<std::uint64_t>(); }
  std::span<const file_record> files() const { return files_.as<file_record>(); }
  std::span<const std::int64_t> retired() const { return retired_.as<std::int64_t>(); }
  std::span<const std::uint8_t> thumbnail(std::int64_t row) const {
    return thumbnails_.as<std::uint8_t>().subspan(static_cast<std::size_t>(row) * thumbnail_size,
                                                  thumbnail_size);
  }
  row_view descriptors() const { return {descriptors_.as<float>().data(), manifest_.rows, manifest_.blocks}; }

  /// Rows that can be found, ascending, and so are their ids.
  const std::vector<std::int64_t>& live_rows() const { return live_rows_; }
  bool is_live(std::int64_t row) const { return file_of_row_[static_cast<std::size_t>(row)] != no_file; }

  /// The path of a file below the photographs' folder.
  std::string_view path_of_file(std::int64_t file) const {
    const auto records = files();
    const auto at = static_cast<std::size_t>(file);
    const auto begin = at == 0 ? 0 : static_cast<std::size_t>(records[at - 1].path_end);
    const auto end = static_cast<std::size_t>(records[at].path_end) - 1;
    return {paths_.as<char>().data() + begin, end - begin};
  }
  std::string_view path_of_row(std::int64_t row) const {
    return path_of_file(file_of_row_[static_cast<std::size_t>(row)]);
  }

  /// The row with this id. Throws `value_error` when there is none that lives.
  std::int64_t row_of(std::int64_t id) const {
    const auto all = ids();
    const auto at = std::lower_bound(all.begin(), all.end(), id);
    require(at != all.end() && *at == id && is_live(at - all.begin()), "collection: given the id ", id,
            ", wanted that of one of its ", live_rows_.size(), " photographs");
    return at - all.begin();
  }

  std::filesystem::path path(std::int64_t id) const { return photographs_ / path_of_row(row_of(id)); }
  byte_image read_photo(std::int64_t id) const override { return read_image_bytes(path(id)); }
  byte_image read_squashed(std::int64_t id, int height, int width) const override {
    if (height != thumbnail_side || width != thumbnail_side)
      return photo_source::read_squashed(id, height, width);
    const std::span<const std::uint8_t> bytes = thumbnail(row_of(id));
    byte_image small(height, width);
    std::copy(bytes.begin(), bytes.end(), small.values().begin());
    return small;
  }
  std::string photo_name(std::int64_t id) const override { return path(id).string(); }

  /// For each block the mean squared distance of two live photographs; measured once.
  const std::vector<double>& block_distances() const {
    std::call_once(measured_, [&] {
      block_distances_ =
          mean_squared_distances(descriptors(), [&](std::int64_t row) { return is_live(row); });
    });
    return block_distances_;
  }

 private:
  /// Nothing committed needs no file: a writer may have died between the first manifest and the columns.
  memory_map map(column c) const {
    const std::uint64_t bytes = committed_bytes(c, manifest_);
    return bytes == 0 ? memory_map() : memory_map(store_ / file_name(c), bytes);
  }

  void require_sound(bool condition, column c) const {
    require<file_error>(condition, "cannot read '", (store_ / file_name(c)).string(),
                        "': its entries contradict the manifest. Delete its folder and build the collection "
                        "again");
  }

  void find_live_rows() {
    std::vector<bool> is_retired(static_cast<std::size_t>(manifest_.files));
    for (const std::int64_t file : retired()) {
      require_sound(file >= 0 && file < manifest_.files, column::retired);
      is_retired[static_cast<std::size_t>(file)] = true;
    }
    file_of_row_.assign(static_cast<std::size_t>(manifest_.rows), no_file);
    const auto characters = paths_.as<char>();
    std::int64_t path_begin = 0;
    for (std::int64_t file = 0; file < manifest_.files; ++file) {
      const file_record& record = files()[static_cast<std::size_t>(file)];
      require_sound(record.row >= 0 && record.row < manifest_.rows, column::files);
      require_sound(record.path_end > path_begin && record.path_end <= manifest_.path_bytes &&
                        characters[static_cast<std::size_t>(record.path_end) - 1] == '\0',
                    column::paths);
      path_begin = record.path_end;
      std::int64_t& holder = file_of_row_[static_cast<std::size_t>(record.row)];
      if (holder == no_file && !is_retired[static_cast<std::size_t>(file)]) holder = file;
    }
    for (std::int64_t row = 0; row < manifest_.rows; ++row) {
      const auto at = static_cast<std::size_t>(row);
      require_sound(ids()[at] >= 0 && (row == 0 || ids()[at] > ids()[at - 1]), column::ids);
      if (is_live(row)) live_rows_.push_back(row);
    }
  }

  std::filesystem::path store_;
  manifest manifest_;
  std::filesystem::path photographs_;
  memory_map ids_, hashes_, thumbnails_, descriptors_, files_, paths_, retired_;
  std::vector<std::int64_t> file_of_row_;  // the first live file that holds a row, or no_file
  std::vector<std::int64_t> live_rows_;
  mutable std::once_flag measured_;
  mutable std::vector<double> block_distances_;
};

}  // namespace lookalike::detail

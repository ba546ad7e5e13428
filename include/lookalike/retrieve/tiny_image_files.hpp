#pragma once

/// \file
/// The files of Tiny Images (A. Torralba, R. Fergus and W. Freeman: 80 million tiny images, PAMI 2008), which
/// may be far larger than memory: they are mapped. The data set was withdrawn in 2020; no data comes with
/// this reader and writer of its layout.
///
/// | file                     | a record                                                                  |
/// |--------------------------|---------------------------------------------------------------------------|
/// | `tiny_images.bin`        | 3072 bytes: the red, green and blue planes of 32 x 32, column by column   |
/// | `tiny_metadata.bin`      | 768 bytes of fields of fixed width (`tiny_image_fields`)                  |
/// | `tinygist80million.bin`  | 384 float32: a gist descriptor                                            |

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include <lookalike/core/error.hpp>
#include <lookalike/core/files.hpp>
#include <lookalike/core/memory_map.hpp>
#include <lookalike/core/progress.hpp>
#include <lookalike/image/image.hpp>
#include <lookalike/nn/cifar.hpp>
#include <lookalike/retrieve/collection.hpp>
#include <lookalike/retrieve/thumbnail.hpp>

namespace lookalike {

inline constexpr std::int64_t tiny_image_metadata_size = 768;
inline constexpr std::int64_t tiny_image_gist_size = 384;

namespace detail {

/// Calls `visit(planar, interleaved)` with the places of each value of a picture: in planes column by column,
/// and row by row with the channels of a pixel side by side.
template <class Visit>
void for_each_tiny_value(const Visit& visit) {
  constexpr std::size_t side = thumbnail_side;
  std::size_t planar = 0;
  for (std::size_t channel = 0; channel < 3; ++channel) {
    for (std::size_t x = 0; x < side; ++x) {
      for (std::size_t y = 0; y < side; ++y) visit(planar++, 3 * (side * y + x) + channel);
    }
  }
}

/// A file of nothing but whole records, mapped.
class record_file {
 public:
  /// Throws `file_error` when it cannot be read, is empty, or ends within a record.
  record_file(const std::filesystem::path& path, std::int64_t record_size, std::string_view of)
      : path_(path) {
    std::error_code failure;
    const auto size = std::filesystem::file_size(path, failure);
    if (failure) throw_file_error("read", path, failure.value());
    require<file_error>(size > 0 && size % static_cast<std::uintmax_t>(record_size) == 0, "cannot read '",
                        path.string(), "': it has ", size, " bytes, wanted records of ", record_size,
                        " bytes each (", of, ")");
    map_ = memory_map(path, size);
    record_size_ = static_cast<std::size_t>(record_size);
  }

  std::int64_t count() const { return static_cast<std::int64_t>(map_.bytes().size() / record_size_); }
  const std::filesystem::path& path() const { return path_; }

  /// Throws `value_error` outside of [0, count()).
  std::span<const std::byte> operator[](std::int64_t at) const {
    require(at >= 0 && at < count(), "'", path_.string(), "': given record ", at, ", wanted 0 to ",
            count() - 1);
    return map_.bytes().subspan(static_cast<std::size_t>(at) * record_size_, record_size_);
  }

 private:
  std::filesystem::path path_;
  memory_map map_;
  std::size_t record_size_ = 0;
};

}  // namespace detail

/// Pictures in the layout of `tiny_images.bin`. Cheap to copy; members may be called from many threads.
class tiny_images_file {
 public:
  /// Throws `file_error` when the file cannot be read, is empty, or ends within a picture.
  explicit tiny_images_file(const std::filesystem::path& path)
      : records_(std::make_shared<const detail::record_file>(path, static_cast<std::int64_t>(thumbnail_size),
                                                             "a picture of 32 x 32 x 3")) {}

  std::int64_t count() const { return records_->count(); }

  /// Writes a picture to 3072 bytes, row by row, the channels of a pixel side by side. This and the next
  /// throw `value_error` outside of [0, count()).
  void read(std::int64_t at, std::uint8_t* to) const {
    const auto from = (*records_)[at];
    detail::for_each_tiny_value([&](std::size_t planar, std::size_t interleaved) {
      to[interleaved] = std::to_integer<std::uint8_t>(from[planar]);
    });
  }
  byte_image picture(std::int64_t at) const {
    byte_image result(thumbnail_side, thumbnail_side);
    read(at, result.data());
    return result;
  }

 private:
  std::shared_ptr<const detail::record_file> records_;
};

/// Writes pictures of 32 x 32 x 3 bytes, row by row with the channels of a pixel side by side, in the layout
/// of `tiny_images.bin`; the file appears complete or not at all. Throws `value_error` when there is no
/// picture or the last one is not whole, `file_error` when the file cannot be written.
inline void write_tiny_images(const std::filesystem::path& path, std::span<const std::uint8_t> pictures) {
  require(!pictures.empty() && pictures.size() % thumbnail_size == 0, "write_tiny_images: given ",
          pictures.size(), " bytes, wanted pictures of ", thumbnail_size);
  atomic_file file(path);
  std::vector<std::byte> record(thumbnail_size);
  for (std::size_t first = 0; first < pictures.size(); first += thumbnail_size) {
    detail::for_each_tiny_value([&](std::size_t planar, std::size_t interleaved) {
      record[planar] = static_cast<std::byte>(pictures[first + interleaved]);
    });
    file.write(record);
  }
  file.commit();
}

/// One of the fields that a record of `tiny_metadata.bin` is made of.
struct tiny_image_field {
  std::string_view name;
  std::size_t width;  ///< bytes
};

/// In their order. Text is padded with blanks; so are numbers where a writer puts them down as text.
inline constexpr std::array<tiny_image_field, 14> tiny_image_fields{{{"keyword", 80},
                                                                     {"filename", 95},
                                                                     {"width", 2},
                                                                     {"height", 2},
                                                                     {"colors", 1},
                                                                     {"date", 32},
                                                                     {"engine", 10},
                                                                     {"thumb_url", 200},
                                                                     {"source_url", 328},
                                                                     {"page", 4},
                                                                     {"ind_page", 4},
                                                                     {"ind_engine", 4},
                                                                     {"ind_overall", 4},
                                                                     {"label", 2}}};

/// Records in the layout of `tiny_metadata.bin`. Cheap to copy; members may be called from many threads.
class tiny_metadata_file {
 public:
  /// Throws `file_error` when the file cannot be read, is empty, or ends within a record.
  explicit tiny_metadata_file(const std::filesystem::path& path)
      : records_(std::make_shared<const detail::record_file>(path, tiny_image_metadata_size,
                                                             "the metadata of a picture")) {}

  std::int64_t count() const { return records_->count(); }

  /// All 768 bytes. This and the next throw `value_error` outside of [0, count()).
  std::string_view record(std::int64_t at) const {
    const auto bytes = (*records_)[at];
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  }

  /// A field's bytes without the blanks and zeros around them. Throws `value_error` for an unknown name.
  std::string_view field(std::int64_t at, std::string_view name) const {
    std::size_t begin = 0;
    for (const tiny_image_field& field : tiny_image_fields) {
      if (field.name == name) return trimmed(record(at).substr(begin, field.width));
      begin += field.width;
    }
    throw value_error(sentence("tiny_metadata_file: given the field '", name,
                               "', wanted one of tiny_image_fields: keyword, filename, ..., label"));
  }
  /// The noun that the picture was found by.
  std::string_view keyword(std::int64_t at) const { return field(at, "keyword"); }

 private:
  static std::string_view trimmed(std::string_view text) {
    constexpr std::string_view padding(" \0", 2);
    const std::size_t first = text.find_first_not_of(padding);
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(padding) - first + 1);
  }

  std::shared_ptr<const detail::record_file> records_;
};

/// A record with this content in its fields, in their order; those that are left out are blank. Throws
/// `value_error` for a text that is longer than its field.
inline std::string tiny_image_record(std::span<const std::string> fields) {
  require(fields.size() <= tiny_image_fields.size(), "tiny_image_record: given ", fields.size(),
          " fields, wanted at most ", tiny_image_fields.size());
  std::string record;
  for (std::size_t i = 0; i < tiny_image_fields.size(); ++i) {
    const std::string text = i < fields.size() ? fields[i] : std::string();
    const auto& [name, width] = tiny_image_fields[i];
    require(text.size() <= width, "tiny_image_record: given '", text, "' for the field '", name,
            "', wanted at most ", width, " bytes");
    record += text + std::string(width - text.size(), ' ');
  }
  return record;
}

/// Writes records of 768 bytes one after another; the file appears complete or not at all. Throws
/// `value_error` when there is none or one has another length, `file_error` when the file cannot be written.
inline void write_tiny_metadata(const std::filesystem::path& path, std::span<const std::string> records) {
  require(!records.empty(), "write_tiny_metadata: given no records, wanted at least one");
  atomic_file file(path);
  for (const std::string& record : records) {
    require(std::ssize(record) == tiny_image_metadata_size, "write_tiny_metadata: given a record of ",
            record.size(), " bytes, wanted ", tiny_image_metadata_size);
    file.write(std::as_bytes(std::span(record)));
  }
  file.commit();
}

/// Descriptors in the layout of `tinygist80million.bin`. Cheap to copy.
class tiny_gist_file {
 public:
  /// Throws `file_error` when the file cannot be read, is empty, or ends within a descriptor.
  explicit tiny_gist_file(const std::filesystem::path& path)
      : records_(std::make_shared<const detail::record_file>(
            path, tiny_image_gist_size * static_cast<std::int64_t>(sizeof(float)), "384 numbers of a gist")) {
  }

  std::int64_t count() const { return records_->count(); }
  /// Throws `value_error` outside of [0, count()).
  std::span<const float> operator[](std::int64_t at) const {
    const auto bytes = (*records_)[at];
    return {reinterpret_cast<const float*>(bytes.data()), static_cast<std::size_t>(tiny_image_gist_size)};
  }

 private:
  std::shared_ptr<const detail::record_file> records_;
};

/// Throws `value_error` when the numbers do not make up whole descriptors, `file_error` when the file cannot
/// be written.
inline void write_tiny_gist(const std::filesystem::path& path, std::span<const float> values) {
  require(!values.empty() && values.size() % static_cast<std::size_t>(tiny_image_gist_size) == 0,
          "write_tiny_gist: given ", values.size(), " numbers, wanted descriptors of ", tiny_image_gist_size);
  write_atomically(path, std::as_bytes(values));
}

struct import_options {
  /// A file of gist descriptors, for the column "gist". Empty: none.
  std::filesystem::path gist{};
  /// At most the first so many pictures.
  std::int64_t at_most = std::numeric_limits<std::int64_t>::max();
};

/// A collection of the pictures of a file in the layout of `tiny_images.bin`: each is the thumbnail of the
/// item whose id is its number in the file. Commits now and then; a store that is there already is gone on
/// with where it ends. `watcher` hears of "import pictures".
///
/// Throws `file_error` when a file cannot be read, the gists are not as many as the pictures, or the store
/// cannot be written; `interrupted`.
inline collection import_tiny_images(const std::filesystem::path& pictures,
                                     const std::filesystem::path& store, const import_options& options = {},
                                     const progress& watcher = {}) {
  constexpr std::int64_t pictures_a_commit = 16384;  // 50 MB
  const tiny_images_file from(pictures);
  require(options.at_most >= 0, "import_tiny_images: given at most ", options.at_most,
          " pictures, wanted at least 0");
  std::vector<tiny_gist_file> gists;
  if (!options.gist.empty()) {
    gists.emplace_back(options.gist);
    require<file_error>(gists[0].count() == from.count(), "cannot import '", options.gist.string(),
                        "': it has ", gists[0].count(), " descriptors, wanted ", from.count(),
                        ", one for each picture");
  }
  collection into = collection::is_store(store) ? collection::open(store) : collection::create(store);
  const std::int64_t total = std::min(from.count(), options.at_most);
  const auto next = [&] { return into.state().committed().next_id; };
  for (std::int64_t first = next(); first < total; first = next()) {
    report(watcher, "import pictures", first, total);
    const std::int64_t count = std::min(pictures_a_commit, total - first);
    std::vector<std::uint8_t> thumbnails(static_cast<std::size_t>(count) * thumbnail_size);
    for (std::int64_t i = 0; i < count; ++i) {
      from.read(first + i, thumbnails.data() + i * static_cast<std::int64_t>(thumbnail_size));
    }
    collection_items items{.count = count, .thumbnails = thumbnails.data()};
    if (!gists.empty()) {
      items.columns["gist"] = {gists[0][first].data(), count, tiny_image_gist_size, column_type::float32,
                               "Tiny Images' gist"};
    }
    into = into.add(items);
  }
  report(watcher, "import pictures", total, total);
  return into;
}

/// A collection of labeled pictures, such as those of CIFAR-10 (`read_cifar10`): thumbnails and labels, the
/// ids numbers from 0 on. Throws `value_error` unless the pictures are of 3 x 32 x 32, and as
/// `collection::create`.
inline collection import_pictures(const labeled_pictures& pictures, const std::filesystem::path& store) {
  require(pictures.pictures.channels() == 3 && pictures.pictures.height() == thumbnail_side &&
              pictures.pictures.width() == thumbnail_side,
          "import_pictures: given pictures of ", pictures.pictures.channels(), "x",
          pictures.pictures.height(), "x", pictures.pictures.width(),
          " (channels x height x width), wanted 3x32x32");
  const std::int64_t count = pictures.count();
  std::vector<std::uint8_t> thumbnails(static_cast<std::size_t>(count) * thumbnail_size);
  constexpr std::size_t pixels = thumbnail_size / 3;
  for (std::size_t i = 0; i < thumbnails.size(); ++i) {
    const std::size_t picture = i / thumbnail_size, pixel = i % thumbnail_size / 3, channel = i % 3;
    thumbnails[i] = pictures.pictures.data()[picture * thumbnail_size + channel * pixels + pixel];
  }
  return collection::create(store).add({.count = count,
                                        .labels = {pictures.labels.begin(), pictures.labels.end()},
                                        .thumbnails = thumbnails.data()});
}

}  // namespace lookalike

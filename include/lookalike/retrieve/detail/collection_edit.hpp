#pragma once

/// \file
/// What changes a collection's store beside an update from its folder: adding, replacing and removing items,
/// adding columns, and compaction. Each is one commit.

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <map>
#include <numeric>
#include <span>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

#include <lookalike/core/parallel.hpp>
#include <lookalike/core/progress.hpp>
#include <lookalike/image/image.hpp>
#include <lookalike/image/read.hpp>
#include <lookalike/retrieve/collection_items.hpp>
#include <lookalike/retrieve/column.hpp>
#include <lookalike/retrieve/descriptor.hpp>
#include <lookalike/retrieve/detail/collection_writer.hpp>
#include <lookalike/retrieve/detail/columns.hpp>
#include <lookalike/retrieve/detail/described_photograph.hpp>
#include <lookalike/retrieve/detail/descriptor_rows.hpp>
#include <lookalike/retrieve/detail/folder_update.hpp>
#include <lookalike/retrieve/detail/manifest.hpp>
#include <lookalike/retrieve/detail/snapshot.hpp>
#include <lookalike/retrieve/thumbnail.hpp>

namespace lookalike::detail {

inline constexpr std::int64_t items_a_step = 64;

/// The manifest of a collection of no folder, without items.
inline manifest empty_manifest() {
  manifest fresh;
  fresh.columns = {make_column(column_name::ids, column_type::int64, 1, 0),
                   make_column(column_name::deleted, column_type::int64, 1, 0)};
  return fresh;
}

/// The manifest of a collection of a folder, without photographs.
inline manifest empty_folder_manifest(std::string photographs, const column_encoders& encoders) {
  manifest fresh = empty_manifest();
  fresh.photographs = std::move(photographs);
  fresh.columns.push_back(make_column(column_name::hashes, column_type::uint64, 1, 0));
  fresh.columns.push_back(make_column(column_name::thumbnails, column_type::uint8, thumbnail_size, 0));
  for (const auto& [name, encoder] : encoders) {
    fresh.columns.push_back(
        make_descriptor_column(name, {encoder.blocks().begin(), encoder.blocks().end()}, 0));
  }
  for (stored_column& column : file_columns(0)) fresh.columns.push_back(std::move(column));
  return fresh;
}

inline void require_column_name(std::string_view name) {
  require(
      is_column_name(name) && !is_reserved(name), "collection: given the column '", name,
      "', wanted a name of letters, digits, _ and -, at most 64, other than ids, hashes, thumbnails, labels, "
      "files, paths, retired and deleted");
}

/// Throws `value_error` unless descriptors are of a type for them, rows as many as wanted, and floats finite.
inline void require_values(std::string_view name, const column_values& given, std::int64_t rows) {
  require(given.type == column_type::float32 || given.type == column_type::float16 ||
              given.type == column_type::uint8,
          "collection: given ", name_of(given.type), " for the column '", name,
          "', wanted float32, float16 or uint8");
  require(given.dimension >= 1 && given.dimension <= (1 << 24), "collection: given rows of ", given.dimension,
          " numbers for the column '", name, "', wanted 1 to ", 1 << 24);
  require(given.rows == rows, "collection: given ", given.rows, " rows for the column '", name, "', wanted ",
          rows, ", one for each item");
  const std::int64_t numbers = given.rows * given.dimension;
  std::int64_t bad = -1;
  if (given.type == column_type::float32) {
    const auto* const values = static_cast<const float*>(given.data);
    const auto* const at =
        std::find_if_not(values, values + numbers, [](float value) { return std::isfinite(value); });
    if (at != values + numbers) bad = at - values;
  } else if (given.type == column_type::float16) {
    constexpr std::uint16_t exponent = 0x7c00;  // all ones: infinity or not a number
    const auto* const values = static_cast<const std::uint16_t*>(given.data);
    const auto* const at = std::find_if(values, values + numbers,
                                        [](std::uint16_t bits) { return (bits & exponent) == exponent; });
    if (at != values + numbers) bad = at - values;
  }
  require(bad < 0, "collection: given a number that is not finite for the column '", name, "', in row ",
          bad / given.dimension);
}

/// Throws `value_error`, naming both, unless rows can go where `column` is.
inline void require_same(const stored_column& column, const column_values& given) {
  const column_info info = column.info();
  require(given.type == info.type && given.dimension == info.dimension && given.encoder == info.encoder,
          "collection: given ", describe_column(given.type, given.dimension, given.encoder),
          " for the column '", column.name, "', wanted ", describe_stored(column), ", as it holds");
}

inline void require_same(const stored_column& column, const picture_encoder& encoder) {
  require<value_error>(!column.blocks.empty() && comparable(column.blocks, encoder.blocks()),
                       "collection: given an encoder to ", describe_blocks(encoder.blocks()),
                       " for the column '", column.name, "', wanted ", describe_stored(column),
                       ", as it holds");
}

/// The rows of `given` from `first` on, as the column stores them.
inline void put_values(collection_writer& writer, const stored_column& column, const column_values& given,
                       std::int64_t first, std::int64_t count) {
  const std::int64_t bytes_a_row = given.dimension * size_of(given.type);
  if (column.blocks.empty()) {
    writer.put_all(column.name, given.bytes().subspan(static_cast<std::size_t>(first * bytes_a_row),
                                                      static_cast<std::size_t>(count * bytes_a_row)));
    return;
  }
  const auto* const values = static_cast<const float*>(given.data);
  std::vector<float> row;
  for (std::int64_t i = first; i < first + count; ++i) {
    row.clear();
    append_row({column.blocks, {values + i * given.dimension, values + (i + 1) * given.dimension}, {}}, row);
    writer.put_all(column.name, row);
  }
}

inline image<3> picture_of_thumbnail(const std::uint8_t* bytes) {
  byte_image small(thumbnail_side, thumbnail_side);
  std::copy_n(bytes, thumbnail_size, small.values().begin());
  return to_float(small);
}

/// Adds items to a collection of no folder, in one commit.
class item_addition {
 public:
  item_addition(const std::filesystem::path& store, const collection_items& items)
      : items_(items), writer_(store), before_(store), count_(count_items()) {}

  void run(bool replaces, const progress& watcher) {
    require(!before_.is_of_folder(), "collection: given items for '", before_.store().string(),
            "', which describes a folder, wanted a collection made by create");
    check(replaces);
    if (count_ == 0) return;
    prepare_columns();
    writer_.add_rows(count_);
    const std::vector<std::int64_t> ids = ids_to_add();
    for (const std::int64_t id : ids) writer_.take_id(id);
    writer_.put_all(column_name::ids, ids);
    if (writer_.pending().find(column_name::labels) != nullptr) put_labels();
    if (!items_.picture && items_.thumbnails != nullptr) {
      writer_.put_all(column_name::thumbnails,
                      std::span(items_.thumbnails, static_cast<std::size_t>(count_) * thumbnail_size));
    }
    for (const auto& [name, values] : items_.columns) {
      put_values(writer_, *writer_.pending().find(name), values, 0, count_);
    }
    if (items_.picture || !items_.encoders.empty()) put_pictures(watcher);
    if (replaces) {
      for (const std::int64_t id : ids) writer_.bury_row(before_.row_of(id));
    }
    writer_.commit();
  }

 private:
  std::int64_t count_items() const {
    std::int64_t count = items_.count;
    if (count == 0) count = std::ssize(items_.ids);
    if (count == 0) count = std::ssize(items_.labels);
    if (count == 0 && !items_.columns.empty()) count = items_.columns.begin()->second.rows;
    return count;
  }

  void check(bool replaces) const {
    require(count_ >= 0, "collection: given ", count_, " items, wanted at least 0");
    require(items_.ids.empty() || std::ssize(items_.ids) == count_, "collection: given ", items_.ids.size(),
            " ids for ", count_, " items");
    require(items_.labels.empty() || std::ssize(items_.labels) == count_, "collection: given ",
            items_.labels.size(), " labels for ", count_, " items");
    require(items_.encoders.empty() || has_pictures(),
            "collection: given encoders without pictures, wanted pictures for them to describe");
    for (const auto& [name, values] : items_.columns) {
      require_column_name(name);
      require_values(name, values, count_);
      require(items_.encoders.count(name) == 0, "collection: given values and an encoder for the column '",
              name, "', wanted one of them");
    }
    for (const auto& [name, encoder] : items_.encoders) require_column_name(name);
    check_ids(replaces);
    if (before_.committed().rows > 0) check_columns();
  }

  void check_ids(bool replaces) const {
    require(!replaces || std::ssize(items_.ids) == count_,
            "collection: given items without ids, wanted those of the items that they replace");
    std::unordered_set<std::int64_t> seen;
    for (const std::int64_t id : items_.ids) {
      require(id >= 0 && id < std::numeric_limits<std::int64_t>::max(), "collection: given the id ", id,
              ", wanted 0 or more");
      require(seen.insert(id).second, "collection: given the id ", id, " twice, wanted unique ids");
      if (replaces) {
        (void)before_.row_of(id);
      } else if (id < before_.committed().next_id) {
        require(before_.find_row(id) < 0, "collection: given the id ", id,
                ", which the collection holds already, wanted a new one; replace exchanges items");
      }
    }
  }

  /// Items that are not the first have what those had.
  void check_columns() const {
    const manifest& now = before_.committed();
    for (const auto& [name, values] : items_.columns) require_same(before_.require_column(name), values);
    for (const auto& [name, encoder] : items_.encoders) require_same(before_.require_column(name), encoder);
    for (const stored_column& column : now.columns) {
      if (is_reserved(column.name)) continue;
      require(items_.columns.count(column.name) + items_.encoders.count(column.name) > 0,
              "collection: given items without the column '", column.name, "', wanted rows of ",
              describe_stored(column), ", as all others have");
    }
    require(has_pictures() == before_.has_thumbnails(), "collection: given items ",
            has_pictures() ? "with" : "without", " pictures, wanted them as the others are");
  }

  bool has_pictures() const { return items_.picture || items_.thumbnails != nullptr; }

  /// The first items say which columns there are.
  void prepare_columns() {
    const manifest& now = writer_.committed();
    const auto generation = [&] { return writer_.new_generation(); };
    if (!items_.labels.empty() && now.find(column_name::labels) == nullptr) {
      writer_.add_column(make_column(column_name::labels, column_type::int32, 1, generation()));
      const std::vector<std::int32_t> none(static_cast<std::size_t>(now.rows), -1);
      writer_.put_all(column_name::labels, none);
    }
    if (now.rows > 0) return;
    if (has_pictures() && now.find(column_name::thumbnails) == nullptr) {
      writer_.add_column(
          make_column(column_name::thumbnails, column_type::uint8, thumbnail_size, generation()));
    }
    for (const auto& [name, values] : items_.columns) {
      if (const stored_column* const column = now.find(name)) {
        require_same(*column, values);
        continue;
      }
      stored_column column = make_column(name, values.type, values.dimension, generation());
      column.encoder = values.encoder;
      writer_.add_column(std::move(column));
    }
    for (const auto& [name, encoder] : items_.encoders) {
      if (const stored_column* const column = now.find(name)) {
        require_same(*column, encoder);
        continue;
      }
      writer_.add_column(
          make_descriptor_column(name, {encoder.blocks().begin(), encoder.blocks().end()}, generation()));
    }
    for (const stored_column& column : now.columns) {
      require(is_reserved(column.name) || items_.columns.count(column.name) > 0 ||
                  items_.encoders.count(column.name) > 0,
              "collection: given items without the column '", column.name, "', wanted it, as it is there");
    }
  }

  std::vector<std::int64_t> ids_to_add() const {
    if (!items_.ids.empty()) return items_.ids;
    std::vector<std::int64_t> ids(static_cast<std::size_t>(count_));
    std::iota(ids.begin(), ids.end(), writer_.next_id());
    return ids;
  }

  void put_labels() {
    if (!items_.labels.empty()) return writer_.put_all(column_name::labels, items_.labels);
    writer_.put_all(column_name::labels, std::vector<std::int32_t>(static_cast<std::size_t>(count_), -1));
  }

  void put_pictures(const progress& watcher) {
    struct description {
      byte_image thumbnail;
      std::vector<std::vector<float>> rows;
    };
    for (std::int64_t first = 0; first < count_; first += items_a_step) {
      const std::int64_t count = std::min(items_a_step, count_ - first);
      std::vector<description> batch(static_cast<std::size_t>(count));
      const progress of_batch = [&](std::string_view, std::int64_t done, std::int64_t) {
        return !watcher || watcher("describe pictures", first + done, count_);
      };
      parallel_for(
          count,
          [&](std::int64_t i) {
            description& item = batch[static_cast<std::size_t>(i)];
            const image<3> picture =
                items_.picture
                    ? items_.picture(first + i)
                    : picture_of_thumbnail(items_.thumbnails +
                                           (first + i) * static_cast<std::int64_t>(thumbnail_size));
            require(!picture.empty(), "collection: given an empty picture, wanted at least one pixel");
            if (items_.picture) item.thumbnail = make_thumbnail(picture);
            for (const auto& [name, encoder] : items_.encoders) {
              append_row(encoder(picture), item.rows.emplace_back());
            }
          },
          of_batch, "describe pictures");
      for (const description& item : batch) {
        if (items_.picture) writer_.put_all(column_name::thumbnails, item.thumbnail.values());
        auto row = item.rows.begin();
        for (const auto& [name, encoder] : items_.encoders) writer_.put_all(name, *row++);
      }
    }
  }

  const collection_items& items_;
  collection_writer writer_;
  snapshot before_;
  std::int64_t count_;
};

/// Items that cannot be found any more. Throws `value_error` for an id that is not there, or given twice.
inline void remove_items(const std::filesystem::path& store, std::span<const std::int64_t> ids) {
  collection_writer writer(store);
  const snapshot before(store);
  std::unordered_set<std::int64_t> seen;
  for (const std::int64_t id : ids) {
    require(seen.insert(id).second, "collection: given the id ", id, " twice, wanted unique ids");
    writer.bury_row(before.row_of(id));
  }
  writer.commit();
}

/// A column of values for all live rows, in their order. `labels` is one of int32 x 1.
inline void add_value_column(const std::filesystem::path& store, const std::string& name,
                             const column_values& values) {
  collection_writer writer(store);
  const snapshot before(store);
  stored_column column;
  if (name == column_name::labels) {
    require(values.type == column_type::int32 && values.dimension == 1 && values.rows == before.live_count(),
            "collection: given ", values.rows, " labels of ",
            describe_column(values.type, values.dimension, {}), ", wanted ", before.live_count(),
            " of int32 x 1");
  } else {
    require_column_name(name);
    require_values(name, values, before.live_count());
    require(before.committed().find(name) == nullptr, "collection: given the column '", name,
            "', which is there already, wanted a new name; drop_column makes room");
  }
  column = make_column(name, values.type, values.dimension, writer.new_generation());
  column.encoder = values.encoder;
  writer.add_column(column);
  std::int64_t given = 0;
  for (std::int64_t row = 0; row < before.committed().rows;) {
    std::int64_t end = row + 1;
    while (end < before.committed().rows && before.is_live(end) == before.is_live(row)) ++end;
    if (before.is_live(row)) {
      put_values(writer, column, values, given, end - row);
      given += end - row;
    } else {
      writer.put_zeros(name, end - row);
    }
    row = end;
  }
  writer.commit();
}

/// A column that `encoder` makes of all photographs, or of thumbnails where there are no files.
inline void add_described_column(const std::filesystem::path& store, const std::string& name,
                                 const picture_encoder& encoder, const progress& watcher) {
  collection_writer writer(store);
  const snapshot before(store);
  require_column_name(name);
  require(before.committed().find(name) == nullptr, "collection: given the column '", name,
          "', which is there already, wanted a new name; drop_column makes room");
  require(before.is_of_folder() || before.has_thumbnails(), "collection: given an encoder for '",
          store.string(), "', which has no pictures, wanted values");
  writer.add_column(make_descriptor_column(name, {encoder.blocks().begin(), encoder.blocks().end()},
                                           writer.new_generation()));
  const picture_encoder* const alone[] = {&encoder};
  const auto describe = [&](std::int64_t row, std::vector<float>& values) {
    const std::int64_t file = before.file_of_row(row);
    if (file == snapshot::no_file) {
      append_row(encoder(picture_of_thumbnail(before.thumbnail(row).data())), values);
      return;
    }
    const std::filesystem::path path = before.photographs() / before.path_of_file(file);
    append_row(
        describe_photograph(alone, read_file(path, largest_picture_file), path.string()).values.front(),
        values);
  };
  std::int64_t described = 0;
  for (std::int64_t first = 0; first < before.committed().rows; first += items_a_step) {
    const std::int64_t count = std::min(items_a_step, before.committed().rows - first);
    std::vector<std::vector<float>> batch(static_cast<std::size_t>(count));
    const progress of_batch = [&](std::string_view, std::int64_t done, std::int64_t) {
      return !watcher || watcher("describe photographs", std::min(described + done, before.live_count()),
                                 before.live_count());
    };
    parallel_for(
        count,
        [&](std::int64_t i) {
          if (before.is_live(first + i)) describe(first + i, batch[static_cast<std::size_t>(i)]);
        },
        of_batch, "describe photographs");
    for (const std::vector<float>& values : batch) {
      if (values.empty()) {
        writer.put_zeros(name, 1);
      } else {
        writer.put_all(name, values);
        ++described;
      }
    }
  }
  writer.commit();
}

inline void drop_column(const std::filesystem::path& store, const std::string& name) {
  collection_writer writer(store);
  if (name != column_name::labels || writer.committed().find(name) == nullptr) {
    (void)snapshot(store).require_column(name);
  }
  require(name != column_name::descriptors || writer.committed().photographs.empty(),
          "collection: given the column 'descriptors' of a folder's collection, wanted another: it is what "
          "photographs are looked up by");
  writer.new_generation();
  writer.drop_column(name);
  writer.commit();
}

/// Writes the live rows anew and deletes the old files.
inline void compact(const std::filesystem::path& store, const progress& watcher) {
  collection_writer writer(store);
  const snapshot before(store);
  const manifest old = writer.committed();
  const std::int64_t generation = writer.new_generation();
  writer.start_over();
  writer.add_rows(before.live_count());
  std::int64_t columns_done = 0;
  for (const stored_column& column : old.columns) {
    report(watcher, "compact", columns_done++, std::ssize(old.columns));
    stored_column fresh = column;
    fresh.entries = 0;
    fresh.chain = fresh.tail = 0;
    fresh.file = column_file_name(column.name, column.type, generation);
    writer.add_column(std::move(fresh));
    if (!is_row_column(column.name)) continue;
    const auto bytes = before.bytes(column.name);
    const auto entry = static_cast<std::size_t>(column.width * size_of(column.type));
    constexpr std::int64_t rows_a_step = 1 << 14;  // now and then somebody may ask for a stop
    for (std::int64_t row = 0; row < old.rows;) {
      std::int64_t end = row + 1;
      while (end < old.rows && end < row + rows_a_step && before.is_live(end) == before.is_live(row)) ++end;
      if (before.is_live(row)) {
        writer.put_all(column.name, bytes.subspan(static_cast<std::size_t>(row) * entry,
                                                  static_cast<std::size_t>(end - row) * entry));
      }
      row = end;
      report(watcher, "compact", columns_done - 1, std::ssize(old.columns));
    }
  }
  // Files that are not retired stay known: what was removed on purpose shall not come back with the next
  // build.
  std::vector<bool> is_retired(before.files().size());
  for (const std::int64_t file : before.retired()) is_retired[static_cast<std::size_t>(file)] = true;
  const std::vector<std::int64_t>& live = before.live_rows();
  for (std::size_t file = 0; file < is_retired.size(); ++file) {
    if (is_retired[file]) continue;
    const file_record& record = before.files()[file];
    const auto at = std::lower_bound(live.begin(), live.end(), record.row);
    const bool is_live = at != live.end() && *at == record.row;
    writer.add_file(before.path_of_file(static_cast<std::int64_t>(file)),
                    is_live ? at - live.begin() : file_record::no_row, record.size, record.modified);
  }
  writer.commit();
  report(watcher, "compact", std::ssize(old.columns), std::ssize(old.columns));
}

/// Everything that a store's check sums and its own logic say against it. Reads all of it once.
inline std::vector<store_damage> find_damage(const snapshot& state, const progress& watcher) {
  std::vector<store_damage> damages;
  std::int64_t total = 0, done = 0;
  for (const stored_column& column : state.committed().columns) {
    total += static_cast<std::int64_t>((column.bytes() + check_block - 1) / check_block);
  }
  for (const stored_column& column : state.committed().columns) {
    const auto bytes = state.bytes(column.name);
    const auto sums = state.sums(column.name);
    const std::size_t blocks = bytes.size() / check_block;
    std::vector<std::uint64_t> found(blocks);
    if (!state.committed().has_checks()) continue;
    parallel_for(
        static_cast<std::int64_t>(blocks),
        [&](std::int64_t i) {
          found[static_cast<std::size_t>(i)] =
              hash64(bytes.subspan(static_cast<std::size_t>(i) * check_block, check_block));
        },
        [&](std::string_view, std::int64_t i, std::int64_t) {
          return !watcher || watcher("verify", done + i, total);
        },
        "verify");
    done += static_cast<std::int64_t>(blocks) + (bytes.size() % check_block != 0 ? 1 : 0);
    report(watcher, "verify", done, total);
    std::uint64_t chain = 0;
    for (const std::uint64_t sum : found) chain = chained(chain, sum);
    const auto entry = static_cast<std::uint64_t>(column.width * size_of(column.type));
    const auto blame = [&](std::uint64_t begin, std::uint64_t end) {
      damages.push_back({column.file, sentence("bytes ", begin, " to ", end - 1, " are damaged (entries ",
                                               begin / entry, " to ", (end - 1) / entry, ")")});
    };
    const std::size_t damages_before = damages.size();
    for (std::size_t i = 0; i < blocks; ++i) {
      if (found[i] == sums[i]) continue;
      if (chain == column.chain) {
        damages.push_back({sums_file_name(column.file), "its check sums are damaged; the column is whole"});
        break;
      }
      blame(i * check_block, (i + 1) * check_block);
    }
    if (chain != column.chain && damages.size() == damages_before) {
      damages.push_back({column.file, "its check sums do not agree with the manifest"});
    }
    if (tail_sum(bytes.subspan(blocks * check_block)) != column.tail) {
      blame(blocks * check_block, bytes.size());
    }
  }
  try {
    state.index_ids();
  } catch (const file_error& failure) {
    damages.push_back({state.committed().find(column_name::ids)->file, failure.what()});
  }
  return damages;
}

}  // namespace lookalike::detail

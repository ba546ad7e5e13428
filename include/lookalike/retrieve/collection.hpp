#pragma once

/// \file
/// A collection: what is looked up in, kept on disk as memory-mapped columns (docs/collection_format.md),
/// which may be larger than memory. Usually a folder of photographs, described once:
///
///     const auto photos = collection::build("holiday_pictures");
///     const matches found = photos.search(scene_descriptor(picture), {.k = 200});
///     const image<3> nearest = photos.read(found.ids[0]);
///
/// Building again describes only what is new or has changed. Photographs are found by their paths relative to
/// the folder, so that it can be moved together with the store inside it.
///
/// Or vectors and pictures that come from elsewhere, several descriptors side by side:
///
///     const auto codes = collection::create("codes").add({.ids = ids, .columns = {{"code", {floats,
///     512}}}}); const column_view column = codes.column("code");
///
/// A handle never changes. What changes the store returns a handle of what then is there: one writer at a
/// time, any number of readers beside it. Whatever interrupts a writer (an exception, a full disk, the end of
/// the process), the store is as the last commit left it.

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <lookalike/core/progress.hpp>
#include <lookalike/image/read.hpp>
#include <lookalike/retrieve/build_report.hpp>
#include <lookalike/retrieve/collection_items.hpp>
#include <lookalike/retrieve/column.hpp>
#include <lookalike/retrieve/descriptor.hpp>
#include <lookalike/retrieve/detail/collection_edit.hpp>
#include <lookalike/retrieve/detail/collection_writer.hpp>
#include <lookalike/retrieve/detail/descriptor_rows.hpp>
#include <lookalike/retrieve/detail/folder_update.hpp>
#include <lookalike/retrieve/detail/snapshot.hpp>
#include <lookalike/retrieve/detail/store_location.hpp>
#include <lookalike/retrieve/matches.hpp>
#include <lookalike/retrieve/picture_encoder.hpp>
#include <lookalike/retrieve/search.hpp>
#include <lookalike/retrieve/thumbnail.hpp>

namespace lookalike {

struct build_options {
  /// The folder of the store. Empty: `.lookalike` inside the photographs' folder or, where that may not be
  /// written, `lookalike/<name>-<hash of path>` in the user's cache ($XDG_CACHE_HOME, or ~/.cache).
  std::filesystem::path store{};
  /// Describes the photographs. What is looked up must come from an encoder of the same blocks.
  picture_encoder encoder{};
  /// Only these files, by their paths relative to the folder: a shard of it, for example. None: all of them.
  std::optional<std::vector<std::filesystem::path>> paths{};
  /// Further columns, and what describes photographs for them. A store that has some wants the encoders of
  /// all.
  std::map<std::string, picture_encoder> columns{};
};

/// A handle of a store as one commit left it: cheap to copy, shared, never changing. All members may be
/// called from many threads at once. A default-constructed handle holds nothing; using it throws
/// `value_error`.
class collection {
 public:
  static constexpr std::string_view value_name = "collection";
  using query = lookalike::descriptor;
  using search_options = lookalike::search_options;
  using result = matches;

  collection() = default;

  /// Whether `folder` is the folder of a store, of whatever version.
  static bool is_store(const std::filesystem::path& folder) {
    std::error_code unreadable;
    return std::filesystem::exists(folder / detail::manifest::file_name, unreadable);
  }

  /// Makes a store without items in a new or an empty folder, for items that are of no folder of photographs.
  /// Throws `file_error` when there is something else, or a store already.
  static collection create(const std::filesystem::path& store) {
    require<file_error>(!is_store(store), "cannot create '", store.string(),
                        "': there is a collection already. Open it, or delete its folder");
    detail::prepare_store(store);
    const std::filesystem::path canonical = detail::canonical_folder(store);
    const detail::collection_writer writer(canonical, detail::empty_manifest());
    return of_store(canonical);
  }

  /// Opens the store of a folder of photographs, or a store by its own folder. Throws `file_error` when there
  /// is none, or it is of another version, cut short or damaged: the manifest is checked, and that all
  /// columns are there in their length. `verify` checks everything.
  static collection open(const std::filesystem::path& folder_or_store) {
    std::filesystem::path store = detail::canonical_folder(folder_or_store);
    if (!is_store(store)) {
      const std::filesystem::path of_folder = detail::default_store(store);
      if (std::filesystem::exists(of_folder)) store = of_folder;
    }
    return of_store(store);
  }

  /// Describes all JPEG and PNG files below `folder` that its store does not know yet; makes the store if
  /// there is none. Files and folders whose name begins with a dot are passed over; what cannot be read is
  /// listed in `report()` and skipped. Ids follow the order of the paths, then that of the runs.
  ///
  /// `watcher` hears of "list files" and "describe photographs". Several threads describe, with the same
  /// result for any number. Commits about every second, every 64 to 1024 files.
  ///
  /// With `options.paths` all other files are left as they are, in the folder and in the store. A listed file
  /// that is missing is skipped or, where the store knew it, has vanished. Throws `value_error` for a path
  /// that leads out of the folder.
  ///
  /// Throws `file_error` when `folder` is no folder, when the store describes another folder or was made with
  /// another encoder, when another process is adding to it, and when it cannot be written (what had been
  /// committed stays); `interrupted` when `watcher` asks for a stop.
  static collection build(const std::filesystem::path& folder, const build_options& options = {},
                          const progress& watcher = {}) {
    const std::filesystem::path root = detail::canonical_folder(folder);
    std::filesystem::path store =
        options.store.empty() ? detail::default_store(root) : std::filesystem::absolute(options.store);
    const auto only =
        options.paths ? std::optional(detail::listed_paths(root, *options.paths)) : std::nullopt;
    detail::prepare_store(store);
    store = detail::canonical_folder(store);

    const detail::column_encoders encoders = encoders_of(options.encoder, options.columns);
    detail::collection_writer writer(
        store,
        detail::empty_folder_manifest(
            (detail::is_inside(store, root) ? root.lexically_relative(store) : root).string(), encoders));
    return update(root, store, only, writer, encoders, watcher);
  }

  /// The same for a part of the photographs' folder, or all of it, into the same store. This handle stays as
  /// it is; the one returned sees the additions.
  collection add(const std::filesystem::path& folder, const picture_encoder& encoder = {},
                 const progress& watcher = {},
                 const std::map<std::string, picture_encoder>& columns = {}) const {
    const std::filesystem::path below = detail::canonical_folder(folder);
    detail::collection_writer writer(location());
    return update(below, location(), std::nullopt, writer, encoders_of(encoder, columns), watcher);
  }

  /// Adds items to a collection made by `create`, all of them or, on an error, none. What the first ones come
  /// with (thumbnails, columns) is what the collection keeps. `watcher` hears of "describe pictures".
  ///
  /// Throws `value_error` for an id that is there already or occurs twice, for columns of another type,
  /// dimension or encoder than the collection's, for missing ones, and for numbers that are not finite;
  /// `file_error` when the store cannot be written.
  collection add(const collection_items& items, const progress& watcher = {}) const {
    detail::item_addition(location(), items).run(false, watcher);
    return refresh();
  }

  /// Exchanges the items of these ids for others, in one commit. Throws as `add`, and `value_error` for an id
  /// that is not there.
  collection replace(const collection_items& items, const progress& watcher = {}) const {
    detail::item_addition(location(), items).run(true, watcher);
    return refresh();
  }

  /// Removes items: they are not found any more, and where they came from files, building again does not
  /// bring them back. Their space is free after `compact`. Throws `value_error` for an id that is not there.
  collection remove(std::span<const std::int64_t> ids) const {
    detail::remove_items(location(), ids);
    return refresh();
  }

  /// A column of numbers computed elsewhere, a row for each item in the order of `id(0)`, `id(1)`, ... The
  /// column "labels" takes int32 x 1 and may be given again. Throws `value_error` when there is such a
  /// column, or the rows do not fit.
  collection add_column(const std::string& name, const column_values& values) const {
    detail::add_value_column(location(), name, values);
    return refresh();
  }

  /// A column that `encoder` makes of all photographs; of the thumbnails where there are no files. Throws
  /// `file_error` when a photograph cannot be read any more (building again retires it), `interrupted`.
  /// `watcher` hears of "describe photographs".
  collection add_column(const std::string& name, const picture_encoder& encoder,
                        const progress& watcher = {}) const {
    detail::add_described_column(location(), name, encoder, watcher);
    return refresh();
  }

  /// Throws `value_error` when there is no such column.
  collection drop_column(const std::string& name) const {
    detail::drop_column(location(), name);
    return refresh();
  }

  /// Writes everything that can be found anew, without what was removed, and gives the space of the old files
  /// back. Ids stay. Handles opened before stay as they are, and so does their disk space until they are
  /// gone. Needs the space of both for a while. `watcher` hears of "compact".
  collection compact(const progress& watcher = {}) const {
    detail::compact(location(), watcher);
    return refresh();
  }

  /// The store as its latest commit left it.
  collection refresh() const { return of_store(location()); }

  /// Reads everything that this handle shows and compares it with its check sums. Empty when all is well;
  /// otherwise which bytes of which files are damaged. Stores of version 1 have no check sums before they
  /// are written to again. `watcher` hears of "verify".
  std::vector<store_damage> verify(const progress& watcher = {}) const {
    return detail::find_damage(state(), watcher);
  }

  /// Number of photographs, or items, that can be found.
  std::int64_t size() const { return state().live_count(); }
  bool empty() const { return size() == 0; }

  /// Id of the item at `position` in [0, size()), in the order in which they were added. Ids are unique and
  /// do not change; those that the collection gives ascend, and are never used again. Throws `value_error`
  /// outside.
  std::int64_t id(std::int64_t position) const {
    require(position >= 0 && position < size(), "collection: given position ", position, ", wanted 0 to ",
            size() - 1);
    return state().ids()[static_cast<std::size_t>(state().live_rows()[static_cast<std::size_t>(position)])];
  }

  bool contains(std::int64_t id) const { return state().find_row(id) >= 0; }

  /// The file of a photograph. This and the following throw `value_error` for an id that is not there, and
  /// for what the collection does not keep.
  std::filesystem::path path(std::int64_t id) const { return state().path(id); }

  /// The photograph, floats in [0, 1]; the thumbnail of an item without a file. Throws `file_error` when the
  /// file cannot be read any more.
  image<3> read(std::int64_t id, const decode_options& options = {}) const {
    if (!state().is_of_folder()) return to_float(thumbnail(id));
    return read_image(path(id), options);
  }

  /// -1 where none was given.
  std::int32_t label(std::int64_t id) const {
    const std::int64_t row = state().row_of(id);
    return has_labels() ? state().labels()[static_cast<std::size_t>(row)] : -1;
  }
  bool has_labels() const { return state().committed().find(detail::column_name::labels) != nullptr; }
  bool has_thumbnails() const { return state().has_thumbnails(); }
  /// XXH64 of the bytes of the photograph's file: its identity.
  std::uint64_t hash(std::int64_t id) const {
    return state().hashes()[static_cast<std::size_t>(state().row_of(id))];
  }

  /// The photograph as 32 x 32 bytes; no file is read.
  byte_image thumbnail(std::int64_t id) const {
    const auto bytes = state().thumbnail(state().row_of(id));
    byte_image small(thumbnail_side, thumbnail_side);
    std::copy(bytes.begin(), bytes.end(), small.values().begin());
    return small;
  }

  /// The columns by which items can be looked up. That of a folder's photographs is "descriptors".
  std::vector<column_info> columns() const {
    std::vector<column_info> infos;
    for (const detail::stored_column& column : state().committed().columns) {
      if (!detail::is_reserved(column.name)) infos.push_back(column.info());
    }
    return infos;
  }

  /// The rows of a column, without a copy. This and the following throw `value_error` for a column that is
  /// not there.
  column_view column(std::string_view name) const {
    const detail::stored_column& column = state().require_column(name);
    return {state_,       column.info(), state().bytes(name).data(),
            column.width, state().ids(), state().live_mask()};
  }

  /// What the photograph is looked up by. For columns of an encoder of pictures, as are the following.
  lookalike::descriptor descriptor(std::int64_t id,
                                   std::string_view column = detail::column_name::descriptors) const {
    const detail::row_view rows = state().descriptor_rows(column);
    const auto values = rows.values(state().row_of(id));
    return {{rows.blocks.begin(), rows.blocks.end()},
            {values.begin(), values.end()},
            std::vector<float>(cell_count(rows.blocks), 1.0f)};
  }

  /// What descriptors consist of here.
  std::span<const descriptor_block> blocks(std::string_view column = detail::column_name::descriptors) const {
    return state().descriptor_rows(column).blocks;
  }

  /// For each block the mean squared distance of two photographs of the collection (of at most 4096 of them),
  /// by which a search divides the block's distances. Measured at the first search.
  const std::vector<double>& block_distances(
      std::string_view column = detail::column_name::descriptors) const {
    return state().block_distances(column);
  }

  /// The k nearest photographs, by exact search:
  ///
  ///     sum over blocks b of importance_b / block_distances()_b * sum over cells c of w_c |q_c - x_c|^2
  ///
  /// with the weights w of the query. A block of importance 2 thus contributes 2 to the distance of an
  /// average pair of photographs. Importance is `options.importance` or else what the query's blocks say.
  ///
  /// Throws `value_error` for k < 1, for a query of other blocks, with values that are not finite or weights
  /// outside [0, 1]. Cost: one pass over the descriptors (2.2 KB a photograph).
  matches search(const lookalike::descriptor& sought, const search_options& options = {},
                 std::string_view column = detail::column_name::descriptors) const {
    require_valid(sought, "search");
    const detail::row_view rows = state().descriptor_rows(column);
    require(comparable(sought.blocks, rows.blocks), "search: given a descriptor of ",
            describe_blocks(sought.blocks), ", wanted ", describe_blocks(rows.blocks),
            ", as the collection has");
    const std::vector<double> factors =
        detail::block_factors(sought.blocks, options.importance, scales_of(options, sought.blocks, column));
    const auto id_of = [&](std::int64_t row) {
      return state().is_live(row) ? state().ids()[static_cast<std::size_t>(row)] : std::int64_t{-1};
    };
    matches found = detail::nearest_rows(rows, sought, factors, options, id_of);
    found.source = state_;
    return found;
  }

  /// What `search` divides the distances of blocks by: `options.block_distances`, or `block_distances`.
  /// Throws `value_error` unless there is one above 0 for each of the `sought` blocks.
  const std::vector<double>& scales_of(const search_options& options,
                                       std::span<const descriptor_block> sought,
                                       std::string_view column = detail::column_name::descriptors) const {
    if (options.block_distances.empty()) return block_distances(column);
    const std::vector<double>& scales = options.block_distances;
    require(scales.size() == sought.size() &&
                std::all_of(scales.begin(), scales.end(), [](double scale) { return scale > 0; }),
            "search: given ", scales.size(), " distances of blocks, wanted ", sought.size(),
            " that are above 0");
    return scales;
  }

  /// The folder of the store.
  const std::filesystem::path& location() const { return state().store(); }
  /// The folder of the photographs; empty where there is none.
  const std::filesystem::path& photographs() const { return state().photographs(); }
  /// What became of the files when this handle was built; empty for one that was opened.
  const build_report& report() const { return report_ ? *report_ : no_report(); }
  /// The photographs by id, for stages that read them.
  std::shared_ptr<const photo_source> source() const { return state_; }

  /// The mapped columns, for indexes over other things than descriptors.
  const detail::snapshot& state() const {
    require(state_ != nullptr,
            "collection: given a handle that holds nothing, wanted one from open or build");
    return *state_;
  }

 private:
  collection(std::shared_ptr<const detail::snapshot> state, std::shared_ptr<const build_report> report)
      : state_(std::move(state)), report_(std::move(report)) {}

  static collection of_store(const std::filesystem::path& store) {
    return collection(std::make_shared<const detail::snapshot>(store), {});
  }

  static detail::column_encoders encoders_of(const picture_encoder& encoder,
                                             const std::map<std::string, picture_encoder>& columns) {
    detail::column_encoders encoders = columns;
    for (const auto& [name, of_column] : columns) {
      detail::require_column_name(name);
      require(name != detail::column_name::descriptors,
              "collection: given another encoder for the column 'descriptors', wanted it as `encoder`");
    }
    if (!encoder.blocks().empty()) encoders.emplace(detail::column_name::descriptors, encoder);
    return encoders;
  }

  static collection update(const std::filesystem::path& folder, const std::filesystem::path& store,
                           const std::optional<std::vector<std::string>>& only,
                           detail::collection_writer& writer, const detail::column_encoders& encoders,
                           const progress& watcher) {
    const detail::manifest& committed = writer.committed();
    require<file_error>(!committed.photographs.empty(), "cannot add '", folder.string(), "' to '",
                        store.string(),
                        "': that collection describes no folder. Build one of its own for this "
                        "folder");
    const std::filesystem::path root = (store / committed.photographs).lexically_normal();
    std::error_code ignored;
    const std::filesystem::path canonical = std::filesystem::weakly_canonical(root, ignored);
    require<file_error>(detail::is_inside(folder, canonical), "cannot add '", folder.string(), "' to '",
                        store.string(), "': that collection describes the folder '", canonical.string(),
                        "'. Build one of its own for this folder");
    for (const auto& [name, encoder] : encoders) {
      const detail::stored_column* const column = committed.find(name);
      require<file_error>(column != nullptr, "cannot add to '", store.string(), "': it has no column '", name,
                          "' yet. Add the column first");
      require<file_error>(comparable(column->blocks, encoder.blocks()), "cannot add to '", store.string(),
                          "': its column '", name, "' holds ", detail::describe_stored(*column),
                          ", and the encoder yields ", describe_blocks(encoder.blocks()),
                          ". Use the same encoder, or another store");
    }
    for (const detail::stored_column& column : committed.columns) {
      require<file_error>(detail::is_reserved(column.name) || encoders.count(column.name) > 0,
                          "cannot add to '", store.string(), "': its column '", column.name, "' holds ",
                          detail::describe_stored(column),
                          ", and no encoder is given for it. Give that encoder, or drop the column");
    }
    auto report = std::make_shared<const build_report>(
        detail::folder_update(store, canonical, folder, only, writer, encoders).run(watcher));
    return collection(std::make_shared<const detail::snapshot>(store), std::move(report));
  }

  static const build_report& no_report() {
    static const build_report none;
    return none;
  }

  std::shared_ptr<const detail::snapshot> state_;
  std::shared_ptr<const build_report> report_;
};

}  // namespace lookalike

#pragma once

/// \file
/// A collection: a folder of photographs, described once and kept on disk as memory-mapped columns
/// (retrieve/detail/columns.hpp has the format), in which scenes are looked up.
///
///     const auto photos = collection::build("holiday_pictures");
///     const matches found = photos.search(scene_descriptor(picture), {.k = 200});
///     const image<3> nearest = photos.read(found.ids[0]);
///
/// Building again describes only what is new or has changed. Whatever interrupts it (an exception, a full
/// disk, the end of the process), the store is as the last commit left it, and the next run goes on from
/// there. Photographs are found by their paths relative to the folder, so that it can be moved together with
/// the store inside it.

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <lookalike/core/progress.hpp>
#include <lookalike/image/read.hpp>
#include <lookalike/retrieve/build_report.hpp>
#include <lookalike/retrieve/descriptor.hpp>
#include <lookalike/retrieve/detail/collection_writer.hpp>
#include <lookalike/retrieve/detail/descriptor_table.hpp>
#include <lookalike/retrieve/detail/folder_update.hpp>
#include <lookalike/retrieve/detail/snapshot.hpp>
#include <lookalike/retrieve/detail/store_location.hpp>
#include <lookalike/retrieve/detail/vector_search.hpp>
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

  /// Opens the store of a folder of photographs, or a store by its own folder. Throws `file_error` when there
  /// is none, or it is of another version, cut short or damaged.
  static collection open(const std::filesystem::path& folder_or_store) {
    std::filesystem::path store = detail::canonical_folder(folder_or_store);
    if (!is_store(store)) {
      const std::filesystem::path of_folder = detail::default_store(store);
      if (std::filesystem::exists(of_folder)) store = of_folder;
    }
    return collection(std::make_shared<const detail::snapshot>(store), {});
  }

  /// Describes all JPEG and PNG files below `folder` that its store does not know yet; makes the store if
  /// there is none. Files and folders whose name begins with a dot are passed over; what cannot be read is
  /// listed in `report()` and skipped. Ids follow the order of the paths, then that of the runs.
  ///
  /// `watcher` hears of "list files" and "describe photographs". Several threads describe, with the same
  /// result for any number. Commits every 64 files.
  ///
  /// Throws `file_error` when `folder` is no folder, when the store describes another folder or was made with
  /// another encoder, when another process is adding to it, and when it cannot be written (what had been
  /// committed stays); `interrupted` when `watcher` asks for a stop.
  static collection build(const std::filesystem::path& folder, const build_options& options = {},
                          const progress& watcher = {}) {
    const std::filesystem::path root = detail::canonical_folder(folder);
    std::filesystem::path store =
        options.store.empty() ? detail::default_store(root) : std::filesystem::absolute(options.store);
    detail::prepare_store(store);
    store = detail::canonical_folder(store);

    detail::manifest fresh;
    fresh.photographs = (detail::is_inside(store, root) ? root.lexically_relative(store) : root).string();
    fresh.blocks.assign(options.encoder.blocks().begin(), options.encoder.blocks().end());
    detail::collection_writer writer(store, fresh);
    return update(root, store, writer, options.encoder, watcher);
  }

  /// The same for a part of the photographs' folder, or all of it, into the same store. This handle stays as
  /// it is; the one returned sees the additions.
  collection add(const std::filesystem::path& folder, const picture_encoder& encoder = {},
                 const progress& watcher = {}) const {
    const std::filesystem::path below = detail::canonical_folder(folder);
    detail::collection_writer writer(location(), state().committed());
    return update(below, location(), writer, encoder, watcher);
  }

  /// The store as its latest commit left it.
  collection refresh() const { return collection(std::make_shared<const detail::snapshot>(location()), {}); }

  /// Number of photographs that can be found.
  std::int64_t size() const { return static_cast<std::int64_t>(state().live_rows().size()); }
  bool empty() const { return size() == 0; }

  /// Id of the photograph at `position` in [0, size()); ids ascend. They are unique, never used again, and do
  /// not change. Throws `value_error` outside.
  std::int64_t id(std::int64_t position) const {
    require(position >= 0 && position < size(), "collection: given position ", position, ", wanted 0 to ",
            size() - 1);
    return state().ids()[static_cast<std::size_t>(state().live_rows()[static_cast<std::size_t>(position)])];
  }

  /// The file of a photograph. This and the following throw `value_error` for an id that is not there.
  std::filesystem::path path(std::int64_t id) const { return state().path(id); }

  /// The photograph, floats in [0, 1]. Throws `file_error` when the file cannot be read any more.
  image<3> read(std::int64_t id, const decode_options& options = {}) const {
    return read_image(path(id), options);
  }

  /// The photograph as 32 x 32 bytes; no file is read.
  byte_image thumbnail(std::int64_t id) const {
    const auto bytes = state().thumbnail(state().row_of(id));
    byte_image small(thumbnail_side, thumbnail_side);
    std::copy(bytes.begin(), bytes.end(), small.values().begin());
    return small;
  }

  /// What the photograph is looked up by.
  lookalike::descriptor descriptor(std::int64_t id) const {
    const auto values = state().descriptors().values(state().row_of(id));
    return {state().committed().blocks,
            {values.begin(), values.end()},
            std::vector<float>(cell_count(state().committed().blocks), 1.0f)};
  }

  /// What descriptors consist of here.
  std::span<const descriptor_block> blocks() const { return state().committed().blocks; }

  /// For each block the mean squared distance of two photographs of the collection (of at most 4096 of them),
  /// by which a search divides the block's distances. Measured at the first search.
  const std::vector<double>& block_distances() const { return state().block_distances(); }

  /// The k nearest photographs, by exact search:
  ///
  ///     sum over blocks b of importance_b / block_distances()_b * sum over cells c of w_c |q_c - x_c|^2
  ///
  /// with the weights w of the query. A block of importance 2 thus contributes 2 to the distance of an
  /// average pair of photographs. Importance is `options.importance` or else what the query's blocks say.
  ///
  /// Throws `value_error` for k < 1, for a query of other blocks, with values that are not finite or weights
  /// outside [0, 1]. Cost: one pass over the descriptors (2.2 KB a photograph).
  matches search(const lookalike::descriptor& sought, const search_options& options = {}) const {
    require_valid(sought, "search");
    require(comparable(sought.blocks, blocks()), "search: given a descriptor of ",
            describe_blocks(sought.blocks), ", wanted ", describe_blocks(blocks()),
            ", as the collection has");
    const std::vector<double> factors =
        detail::block_factors(sought.blocks, options.importance, block_distances());
    if (prepared_) {
      matches found = search_prepared(std::span(&sought, 1), factors, options, {}).of(0);
      found.source = state_;
      return found;
    }
    const auto id_of = [&](std::int64_t row) {
      return state().is_live(row) ? state().ids()[static_cast<std::size_t>(row)] : std::int64_t{-1};
    };
    matches found = detail::nearest_rows(state().descriptors(), sought, factors, options, id_of);
    found.source = state_;
    return found;
  }

  /// The same for several queries of the same importance. Prepared or not, `search` finds the same.
  std::vector<matches> search(std::span<const lookalike::descriptor> sought,
                              const search_options& options = {}, const progress& watcher = {}) const {
    std::vector<matches> found;
    if (prepared_ == nullptr || sought.empty()) {
      for (const lookalike::descriptor& one : sought) {
        lookalike::report(watcher, "look up", std::ssize(found), std::ssize(sought));
        found.push_back(search(one, options));
      }
      return found;
    }
    for (const lookalike::descriptor& one : sought) {
      require_valid(one, "search");
      require(comparable(one.blocks, blocks()) && one.blocks == sought[0].blocks,
              "search: given a descriptor of ", describe_blocks(one.blocks), ", wanted ",
              describe_blocks(blocks()), ", as the collection has, of the same importance as the others");
    }
    const neighbors all = search_prepared(
        sought, detail::block_factors(sought[0].blocks, options.importance, block_distances()), options,
        watcher);
    for (std::int64_t i = 0; i < all.size(); ++i) {
      found.push_back(all.of(i));
      found.back().source = state_;
    }
    return found;
  }

  /// A handle that searches faster: principal components of the descriptors in 8 bits, some 320 bytes of
  /// memory a photograph, bound how near each of them can be, and only few descriptors are read. What is
  /// found is the same. Takes as long as some dozens of searches without; `watcher` hears of "prepare".
  collection prepare(std::uint64_t seed = 0, const progress& watcher = {}) const {
    collection faster = *this;
    if (!empty()) {
      faster.prepared_ = std::make_shared<const detail::descriptor_table>(
          state().descriptors(), detail::block_factors(blocks(), {}, block_distances()), seed, watcher);
    }
    return faster;
  }

  /// The folder of the store.
  const std::filesystem::path& location() const { return state().store(); }
  /// The folder of the photographs.
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

  static collection update(const std::filesystem::path& folder, const std::filesystem::path& store,
                           detail::collection_writer& writer, const picture_encoder& encoder,
                           const progress& watcher) {
    const detail::manifest& committed = writer.committed();
    const std::filesystem::path root = (store / committed.photographs).lexically_normal();
    std::error_code ignored;
    const std::filesystem::path canonical = std::filesystem::weakly_canonical(root, ignored);
    require<file_error>(detail::is_inside(folder, canonical), "cannot add '", folder.string(), "' to '",
                        store.string(), "': that collection describes the folder '", canonical.string(),
                        "'. Build one of its own for this folder");
    require<file_error>(comparable(committed.blocks, encoder.blocks()), "cannot add to '", store.string(),
                        "': it holds ", describe_blocks(committed.blocks), ", and the encoder yields ",
                        describe_blocks(encoder.blocks()), ". Use the same encoder, or another store");
    auto report = std::make_shared<const build_report>(
        detail::folder_update(store, canonical, folder, writer, encoder).run(watcher));
    return collection(std::make_shared<const detail::snapshot>(store), std::move(report));
  }

  static const build_report& no_report() {
    static const build_report none;
    return none;
  }

  neighbors search_prepared(std::span<const lookalike::descriptor> sought, std::span<const double> factors,
                            const search_options& options, const progress& watcher) const {
    const detail::admission admitted(options);
    const detail::snapshot& columns = state();
    const std::int64_t rows = columns.descriptors().count;
    std::vector<std::uint64_t> bits(static_cast<std::size_t>(rows + 63) / 64);
    for (const std::int64_t row : columns.live_rows()) {
      const auto at = static_cast<std::size_t>(row);
      if (admitted(columns.ids()[at])) bits[at / 64] |= std::uint64_t{1} << (at % 64);
    }
    detail::search_counts counts;
    return detail::to_neighbors(prepared_->search(sought, factors, options.k, options.radius,
                                                  {bits.data(), columns.ids().data()}, counts, watcher),
                                options.k);
  }

  std::shared_ptr<const detail::snapshot> state_;
  std::shared_ptr<const detail::descriptor_table> prepared_;
  std::shared_ptr<const build_report> report_;
};

}  // namespace lookalike

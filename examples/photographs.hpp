#pragma once

// The collection of photographs that a program looks up in: the options that say which, and what is left out.

#include <cstdint>
#include <iostream>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>

#include <lookalike/image/mask.hpp>
#include <lookalike/retrieve/collection.hpp>
#include <lookalike/retrieve/near_duplicates.hpp>

namespace program {

struct photographs {
  std::string collection;
  std::string store;
  std::vector<std::string> leave_out;
  double near_duplicates = 0;

  void add_options(CLI::App& app) {
    app.add_option("--collection", collection, "folder of photographs, or the store of a collection")
        ->required();
    app.add_option("--store", store, "where the collection's descriptors are kept");
    app.add_option("--leave-out", leave_out,
                   "photographs whose path contains this text are not used (may be repeated)");
    app.add_option(
           "--near-duplicates", near_duplicates,
           "leave out photographs whose thumbnail correlates with the query's by more than this; 0 = off")
        ->check(CLI::Range(0.0, 1.0))
        ->capture_default_str();
  }

  /// Opens the store that `--collection` names, or brings the collection of the folder up to date.
  lookalike::collection open(const lookalike::progress& watcher) const {
    if (lookalike::collection::is_store(collection)) return lookalike::collection::open(collection);
    const auto photos = lookalike::collection::build(collection, {.store = store}, watcher);
    const lookalike::build_report& report = photos.report();
    std::cerr << "collection: " << photos.size() << " photographs, " << report.added << " of them new; "
              << report.skipped.size() << " files skipped; store in " << photos.location().string() << '\n';
    for (const lookalike::skipped_file& skipped : report.skipped) {
      std::cerr << "  skipped " << skipped.path << ": " << skipped.reason << '\n';
    }
    return photos;
  }

  /// Those that must not be found for this query.
  std::vector<std::int64_t> ids_to_leave_out(const lookalike::collection& photos,
                                             const lookalike::masked_image& query) const {
    std::vector<std::int64_t> ids;
    for (std::int64_t position = 0; position < photos.size(); ++position) {
      const std::int64_t id = photos.id(position);
      const std::string name = photos.path(id).string();
      for (const std::string& text : leave_out) {
        if (name.find(text) == std::string::npos) continue;
        ids.push_back(id);
        break;
      }
    }
    if (near_duplicates > 0) {
      const auto correlation = static_cast<float>(near_duplicates);
      for (const std::int64_t id : lookalike::near_duplicates(photos, query, {.correlation = correlation}))
        ids.push_back(id);
    }
    return ids;
  }
};

}  // namespace program

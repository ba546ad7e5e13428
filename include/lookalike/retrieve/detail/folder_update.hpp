#pragma once

/// \file
/// Brings a collection's store up to date with a folder of photographs.

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <map>
#include <new>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include <lookalike/core/hash.hpp>
#include <lookalike/core/parallel.hpp>
#include <lookalike/core/progress.hpp>
#include <lookalike/image/read.hpp>
#include <lookalike/retrieve/build_report.hpp>
#include <lookalike/retrieve/detail/collection_writer.hpp>
#include <lookalike/retrieve/detail/described_photograph.hpp>
#include <lookalike/retrieve/detail/folder_scan.hpp>
#include <lookalike/retrieve/detail/snapshot.hpp>
#include <lookalike/retrieve/picture_encoder.hpp>
#include <lookalike/retrieve/thumbnail.hpp>

namespace lookalike::detail {

/// Encoders by the columns that they describe photographs for.
using column_encoders = std::map<std::string, picture_encoder>;

class folder_update {
 public:
  /// `folder` is `root` or below it. With `only` (see `listed_paths`), other files are as if they did not
  /// exist, neither new nor vanished.
  folder_update(const std::filesystem::path& store, const std::filesystem::path& root,
                const std::filesystem::path& folder, const std::optional<std::vector<std::string>>& only,
                collection_writer& writer, const column_encoders& encoders)
      : store_(store),
        root_(root),
        folder_(folder),
        only_(only),
        writer_(writer),
        encoders_(encoders),
        before_(store) {}

  /// Throws `interrupted` when `watcher` asks for it and `file_error` when the store cannot be written; what
  /// was described until shortly before then stays.
  build_report run(const progress& watcher) {
    std::vector<skipped_file> missing;
    const std::vector<found_file> found =
        only_ ? look_at_files(root_, *only_, report_.skipped, missing, watcher)
              : scan_folder(root_, folder_, store_, report_.skipped, watcher);
    const std::vector<found_file> news = compare_with_before(found);
    for (skipped_file& file : missing) {
      if (!std::binary_search(report_.vanished.begin(), report_.vanished.end(), file.path)) {
        report_.skipped.push_back(std::move(file));
      }
    }
    writer_.commit();
    const auto total = static_cast<std::int64_t>(news.size());
    std::vector<description> batch;
    std::int64_t at_once = fewest_files_a_commit;
    for (std::int64_t first = 0; first < total;) {
      const std::int64_t count = std::min(at_once, total - first);
      const auto start = std::chrono::steady_clock::now();
      batch.assign(static_cast<std::size_t>(count), {});
      const progress of_batch = [&](std::string_view, std::int64_t done, std::int64_t) {
        return !watcher || watcher("describe photographs", first + done, total);
      };
      parallel_for(
          count,
          [&](std::int64_t i) {
            batch[static_cast<std::size_t>(i)] = describe(news[static_cast<std::size_t>(first + i)]);
          },
          of_batch, "describe photographs");
      for (std::int64_t i = 0; i < count; ++i) {
        keep(news[static_cast<std::size_t>(first + i)], batch[static_cast<std::size_t>(i)]);
      }
      // A commit waits for the disk, tens of milliseconds: not more often than every half second, then.
      const bool was_quick = std::chrono::steady_clock::now() - start < std::chrono::milliseconds(500);
      if (was_quick) at_once = std::min(2 * at_once, most_files_a_commit);
      writer_.commit();
      first += count;
    }
    return std::move(report_);
  }

 private:
  static constexpr std::int64_t fewest_files_a_commit = 64;
  static constexpr std::int64_t most_files_a_commit = 1024;

  struct description {
    std::string reason;  // why there is none
    std::uint64_t hash = 0;
    byte_image thumbnail;
    std::vector<std::vector<float>> rows;  // of each column of `encoders_`
  };

  bool is_concerned(std::string_view path) const {
    if (only_) return std::binary_search(only_->begin(), only_->end(), path);
    if (folder_ == root_) return true;
    const std::string prefix = folder_.lexically_relative(root_).string() + "/";
    return path.substr(0, prefix.size()) == prefix;
  }

  /// Retires files that changed or vanished and returns those to be described.
  std::vector<found_file> compare_with_before(const std::vector<found_file>& found) {
    std::vector<bool> is_retired(before_.files().size());
    for (const std::int64_t file : before_.retired()) is_retired[static_cast<std::size_t>(file)] = true;
    std::unordered_map<std::string_view, std::int64_t> known;
    for (std::int64_t file = 0; file < std::ssize(before_.files()); ++file) {
      const std::string_view path = before_.path_of_file(file);
      if (!is_retired[static_cast<std::size_t>(file)] && is_concerned(path)) known[path] = file;
    }

    std::vector<found_file> news;
    for (const found_file& file : found) {
      const auto at = known.find(file.path);
      if (at != known.end()) {
        const file_record& record = before_.files()[static_cast<std::size_t>(at->second)];
        if (record.size == file.size && record.modified == file.modified) {
          ++report_.unchanged;
          known.erase(at);
          continue;
        }
        report_.changed.push_back(file.path);
        retire(at->second);
        known.erase(at);
      }
      news.push_back(file);
    }
    for (const auto& [path, file] : known) {
      report_.vanished.emplace_back(path);
      last_path_.emplace(before_.files()[static_cast<std::size_t>(file)].row, path);
      retire(file);
    }
    std::sort(report_.vanished.begin(), report_.vanished.end());

    for (std::int64_t row = 0; row < before_.committed().rows; ++row) {
      rows_.emplace(before_.hashes()[static_cast<std::size_t>(row)], row);
    }
    for (std::int64_t file = 0; file < std::ssize(before_.files()); ++file) {
      if (is_retired[static_cast<std::size_t>(file)] || retired_now_.count(file) != 0) continue;
      holders_.emplace(before_.files()[static_cast<std::size_t>(file)].row, before_.path_of_file(file));
    }
    return news;
  }

  void retire(std::int64_t file) {
    writer_.retire_file(file);
    retired_now_.insert(file);
  }

  /// Runs on any thread.
  description describe(const found_file& file) const {
    description result;
    const std::filesystem::path path = root_ / file.path;
    try {
      require_picture(path);
      const std::vector<std::byte> bytes = read_file(path, largest_picture_file);
      result.hash = hash64(bytes);
      if (rows_.count(result.hash) != 0) return result;
      std::vector<const picture_encoder*> encoders;
      for (const auto& [column, encoder] : encoders_) encoders.push_back(&encoder);
      described_photograph described = describe_photograph(encoders, bytes, path.string());
      for (const descriptor& values : described.values) append_row(values, result.rows.emplace_back());
      result.thumbnail = std::move(described.thumbnail);
    } catch (const error& failure) {
      result.reason = failure.what();
    } catch (const std::bad_alloc&) {
      result.reason = "it does not fit in memory";
    }
    return result;
  }

  /// Spares reading a film to its end to learn that it is no photograph.
  static void require_picture(const std::filesystem::path& path) {
    std::array<char, 64> beginning{};
    std::ifstream in(path, std::ios::binary);
    in.read(beginning.data(), beginning.size());
    const auto bytes = std::as_bytes(std::span(beginning)).first(static_cast<std::size_t>(in.gcount()));
    if (!bytes.empty() && kind_of(bytes) == picture_kind::unknown) throw_unknown(bytes, path.string());
  }

  void keep(const found_file& file, const description& described) {
    if (!described.reason.empty()) {
      report_.skipped.push_back({file.path, described.reason});
      return;
    }
    const auto known = rows_.find(described.hash);
    std::int64_t row = 0;
    if (known == rows_.end()) {
      row = writer_.add_photograph(described.hash, described.thumbnail.values());
      auto values = described.rows.begin();
      for (const auto& [column, encoder] : encoders_) writer_.put_all(column, *values++);
      rows_.emplace(described.hash, row);
      holders_.emplace(row, file.path);
      ++report_.added;
    } else {
      row = known->second;
      const auto [holder, was_hidden] = holders_.emplace(row, file.path);
      if (was_hidden) {
        ++report_.moved;
        const auto before = last_path_.find(row);
        if (before != last_path_.end()) std::erase(report_.vanished, before->second);
      } else {
        report_.duplicates.push_back({file.path, holder->second});
      }
    }
    writer_.add_file(file.path, row, file.size, file.modified);
  }

  std::filesystem::path store_;
  std::filesystem::path root_;
  std::filesystem::path folder_;
  const std::optional<std::vector<std::string>>& only_;
  collection_writer& writer_;
  const column_encoders& encoders_;
  snapshot before_;
  build_report report_;
  std::unordered_map<std::uint64_t, std::int64_t> rows_;     // by content
  std::unordered_map<std::int64_t, std::string> holders_;    // row to the path that shows it
  std::unordered_map<std::int64_t, std::string> last_path_;  // row to a path that vanished
  std::unordered_set<std::int64_t> retired_now_;
};

}  // namespace lookalike::detail

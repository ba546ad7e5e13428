#pragma once

/// \file
/// The files below a folder, all or those of a list, in an order that does not depend on the file system.

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <sys/stat.h>

#include <lookalike/core/progress.hpp>
#include <lookalike/retrieve/build_report.hpp>

namespace lookalike::detail {

struct found_file {
  std::string path;  ///< relative to the root
  std::int64_t size = 0;
  std::int64_t modified = 0;  ///< nanoseconds
};

inline found_file to_found_file(std::string relative, const struct stat& status) {
  constexpr std::int64_t nanoseconds = 1'000'000'000;
  return {std::move(relative), status.st_size,
          nanoseconds * status.st_mtim.tv_sec + static_cast<std::int64_t>(status.st_mtim.tv_nsec)};
}

/// Regular files below `folder`, itself `root` or below it, by the bytes of their paths relative to `root`.
/// Links to files count as files, links to folders are not followed; names that begin with a dot, and the
/// folder `store`, are passed over. What cannot be looked into is listed in `skipped`.
inline std::vector<found_file> scan_folder(const std::filesystem::path& root,
                                           const std::filesystem::path& folder,
                                           const std::filesystem::path& store,
                                           std::vector<skipped_file>& skipped, const progress& watcher) {
  namespace fs = std::filesystem;
  std::vector<found_file> found;
  std::vector<fs::path> folders{folder};
  while (!folders.empty()) {
    const fs::path current = std::move(folders.back());
    folders.pop_back();
    std::error_code failure;
    fs::directory_iterator entries(current, failure);
    for (; !failure && entries != fs::directory_iterator(); entries.increment(failure)) {
      const fs::path& path = entries->path();
      if (path.filename().string().front() == '.') continue;
      const std::string relative = path.lexically_relative(root).string();
      struct stat status {};
      if (::stat(path.c_str(), &status) != 0) {
        skipped.push_back({relative, std::generic_category().message(errno)});
        continue;
      }
      std::error_code ignored;
      if (S_ISDIR(status.st_mode)) {
        if (!entries->is_symlink(ignored) && path != store) folders.push_back(path);
      } else if (S_ISREG(status.st_mode)) {
        found.push_back(to_found_file(relative, status));
        report(watcher, "list files", static_cast<std::int64_t>(found.size()), -1);
      }
    }
    if (failure) skipped.push_back({current.lexically_relative(root).string(), failure.message()});
  }
  std::sort(found.begin(), found.end(),
            [](const found_file& a, const found_file& b) { return a.path < b.path; });
  return found;
}

/// Paths relative to `root`, normal, sorted by their bytes, each once. Throws `value_error` for one that
/// leads out of `root` or names `root` itself.
inline std::vector<std::string> listed_paths(const std::filesystem::path& root,
                                             std::span<const std::filesystem::path> given) {
  std::vector<std::string> paths;
  for (const std::filesystem::path& path : given) {
    const std::filesystem::path relative =
        path.is_absolute() ? path.lexically_relative(root) : path.lexically_normal();
    require(
        !relative.empty() && *relative.begin() != ".." && *relative.begin() != "." && relative.has_filename(),
        "build: given the path '", path.string(), "', wanted that of a file below '", root.string(), "'");
    paths.push_back(relative.string());
  }
  std::sort(paths.begin(), paths.end());
  paths.erase(std::unique(paths.begin(), paths.end()), paths.end());
  return paths;
}

/// Those of `paths` (see `listed_paths`) that are files. Links are followed, and names that begin with a dot
/// count. What is there but is no file, or cannot be looked at, is listed in `skipped`; what is not there, in
/// `missing`.
inline std::vector<found_file> look_at_files(const std::filesystem::path& root,
                                             std::span<const std::string> paths,
                                             std::vector<skipped_file>& skipped,
                                             std::vector<skipped_file>& missing, const progress& watcher) {
  std::vector<found_file> found;
  for (const std::string& path : paths) {
    struct stat status {};
    if (::stat((root / path).c_str(), &status) != 0) {
      (errno == ENOENT || errno == ENOTDIR ? missing : skipped)
          .push_back({path, std::generic_category().message(errno)});
    } else if (!S_ISREG(status.st_mode)) {
      skipped.push_back({path, "it is no file"});
    } else {
      found.push_back(to_found_file(path, status));
      report(watcher, "list files", static_cast<std::int64_t>(found.size()),
             static_cast<std::int64_t>(paths.size()));
    }
  }
  return found;
}

}  // namespace lookalike::detail

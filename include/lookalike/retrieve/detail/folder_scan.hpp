#pragma once

/// \file
/// The files below a folder, in an order that does not depend on the file system.

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <filesystem>
#include <string>
#include <system_error>
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
        constexpr std::int64_t nanoseconds = 1'000'000'000;
        found.push_back(
            {relative, status.st_size,
             nanoseconds * status.st_mtim.tv_sec + static_cast<std::int64_t>(status.st_mtim.tv_nsec)});
        report(watcher, "list files", static_cast<std::int64_t>(found.size()), -1);
      }
    }
    if (failure) skipped.push_back({current.lexically_relative(root).string(), failure.message()});
  }
  std::sort(found.begin(), found.end(),
            [](const found_file& a, const found_file& b) { return a.path < b.path; });
  return found;
}

}  // namespace lookalike::detail

#pragma once

/// \file
/// Where a folder's collection is kept when nobody says where.

#include <cstdlib>
#include <filesystem>
#include <iomanip>
#include <sstream>
#include <string>
#include <string_view>

#include <unistd.h>

#include <lookalike/core/error.hpp>
#include <lookalike/core/hash.hpp>

namespace lookalike::detail {

inline constexpr std::string_view store_in_folder = ".lookalike";

/// `folder` with links followed. Throws `file_error` unless it is a folder.
inline std::filesystem::path canonical_folder(const std::filesystem::path& folder) {
  std::error_code failure;
  const std::filesystem::path canonical = std::filesystem::canonical(folder, failure);
  require<file_error>(!failure, "cannot open '", folder.string(), "': ", failure.message(),
                      "; wanted a folder of photographs");
  require<file_error>(std::filesystem::is_directory(canonical), "cannot open '", folder.string(),
                      "': it is a file, wanted a folder of photographs");
  return canonical;
}

/// Whether `path` is `folder` or below it; both absolute and free of links.
inline bool is_inside(const std::filesystem::path& path, const std::filesystem::path& folder) {
  const std::filesystem::path relative = path.lexically_relative(folder);
  return !relative.empty() && *relative.begin() != "..";
}

/// `<folder>/.lookalike`, or, where that is missing and the folder may not be written,
/// `<cache>/lookalike/<name>-<hash of the path>` with <cache> = $XDG_CACHE_HOME or ~/.cache.
inline std::filesystem::path default_store(const std::filesystem::path& canonical) {
  const std::filesystem::path inside = canonical / store_in_folder;
  if (std::filesystem::exists(inside) || ::access(canonical.c_str(), W_OK) == 0) return inside;
  const char* const configured = std::getenv("XDG_CACHE_HOME");
  const char* const home = std::getenv("HOME");
  const bool is_configured = configured != nullptr && *configured != '\0';
  require<file_error>(is_configured || (home != nullptr && *home != '\0'), "cannot build a collection in '",
                      canonical.string(),
                      "': the folder may not be written, and neither XDG_CACHE_HOME nor HOME "
                      "says where a cache is. Say where the collection shall be kept");
  std::ostringstream name;
  name << canonical.filename().string() << '-' << std::hex << std::setw(16) << std::setfill('0')
       << hash64(canonical.string());
  const std::filesystem::path cache =
      is_configured ? std::filesystem::path(configured) : std::filesystem::path(home) / ".cache";
  return cache / "lookalike" / name.str();
}

}  // namespace lookalike::detail

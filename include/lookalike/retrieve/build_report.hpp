#pragma once

/// \file
/// What became of the files of a folder when a collection was built of it. Paths are relative to the
/// photographs' folder.

#include <cstdint>
#include <string>
#include <vector>

namespace lookalike {

struct skipped_file {
  std::string path;
  std::string reason;
};

struct duplicate_file {
  std::string path;
  std::string of;  ///< the file of equal content that the collection shows instead
};

struct build_report {
  /// Photographs described for the first time, changed ones included.
  std::int64_t added = 0;
  /// Files already known, of the same size and time of modification.
  std::int64_t unchanged = 0;
  /// Photographs found under another path than before; they keep their id.
  std::int64_t moved = 0;
  /// Files that hold another content than before. Their old content is not found any more.
  std::vector<std::string> changed;
  /// Files that are not there any more. Their content is not found any more.
  std::vector<std::string> vanished;
  /// Files of the same content as another.
  std::vector<duplicate_file> duplicates;
  /// What is no picture, or cannot be read.
  std::vector<skipped_file> skipped;
};

}  // namespace lookalike

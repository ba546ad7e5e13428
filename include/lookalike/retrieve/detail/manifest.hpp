#pragma once

/// \file
/// The manifest of a collection's store: which part of the column files counts. It is a few lines of text,
/// replaced as a whole at every commit:
///
///     lookalike collection 1                                  what this is, and the version of the format
///     photographs ..                                          the described folder, seen from the store
///     block 16 30 2 gist(side=128,orientations=6,...)         cells, values in a cell, importance, name
///     block 16 3 1 color_grid(grid=4)
///     rows 1100                                               described photographs
///     files 1102                                              files ever seen
///     path_bytes 40210                                        bytes of their paths
///     retired 2                                               files that vanished or changed
///     check 9a0b23f17c5d8e64                                  XXH64 of all bytes before this line
///
/// In `photographs`, line breaks and % are written as %0A and %25.

#include <cstdint>
#include <filesystem>
#include <iomanip>
#include <limits>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include <lookalike/core/error.hpp>
#include <lookalike/core/files.hpp>
#include <lookalike/core/hash.hpp>
#include <lookalike/retrieve/descriptor.hpp>

namespace lookalike::detail {

struct manifest {
  static constexpr int version = 1;
  static constexpr std::string_view file_name = "manifest";
  static constexpr std::string_view opening = "lookalike collection ";

  std::string photographs;  ///< relative to the store, or absolute
  std::vector<descriptor_block> blocks;
  std::int64_t rows = 0;
  std::int64_t files = 0;
  std::int64_t path_bytes = 0;
  std::int64_t retired = 0;
};

inline std::string escaped_line(std::string_view text) {
  std::string line;
  for (char c : text) {
    if (c == '\n') {
      line += "%0A";
    } else if (c == '%') {
      line += "%25";
    } else {
      line += c;
    }
  }
  return line;
}

inline std::string unescaped_line(std::string_view line) {
  std::string text;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const std::string_view escape = line.substr(i, 3);
    const bool is_escape = escape == "%0A" || escape == "%25";
    text += is_escape ? (escape == "%0A" ? '\n' : '%') : line[i];
    if (is_escape) i += 2;
  }
  return text;
}

inline std::string check_line(std::string_view before) {
  std::ostringstream out;
  out << "check " << std::hex << std::setw(16) << std::setfill('0') << hash64(before) << '\n';
  return out.str();
}

inline std::string to_text(const manifest& m) {
  std::ostringstream out;
  out.imbue(std::locale::classic());
  out << std::setprecision(std::numeric_limits<float>::max_digits10);
  out << manifest::opening << manifest::version << '\n'
      << "photographs " << escaped_line(m.photographs) << '\n';
  for (const auto& block : m.blocks) {
    out << "block " << block.cells << ' ' << block.values_per_cell << ' ' << block.importance << ' '
        << escaped_line(block.name) << '\n';
  }
  out << "rows " << m.rows << '\n'
      << "files " << m.files << '\n'
      << "path_bytes " << m.path_bytes << '\n'
      << "retired " << m.retired << '\n';
  const std::string text = out.str();
  return text + check_line(text);
}

/// Throws `file_error`, naming `path`, unless `text` is a manifest of this version, complete and unchanged.
inline manifest manifest_from_text(std::string_view text, const std::filesystem::path& path) {
  const auto require_sound = [&](bool condition, std::string_view what) {
    require<file_error>(condition, "cannot read '", path.string(), "': ", what,
                        "; wanted the manifest of a collection. Delete its folder and build it again");
  };
  require_sound(text.substr(0, manifest::opening.size()) == manifest::opening, "it is no manifest");
  std::istringstream lines{std::string(text)};
  lines.imbue(std::locale::classic());
  std::string word;
  int version = 0;
  lines >> word >> word >> version;
  require<file_error>(
      version == manifest::version, "cannot read '", path.string(), "': it has version ", version,
      ", wanted ", manifest::version,
      ". Use the release of lookalike that wrote it, or delete its folder and build it again");
  const std::size_t check = text.rfind("check ");
  require_sound(check != std::string_view::npos && text.substr(check) == check_line(text.substr(0, check)),
                "its check sum is wrong, so it was cut short or changed");

  manifest m;
  std::string line;
  std::getline(lines, line);
  while (std::getline(lines, line)) {
    std::istringstream fields(line);
    fields.imbue(std::locale::classic());
    fields >> word;
    const auto rest = [&] {
      std::string value;
      std::getline(fields >> std::ws, value);
      return unescaped_line(value);
    };
    if (word == "photographs") {
      m.photographs = unescaped_line(std::string_view(line).substr(word.size() + 1));
    } else if (word == "block") {
      descriptor_block block;
      fields >> block.cells >> block.values_per_cell >> block.importance;
      block.name = rest();
      m.blocks.push_back(block);
    } else if (word == "rows") {
      fields >> m.rows;
    } else if (word == "files") {
      fields >> m.files;
    } else if (word == "path_bytes") {
      fields >> m.path_bytes;
    } else if (word == "retired") {
      fields >> m.retired;
    }
    require_sound(!fields.fail() && !line.empty(), "it has a line that makes no sense");
  }
  constexpr int most = 1 << 20;
  for (const auto& block : m.blocks) {
    require_sound(
        block.cells > 0 && block.cells <= most && block.values_per_cell > 0 && block.values_per_cell <= most,
        "it has a descriptor of an impossible extent");
  }
  require_sound(m.rows >= 0 && m.files >= m.rows && m.path_bytes >= m.files && m.retired >= 0 &&
                    m.retired <= m.files && !m.photographs.empty(),
                "its counts contradict each other");
  return m;
}

}  // namespace lookalike::detail

#pragma once

/// \file
/// The manifest of a collection's store: which part of which column files counts. It is a few lines of text,
/// replaced as a whole at every commit; docs/collection_format.md describes each.
///
///     lookalike collection 2
///     photographs ..
///     rows 1100
///     next_id 1102
///     generation 0
///     column descriptors float32 544 1100 61f0c2a7d2b8e935 0b7d7f0e6c0c4c11 descriptors.f32
///     block descriptors 16 30 2 gist(side=128,orientations=6,...)
///     ...
///     check 9a0b23f17c5d8e64

#include <algorithm>
#include <array>
#include <cstdint>
#include <filesystem>
#include <iomanip>
#include <limits>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <lookalike/core/error.hpp>
#include <lookalike/core/files.hpp>
#include <lookalike/core/hash.hpp>
#include <lookalike/retrieve/column.hpp>
#include <lookalike/retrieve/descriptor.hpp>
#include <lookalike/retrieve/detail/descriptor_rows.hpp>
#include <lookalike/retrieve/thumbnail.hpp>

namespace lookalike::detail {

/// Columns that every reader knows by name.
namespace column_name {
inline constexpr std::string_view ids = "ids", hashes = "hashes", thumbnails = "thumbnails",
                                  labels = "labels", descriptors = "descriptors", files = "files",
                                  paths = "paths", retired = "retired", deleted = "deleted";
}

/// Whether a column has an entry for each row; the others are lists of their own length.
inline bool is_row_column(std::string_view name) {
  return name != column_name::files && name != column_name::paths && name != column_name::retired &&
         name != column_name::deleted;
}

/// Whether a column is the store's own, rather than numbers by which items are looked up.
inline bool is_reserved(std::string_view name) {
  return !is_row_column(name) || name == column_name::ids || name == column_name::hashes ||
         name == column_name::thumbnails || name == column_name::labels;
}

struct stored_column {
  std::string name;
  column_type type = column_type::uint8;
  std::int64_t width = 1;    ///< numbers in an entry
  std::int64_t entries = 0;  ///< how many of the file count
  std::uint64_t chain = 0;   ///< check sum of the check sums of all whole blocks (detail/columns.hpp)
  std::uint64_t tail = 0;    ///< check sum of what follows them
  std::string file;
  std::string encoder;
  std::vector<descriptor_block> blocks;

  std::uint64_t bytes() const {
    return static_cast<std::uint64_t>(entries) * static_cast<std::uint64_t>(width * size_of(type));
  }
  column_info info() const {
    return {name, type, blocks.empty() ? width : static_cast<std::int64_t>(value_count(blocks)),
            blocks.empty() ? encoder : describe_blocks(blocks), blocks};
  }
};

inline std::string describe_stored(const stored_column& column) {
  const column_info info = column.info();
  return describe_column(info.type, info.dimension, info.encoder);
}

struct manifest {
  static constexpr int latest_version = 2;
  static constexpr std::string_view file_name = "manifest";
  static constexpr std::string_view opening = "lookalike collection ";

  int version = latest_version;
  std::string photographs;  ///< relative to the store, or absolute; empty: the collection is of no folder
  std::int64_t rows = 0;
  std::int64_t next_id = 0;
  std::int64_t generation = 0;  ///< how often files were added or exchanged
  std::vector<stored_column> columns;

  const stored_column* find(std::string_view name) const {
    const auto at =
        std::find_if(columns.begin(), columns.end(), [&](const auto& c) { return c.name == name; });
    return at == columns.end() ? nullptr : &*at;
  }
  stored_column* find(std::string_view name) {
    return const_cast<stored_column*>(std::as_const(*this).find(name));
  }
  std::int64_t entries(std::string_view name) const {
    const stored_column* const column = find(name);
    return column == nullptr ? 0 : column->entries;
  }
  /// Version 1 had no check sums.
  bool has_checks() const { return version >= 2; }
};

inline constexpr std::array<std::pair<column_type, std::string_view>, 6> file_endings{
    {{column_type::float32, ".f32"},
     {column_type::float16, ".f16"},
     {column_type::uint8, ".u8"},
     {column_type::int32, ".i32"},
     {column_type::int64, ".i64"},
     {column_type::uint64, ".u64"}}};

/// "gist.f32" or, as a later file of that name, "gist.3.f32".
inline std::string column_file_name(std::string_view name, column_type type, std::int64_t generation) {
  std::string file(name);
  if (generation > 0) file += sentence(".", generation);
  for (const auto& [of, ending] : file_endings) {
    if (of == type) file += name == column_name::paths ? ".bytes" : ending;
  }
  return file;
}

/// Letters, digits, `_` and `-`, at most 64 of them: so that it can be part of a file's name anywhere.
inline bool is_column_name(std::string_view name) {
  constexpr std::size_t longest = 64;
  return !name.empty() && name.size() <= longest && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  });
}

inline stored_column make_column(std::string_view name, column_type type, std::int64_t width,
                                 std::int64_t generation) {
  stored_column column;
  column.name = name;
  column.type = type;
  column.width = width;
  column.file = column_file_name(name, type, generation);
  return column;
}

inline constexpr std::int64_t file_record_words = 4;

/// The lists that a collection of a folder keeps of its files.
inline std::vector<stored_column> file_columns(std::int64_t generation) {
  return {make_column(column_name::files, column_type::int64, file_record_words, generation),
          make_column(column_name::paths, column_type::uint8, 1, generation),
          make_column(column_name::retired, column_type::int64, 1, generation)};
}

/// Rows that an encoder of `blocks` makes.
inline stored_column make_descriptor_column(std::string_view name, std::vector<descriptor_block> blocks,
                                            std::int64_t generation) {
  stored_column column =
      make_column(name, column_type::float32, static_cast<std::int64_t>(row_length(blocks)), generation);
  column.blocks = std::move(blocks);
  return column;
}

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

/// Sixteen digits.
inline std::string hexadecimal(std::uint64_t number) {
  std::ostringstream out;
  out.imbue(std::locale::classic());
  out << std::hex << std::setw(16) << std::setfill('0') << number;
  return out.str();
}

inline std::string check_line(std::string_view before) {
  return "check " + hexadecimal(hash64(before)) + '\n';
}

/// Always in the latest version.
inline std::string to_text(const manifest& m) {
  std::ostringstream out;
  out.imbue(std::locale::classic());
  out << std::setprecision(std::numeric_limits<float>::max_digits10);
  out << manifest::opening << manifest::latest_version << '\n';
  if (!m.photographs.empty()) out << "photographs " << escaped_line(m.photographs) << '\n';
  out << "rows " << m.rows << '\n'
      << "next_id " << m.next_id << '\n'
      << "generation " << m.generation << '\n';
  for (const stored_column& column : m.columns) {
    out << "column " << column.name << ' ' << name_of(column.type) << ' ' << column.width << ' '
        << column.entries << ' ' << hexadecimal(column.chain) << ' ' << hexadecimal(column.tail) << ' '
        << column.file << '\n';
    if (!column.encoder.empty()) {
      out << "encoder " << column.name << ' ' << escaped_line(column.encoder) << '\n';
    }
    for (const descriptor_block& block : column.blocks) {
      out << "block " << column.name << ' ' << block.cells << ' ' << block.values_per_cell << ' '
          << block.importance << ' ' << escaped_line(block.name) << '\n';
    }
  }
  const std::string text = out.str();
  return text + check_line(text);
}

/// Reads the lines of a manifest.
class manifest_reader {
 public:
  manifest_reader(std::string_view text, const std::filesystem::path& path) : text_(text), path_(path) {}

  /// Throws `file_error`, naming the path, unless the text is a manifest of a known version, complete,
  /// unchanged, and does not contradict itself.
  manifest read() {
    require_sound(text_.substr(0, manifest::opening.size()) == manifest::opening, "it is no manifest");
    std::istringstream lines{std::string(text_)};
    lines.imbue(std::locale::classic());
    std::string line, word;
    std::getline(lines, line);
    std::istringstream first(line.substr(manifest::opening.size()));
    manifest m;
    first >> m.version;
    require_sound(!first.fail(), "it is no manifest");
    require<file_error>(
        m.version >= 1 && m.version <= manifest::latest_version, "cannot read '", path_.string(),
        "': it has version ", m.version, ", wanted 1 to ", manifest::latest_version,
        ". Use the release of lookalike that wrote it, or delete its folder and build it again");
    const std::size_t check = text_.rfind("check ");
    require_sound(
        check != std::string_view::npos && text_.substr(check) == check_line(text_.substr(0, check)),
        "its check sum is wrong, so it was cut short or changed");
    while (std::getline(lines, line)) {
      std::istringstream fields(line);
      fields.imbue(std::locale::classic());
      fields >> word;
      if (word == "check") break;
      if (word == "photographs") {
        require_sound(line.size() > word.size() + 1, meaningless);
        m.photographs = unescaped_line(std::string_view(line).substr(word.size() + 1));
      } else if (m.version == 1) {
        read_first_version(word, fields, m);
      } else {
        read_line(word, fields, m);
      }
      require_sound(!fields.fail() && !line.empty(), meaningless);
    }
    if (m.version == 1) give_columns_of_first_version(m);
    require_consistent(m);
    return m;
  }

 private:
  static constexpr std::string_view meaningless = "it has a line that makes no sense";

  void require_sound(bool condition, std::string_view what) const {
    require<file_error>(condition, "cannot read '", path_.string(), "': ", what,
                        "; wanted the manifest of a collection. Delete its folder and build it again");
  }

  static std::string rest_of(std::istringstream& fields) {
    std::string value;
    std::getline(fields >> std::ws, value);
    return unescaped_line(value);
  }
  static descriptor_block read_block(std::istringstream& fields) {
    descriptor_block block;
    fields >> block.cells >> block.values_per_cell >> block.importance;
    block.name = rest_of(fields);
    return block;
  }

  void read_line(std::string_view word, std::istringstream& fields, manifest& m) const {
    if (word == "rows") {
      fields >> m.rows;
    } else if (word == "next_id") {
      fields >> m.next_id;
    } else if (word == "generation") {
      fields >> m.generation;
    } else if (word == "column") {
      stored_column column;
      std::string type;
      fields >> column.name >> type >> column.width >> column.entries >> std::hex >> column.chain >>
          column.tail >> std::dec >> column.file;
      bool is_known = false;
      for (const auto& [of, ending] : file_endings) {
        if (type == name_of(of)) {
          column.type = of;
          is_known = true;
        }
      }
      require_sound(is_known && m.find(column.name) == nullptr, meaningless);
      m.columns.push_back(std::move(column));
    } else if (word == "encoder" || word == "block") {
      std::string name;
      fields >> name;
      stored_column* const column = m.find(name);
      require_sound(column != nullptr, meaningless);
      if (word == "encoder") {
        column->encoder = rest_of(fields);
      } else {
        column->blocks.push_back(read_block(fields));
      }
    } else {
      require_sound(false, meaningless);
    }
  }

  void read_first_version(std::string_view word, std::istringstream& fields, manifest& m) {
    if (word == "block") {
      blocks_.push_back(read_block(fields));
    } else if (word == "rows") {
      fields >> m.rows;
    } else if (word == "files") {
      fields >> files_;
    } else if (word == "path_bytes") {
      fields >> path_bytes_;
    } else if (word == "retired") {
      fields >> retired_;
    }
  }

  /// What version 1 took for granted.
  void give_columns_of_first_version(manifest& m) const {
    require_blocks(blocks_);
    m.columns = {make_column(column_name::ids, column_type::int64, 1, 0),
                 make_column(column_name::hashes, column_type::uint64, 1, 0),
                 make_column(column_name::thumbnails, column_type::uint8, thumbnail_size, 0)};
    if (!blocks_.empty()) m.columns.push_back(make_descriptor_column(column_name::descriptors, blocks_, 0));
    for (stored_column& column : m.columns) column.entries = m.rows;
    for (stored_column& column : file_columns(0)) m.columns.push_back(std::move(column));
    m.find(column_name::files)->entries = files_;
    m.find(column_name::paths)->entries = path_bytes_;
    m.find(column_name::retired)->entries = retired_;
    m.columns.push_back(make_column(column_name::deleted, column_type::int64, 1, 0));
    m.next_id = m.rows;
    require_sound(!m.photographs.empty(), "its counts contradict each other");
  }

  void require_blocks(const std::vector<descriptor_block>& blocks) const {
    constexpr int most = 1 << 20;
    std::int64_t values = 0;
    for (const descriptor_block& block : blocks) {
      const bool possible = block.cells > 0 && block.cells <= most && block.values_per_cell > 0 &&
                            block.values_per_cell <= most;
      if (possible) values += std::int64_t{block.cells} * block.values_per_cell;
      require_sound(possible && values <= widest, "it has a descriptor of an impossible extent");
    }
  }

  void require_consistent(const manifest& m) const {
    constexpr std::int64_t most = std::int64_t{1} << 60;
    constexpr std::string_view contradiction = "its counts contradict each other";
    require_sound(m.rows >= 0 && m.next_id >= 0 && m.generation >= 0, contradiction);
    for (const stored_column& column : m.columns) {
      require_sound(is_column_name(column.name) && is_file_of(column),
                    "it names a file that is none of its own");
      require_sound(column.width >= 1 && column.width <= widest && column.entries >= 0 &&
                        column.entries <= most / (column.width * size_of(column.type)),
                    contradiction);
      require_sound(!is_row_column(column.name) || column.entries == m.rows, contradiction);
      require_blocks(column.blocks);
      require_sound(
          column.blocks.empty() || (column.type == column_type::float32 &&
                                    column.width == static_cast<std::int64_t>(row_length(column.blocks))),
          contradiction);
    }
    require_column(m, column_name::ids, column_type::int64, 1, true);
    require_column(m, column_name::deleted, column_type::int64, 1, true);
    require_column(m, column_name::hashes, column_type::uint64, 1, false);
    require_column(m, column_name::thumbnails, column_type::uint8, thumbnail_size, false);
    require_column(m, column_name::labels, column_type::int32, 1, false);
    const bool is_of_folder = !m.photographs.empty();
    for (const stored_column& column : file_columns(0)) {
      require_column(m, column.name, column.type, column.width, is_of_folder);
    }
    require_column(m, column_name::hashes, column_type::uint64, 1, is_of_folder);
    require_sound(m.entries(column_name::paths) >= m.entries(column_name::files) &&
                      m.entries(column_name::retired) <= m.entries(column_name::files) &&
                      m.entries(column_name::deleted) <= m.rows,
                  contradiction);
  }

  void require_column(const manifest& m, std::string_view name, column_type type, std::int64_t width,
                      bool must_exist) const {
    const stored_column* const column = m.find(name);
    require_sound(column == nullptr ? !must_exist : column->type == type && column->width == width,
                  "a column of its own is missing or of another type");
  }

  /// The name that a writer would have given at this generation or an earlier one.
  static bool is_file_of(const stored_column& column) {
    const std::string plain = column_file_name(column.name, column.type, 0);
    if (column.file == plain) return true;
    const std::string_view file = column.file;
    const std::string_view ending = std::string_view(plain).substr(column.name.size());
    if (file.size() <= column.name.size() + 1 + ending.size() ||
        file.substr(0, column.name.size()) != column.name || file[column.name.size()] != '.' ||
        file.substr(file.size() - ending.size()) != ending) {
      return false;
    }
    const std::string_view number =
        file.substr(column.name.size() + 1, file.size() - column.name.size() - 1 - ending.size());
    return std::all_of(number.begin(), number.end(), [](char c) { return c >= '0' && c <= '9'; });
  }

  static constexpr std::int64_t widest = 1 << 24;

  std::string_view text_;
  std::filesystem::path path_;
  std::vector<descriptor_block> blocks_;  // of version 1
  std::int64_t files_ = 0, path_bytes_ = 0, retired_ = 0;
};

/// See `manifest_reader::read`.
inline manifest manifest_from_text(std::string_view text, const std::filesystem::path& path) {
  return manifest_reader(text, path).read();
}

}  // namespace lookalike::detail

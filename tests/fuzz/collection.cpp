/// \file
/// A libFuzzer target: whatever bytes stand in one file of a store, opening it and reading everything either
/// throws an error of the library or goes through.
///
///   clang++-14 -std=c++20 -O1 -g -fsanitize=fuzzer,address,undefined -Iinclude tests/fuzz/collection.cpp
///   -ljpeg -lpng -o fuzz
///   ./fuzz -rss_limit_mb=1024 -max_len=4096 corpus/
///
/// Debian has what it needs in libclang-rt-14-dev.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <unistd.h>

#include <lookalike/core/error.hpp>
#include <lookalike/retrieve/collection.hpp>

namespace {

using namespace lookalike;
namespace fs = std::filesystem;

/// A small store that is whole, and its files' content.
struct sound_store {
  fs::path folder = fs::temp_directory_path() / ("lookalike-fuzz-" + std::to_string(::getpid()));
  std::vector<std::pair<fs::path, std::string>> files;

  sound_store() {
    fs::remove_all(folder);
    const std::vector<float> codes{1, 2, 3, 4, 5, 6};
    const std::vector<std::int64_t> ids{9, 4, 7};
    auto store =
        collection::create(folder).add({.ids = ids, .labels = {1, 2, 3}, .columns = {{"code", {codes, 2}}}});
    store.remove(std::vector<std::int64_t>{4});
    for (const auto& entry : fs::directory_iterator(folder)) {
      std::ifstream in(entry.path(), std::ios::binary);
      files.emplace_back(entry.path(), std::string(std::istreambuf_iterator<char>(in), {}));
    }
  }
  ~sound_store() { fs::remove_all(folder); }
};

void use(const fs::path& folder) {
  try {
    const auto store = collection::open(folder);
    (void)store.verify();
    for (std::int64_t i = 0; i < store.size(); ++i) {
      (void)store.label(store.id(i));
      (void)store.contains(i);
    }
    for (const column_info& info : store.columns()) {
      const column_view column = store.column(info.name);
      double sum = 0;
      for (std::int64_t row = 0; row < column.rows(); ++row) {
        if (column.type() == column_type::float32) sum += static_cast<double>(column.row<float>(row)[0]);
      }
      (void)sum;
    }
  } catch (const error&) {
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const sound_store sound;
  if (size == 0) return 0;
  const auto& [path, content] = sound.files[data[0] % sound.files.size()];
  std::string bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
  use(sound.folder);
  if (path.filename() == detail::manifest::file_name) {
    // Once more with a right check sum: few mutations keep that.
    bytes = "lookalike collection 2\n" + bytes + "\n";
    std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes << detail::check_line(bytes);
    use(sound.folder);
  }
  std::ofstream(path, std::ios::binary | std::ios::trunc) << content;
  return 0;
}

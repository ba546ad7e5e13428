#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <utility>

#include <catch2/catch.hpp>

#include <lookalike/core/files.hpp>
#include <lookalike/core/memory_map.hpp>

namespace {
namespace fs = std::filesystem;
using namespace lookalike;

struct scratch_file {
  fs::path path;
  explicit scratch_file(std::string_view content) {
    std::string pattern = (fs::temp_directory_path() / "lookalike-map-XXXXXX").string();
    const int file = ::mkstemp(pattern.data());
    REQUIRE(file >= 0);
    ::close(file);
    path = pattern;
    write_atomically(path, content);
  }
  ~scratch_file() { fs::remove(path); }
};
}  // namespace

TEST_CASE("a map shows the beginning of a file, and none of what follows") {
  const scratch_file file("abcdefgh!");
  const memory_map map(file.path, 8);
  REQUIRE(map.bytes().size() == 8);
  CHECK(map.as<char>()[7] == 'h');
  CHECK(map.as<std::uint64_t>().size() == 1);
  CHECK(map.as<std::uint64_t>()[0] == 0x6867666564636261);  // little-endian
}

TEST_CASE("a map outlives its file's name and can be handed on") {
  const scratch_file file("abc");
  memory_map map(file.path, 3);
  write_atomically(file.path, "xyz");  // another file takes the name
  memory_map other = std::move(map);
  CHECK(map.bytes().empty());
  CHECK(other.as<char>()[0] == 'a');
  map = std::move(other);
  CHECK(map.as<char>()[2] == 'c');
}

TEST_CASE("nothing can be mapped, from an empty file too") {
  const scratch_file file("");
  CHECK(memory_map(file.path, 0).bytes().empty());
  CHECK(memory_map().bytes().empty());
}

TEST_CASE("a file that is missing or shorter than asked for is an error that says so") {
  const scratch_file file("abc");
  CHECK_THROWS_AS(memory_map(file.path.string() + ".missing", 1), file_error);
  CHECK_THROWS_WITH(memory_map(file.path, 4),
                    "cannot read '" + file.path.string() + "': it has 3 bytes, wanted at least 4");
}

#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include <catch2/catch.hpp>
#include <sys/resource.h>
#include <sys/stat.h>

#include <lookalike/core/files.hpp>

#include "../full_disk.hpp"
#include "../scratch_folder.hpp"

namespace {

namespace fs = std::filesystem;
using namespace lookalike;
using test::content;
using test::message_of;
using test::scratch_folder;

std::size_t entries(const fs::path& folder) {
  return static_cast<std::size_t>(std::distance(fs::directory_iterator(folder), fs::directory_iterator()));
}

}  // namespace

TEST_CASE("a file read back holds the bytes that were written, at sizes around the buffer's") {
  const scratch_folder scratch;
  for (std::size_t size : {0U, 1U, 4095U, 4096U, 4097U, 100000U}) {
    std::vector<std::byte> bytes(size);
    for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::byte>(i * 31 + i / 256);
    const fs::path path = scratch.path / ("file " + std::to_string(size));
    write_atomically(path, bytes);
    CHECK(fs::file_size(path) == size);
    CHECK(read_file(path) == bytes);
  }
}

TEST_CASE("files whose size the system does not know in advance are read to their end") {
  const auto bytes = read_file("/proc/self/status");  // reports a size of 0
  CHECK(bytes.size() > 100);
}

TEST_CASE("text is written as it is, zero bytes included") {
  const scratch_folder scratch;
  using namespace std::string_literals;
  write_atomically(scratch.path / "a.txt", "one\0two"s);
  CHECK(content(scratch.path / "a.txt") == "one\0two"s);
}

TEST_CASE("reading tells what is wrong with a path") {
  const scratch_folder scratch;
  const std::string missing = (scratch.path / "missing").string();
  CHECK(message_of<file_error>([&] { read_file(missing); }) ==
        "cannot open '" + missing + "': No such file or directory");
  CHECK(message_of<file_error>([&] { read_file(scratch.path); }) ==
        "cannot read '" + scratch.path.string() + "': Is a directory");
  CHECK(message_of<file_error>([&] { read_file(""); }).find("No such file or directory") !=
        std::string::npos);
}

TEST_CASE("reading stops at the allowed size, for endless devices too") {
  const scratch_folder scratch;
  write_atomically(scratch.path / "ten", "0123456789");
  CHECK(read_file(scratch.path / "ten", 10).size() == 10);
  CHECK(message_of<file_error>([&] { read_file(scratch.path / "ten", 9); }).find("wanted at most 9") !=
        std::string::npos);
  CHECK(message_of<file_error>([&] { read_file("/dev/zero", 100000); }).find("wanted at most 100000") !=
        std::string::npos);
}

TEST_CASE("writing replaces a file, keeps its permissions, and leaves nothing else behind") {
  const scratch_folder scratch;
  const fs::path path = scratch.path / "a";
  write_atomically(path, "old and longer");
  fs::permissions(path, fs::perms::owner_read | fs::perms::owner_write | fs::perms::group_read);
  write_atomically(path, "new");
  CHECK(content(path) == "new");
  CHECK(fs::status(path).permissions() ==
        (fs::perms::owner_read | fs::perms::owner_write | fs::perms::group_read));
  CHECK(entries(scratch.path) == 1);
}

TEST_CASE("a new file gets the permissions of any new file") {
  const scratch_folder scratch;
  std::ofstream(scratch.path / "plain") << "x";
  write_atomically(scratch.path / "ours", "x");
  CHECK(fs::status(scratch.path / "ours").permissions() == fs::status(scratch.path / "plain").permissions());
}

TEST_CASE("until the commit the old content stands, and without one it stays") {
  const scratch_folder scratch;
  const fs::path path = scratch.path / "a";
  write_atomically(path, "old");
  {
    atomic_file file(path);
    file.write(std::as_bytes(std::span("new", 3)));
    CHECK(content(path) == "old");
    CHECK(entries(scratch.path) == 2);
  }
  CHECK(content(path) == "old");
  CHECK(entries(scratch.path) == 1);
  {
    atomic_file file(path);
    file.write(std::as_bytes(std::span("ne", 2)));
    file.write(std::as_bytes(std::span("w", 1)));
    file.commit();
    CHECK(content(path) == "new");
    CHECK_THROWS_AS(file.commit(), file_error);
    CHECK_THROWS_AS(file.write({}), file_error);
  }
  CHECK(content(path) == "new");
}

TEST_CASE("a full disk is reported, the old file stays and no temporary remains") {
  const scratch_folder scratch;
  const fs::path path = scratch.path / "a";
  write_atomically(path, "old");
  const std::string large(100000, 'x');
  std::string message;
  {
    const full_disk limit(50000);
    message = message_of<file_error>([&] { write_atomically(path, large); });
  }
  CHECK(message == "cannot write '" + path.string() + "': File too large");
  CHECK(content(path) == "old");
  CHECK(entries(scratch.path) == 1);
}

TEST_CASE("devices are written in place, never replaced") {
  CHECK(message_of<file_error>([] { write_atomically("/dev/full", "x"); }) ==
        "cannot write '/dev/full': No space left on device");
  struct stat status {};
  REQUIRE(::stat("/dev/full", &status) == 0);
  CHECK(S_ISCHR(status.st_mode));
  write_atomically("/dev/null", "x");
  REQUIRE(::stat("/dev/null", &status) == 0);
  CHECK(S_ISCHR(status.st_mode));
}

TEST_CASE("a link stays a link and its target gets the bytes") {
  const scratch_folder scratch;
  fs::create_directory(scratch.path / "there");
  write_atomically(scratch.path / "there" / "target", "old");
  fs::create_symlink("there/target", scratch.path / "link");
  write_atomically(scratch.path / "link", "new");
  CHECK(fs::is_symlink(scratch.path / "link"));
  CHECK(content(scratch.path / "there" / "target") == "new");
}

TEST_CASE("writing to a folder, into a missing folder or below a file is a file_error") {
  const scratch_folder scratch;
  write_atomically(scratch.path / "a", "x");
  const auto reason = [](const fs::path& path) {
    return message_of<file_error>([&] { write_atomically(path, "x"); });
  };
  CHECK(reason(scratch.path).find("Is a directory") != std::string::npos);
  CHECK(reason(scratch.path / "missing" / "b").find("No such file or directory") != std::string::npos);
  CHECK(reason(scratch.path / "a" / "b").find("Not a directory") != std::string::npos);
  CHECK(reason("").find("cannot write") != std::string::npos);
}

TEST_CASE("a name as long as the file system allows can be written") {
  const scratch_folder scratch;
  const fs::path path = scratch.path / std::string(255, 'n');
  write_atomically(path, "x");
  CHECK(content(path) == "x");
}

TEST_CASE("writers of one name at the same time leave the content of one of them") {
  const scratch_folder scratch;
  const fs::path path = scratch.path / "a";
  std::vector<std::thread> writers;
  for (char letter : {'a', 'b', 'c', 'd'}) {
    writers.emplace_back([&path, letter] {
      for (int i = 0; i < 20; ++i) write_atomically(path, std::string(20000, letter));
    });
  }
  for (auto& writer : writers) writer.join();
  const std::string result = content(path);
  CHECK(result == std::string(20000, result.at(0)));
  CHECK(entries(scratch.path) == 1);
}

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <string>
#include <thread>
#include <vector>

#include <catch2/catch.hpp>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <lookalike/retrieve/collection.hpp>

#include "../full_disk.hpp"
#include "scratch.hpp"

namespace {

using namespace lookalike;
using test::content;
using test::message_of;
using test::scratch_folder;
using test::write_waves;
namespace fs = std::filesystem;

std::vector<std::string> names(const collection& photos) {
  std::vector<std::string> result;
  for (std::int64_t i = 0; i < photos.size(); ++i) {
    result.push_back(photos.path(photos.id(i)).lexically_relative(photos.photographs()).string());
  }
  return result;
}

std::vector<std::string> sorted(std::vector<std::string> strings) {
  std::sort(strings.begin(), strings.end());
  return strings;
}

/// A quick encoder, for tests that are about the store.
picture_encoder quick() {
  return color_grid;
}

collection build(const fs::path& folder, const progress& watcher = {}) {
  return collection::build(folder, {.encoder = quick()}, watcher);
}

/// Columns and manifest, but for the lock.
std::vector<std::string> store_content(const fs::path& store) {
  std::vector<std::string> result;
  for (const auto& entry : fs::directory_iterator(store)) {
    result.push_back(entry.path().filename().string() + ": " + content(entry.path()));
  }
  return sorted(result);
}

}  // namespace

TEST_CASE(
    "a collection holds each photograph's path, thumbnail, descriptor and pixels, in the order of the "
    "paths") {
  const scratch_folder scratch;
  write_waves(scratch.path, "b.png", 1);
  write_waves(scratch.path, "a/z.png", 2);
  write_waves(scratch.path, "a.png", 3);  // "a.png" < "a/z.png" as bytes
  const auto photos = collection::build(scratch.path);
  CHECK(photos.report().added == 3);
  REQUIRE(names(photos) == std::vector<std::string>{"a.png", "a/z.png", "b.png"});
  CHECK(photos.location() == scratch.path / ".lookalike");
  const std::vector<int> numbers{3, 2, 1};
  for (std::int64_t i = 0; i < 3; ++i) {
    const std::int64_t id = photos.id(i);
    const image<3> picture = to_float(to_bytes(test::waves(numbers[static_cast<std::size_t>(i)])));
    CHECK(photos.read(id) == picture);
    CHECK(photos.thumbnail(id) == make_thumbnail(picture));
    CHECK(photos.descriptor(id) == scene_descriptor(picture));
    const matches found = photos.search(scene_descriptor(picture), {.k = 1});
    CHECK(found.ids[0] == id);
    CHECK(found.distances[0] == 0.0f);
  }
  const auto reopened = collection::open(scratch.path);
  CHECK(names(reopened) == names(photos));
  CHECK(reopened.descriptor(reopened.id(1)) == photos.descriptor(photos.id(1)));
  CHECK(names(collection::open(scratch.path / ".lookalike")) == names(photos));
  CHECK(reopened.report().added == 0);
}

TEST_CASE("the same store comes out, byte for byte, for any number of threads") {
  const scratch_folder scratch, one, three;
  for (int i = 0; i < 70; ++i) write_waves(scratch.path, sentence("p", i, ".png"), i);
  {
    const thread_scope scope(1);
    collection::build(scratch.path, {.store = one.path / "s", .encoder = quick()});
  }
  {
    const thread_scope scope(3);
    collection::build(scratch.path, {.store = three.path / "s", .encoder = quick()});
  }
  CHECK(store_content(one.path / "s") == store_content(three.path / "s"));
}

TEST_CASE(
    "a search of a collection divides each block by its mean squared distance and weighs it by importance") {
  const scratch_folder scratch;
  for (int i = 0; i < 12; ++i) write_waves(scratch.path, sentence(i, ".png"), i);
  const auto photos = collection::build(scratch.path);
  masked_image query{test::waves(100), mask(48, 64)};
  for (int y = 5; y < 30; ++y) {
    for (int x = 20; x < 50; ++x) query.hole(y, x) = 1;
  }
  const descriptor d = scene_descriptor(query);
  for (const std::vector<float>& importance : {std::vector<float>{}, {0.0f, 1.0f}, {3.0f, 0.5f}}) {
    const matches found = photos.search(d, {.k = 12, .importance = importance});
    REQUIRE(found.count == 12);
    float previous = 0;
    for (std::size_t i = 0; i < 12; ++i) {
      const descriptor other = photos.descriptor(found.ids[i]);
      double expected = 0;
      for (std::size_t block = 0; block < 2; ++block) {
        const double factor =
            importance.empty() ? (block == 0 ? 2.0 : 1.0) : static_cast<double>(importance[block]);
        const std::size_t values = block == 0 ? 30 : 3, first = block == 0 ? 0 : 480;
        for (std::size_t v = 0; v < 16 * values; ++v) {
          const double difference =
              static_cast<double>(d.values[first + v]) - static_cast<double>(other.values[first + v]);
          expected += factor / photos.block_distances()[block] *
                      static_cast<double>(d.weights[16 * block + v / values]) * difference * difference;
        }
      }
      CHECK(static_cast<double>(found.distances[i]) == Approx(expected).epsilon(1e-4));
      CHECK(found.distances[i] >= previous);
      previous = found.distances[i];
    }
  }
  CHECK_THROWS_AS(photos.search(d, {.importance = {1.0f}}), value_error);
  CHECK_THROWS_AS(photos.search(d, {.importance = {1.0f, -1.0f}}), value_error);
  CHECK_THROWS_AS(photos.search(gist(query)), value_error);
  CHECK_THROWS_AS(photos.search(d, {.k = 0}), value_error);
}

TEST_CASE("building again describes only what is new") {
  const scratch_folder scratch;
  for (int i = 0; i < 5; ++i) write_waves(scratch.path, sentence(i, ".png"), i);
  const auto before = build(scratch.path);
  write_waves(scratch.path, "10.png", 10);
  std::int64_t total = 0;
  const auto after = build(scratch.path, [&](std::string_view task, std::int64_t, std::int64_t count) {
    if (task == "describe photographs") total = count;
    return true;
  });
  CHECK(total == 1);
  CHECK(after.report().added == 1);
  CHECK(after.report().unchanged == 5);
  CHECK(after.size() == 6);
  CHECK(before.size() == 5);  // a handle shows what it showed
  CHECK(before.refresh().size() == 6);
  for (std::int64_t i = 0; i < 5; ++i) CHECK(after.path(before.id(i)) == before.path(before.id(i)));
}

TEST_CASE("photographs that changed or vanished are reported and not found any more") {
  const scratch_folder scratch;
  for (int i = 0; i < 4; ++i) write_waves(scratch.path, sentence(i, ".png"), i);
  const auto before = build(scratch.path);
  const std::int64_t old_changed = before.id(1), old_vanished = before.id(2);
  write_waves(scratch.path, "1.png", 50);
  fs::last_write_time(scratch.path / "1.png", fs::file_time_type::clock::now() + std::chrono::seconds(5));
  fs::remove(scratch.path / "2.png");
  const auto after = build(scratch.path);
  CHECK(after.report().changed == std::vector<std::string>{"1.png"});
  CHECK(after.report().vanished == std::vector<std::string>{"2.png"});
  CHECK(after.report().added == 1);
  CHECK(after.report().unchanged == 2);
  CHECK(sorted(names(after)) == std::vector<std::string>{"0.png", "1.png", "3.png"});
  CHECK_THROWS_AS(after.path(old_changed), value_error);
  CHECK_THROWS_AS(after.descriptor(old_vanished), value_error);
  const matches found = after.search(color_grid(test::waves(2)), {.k = 10});
  CHECK(found.count == 3);
  for (const std::int64_t id : found.ids) CHECK((id != old_changed && id != old_vanished));
  CHECK(after.path(after.search(color_grid(test::waves(50)), {.k = 1}).ids[0]).filename() == "1.png");
  CHECK(build(scratch.path).report().unchanged == 3);
}

TEST_CASE("a photograph under a new name keeps its id and is not described again") {
  const scratch_folder scratch;
  for (int i = 0; i < 3; ++i) write_waves(scratch.path, sentence(i, ".png"), i);
  const auto before = build(scratch.path);
  fs::create_directory(scratch.path / "sub");
  fs::rename(scratch.path / "1.png", scratch.path / "sub" / "one.png");
  const auto after = build(scratch.path);
  CHECK(after.report().moved == 1);
  CHECK(after.report().vanished.empty());
  CHECK(after.report().added == 0);
  CHECK(after.path(before.id(1)) == scratch.path / "sub" / "one.png");
  CHECK(fs::file_size(after.location() / "ids.i64") == 3 * sizeof(std::int64_t));
}

TEST_CASE("a second copy is recorded as a duplicate, and takes over when the first vanishes") {
  const scratch_folder scratch;
  write_waves(scratch.path, "a.png", 1);
  write_waves(scratch.path, "b.png", 2);
  fs::copy_file(scratch.path / "a.png", scratch.path / "copy.png");
  const auto photos = build(scratch.path);
  CHECK(photos.size() == 2);
  REQUIRE(photos.report().duplicates.size() == 1);
  CHECK(photos.report().duplicates[0].path == "copy.png");
  CHECK(photos.report().duplicates[0].of == "a.png");
  CHECK(build(scratch.path).report().unchanged == 3);
  fs::remove(scratch.path / "a.png");
  const auto later = build(scratch.path);
  CHECK(later.report().vanished == std::vector<std::string>{"a.png"});
  CHECK(later.path(photos.id(0)) == scratch.path / "copy.png");
  CHECK(later.size() == 2);
}

TEST_CASE("what is no picture or cannot be read is listed with a reason and skipped") {
  const scratch_folder scratch;
  write_waves(scratch.path, "good.jpg", 1);
  std::ofstream(scratch.path / "notes.txt") << "not a picture";
  std::ofstream(scratch.path / "empty.jpg").flush();
  const std::string jpeg = content(scratch.path / "good.jpg");
  std::ofstream(scratch.path / "cut.jpg", std::ios::binary) << jpeg.substr(0, jpeg.size() / 2);
  std::ofstream(scratch.path / "header.jpg", std::ios::binary) << jpeg.substr(0, 30);
  fs::create_symlink(scratch.path / "nowhere", scratch.path / "dangling.png");
  fs::create_directory(scratch.path / ".hidden");
  write_waves(scratch.path, ".hidden/secret.png", 5);
  const auto photos = build(scratch.path);
  CHECK(names(photos) == std::vector<std::string>{"good.jpg"});
  std::vector<std::string> skipped;
  for (const auto& file : photos.report().skipped) {
    skipped.push_back(file.path);
    CHECK_FALSE(file.reason.empty());
  }
  CHECK(sorted(skipped) ==
        std::vector<std::string>{"cut.jpg", "dangling.png", "empty.jpg", "header.jpg", "notes.txt"});
  CHECK(build(scratch.path).report().skipped.size() == 5);
}

TEST_CASE("names of any language and with odd characters come back as they are") {
  const scratch_folder scratch;
  const std::vector<std::string> odd{"Grüße aus Köln.png", "写真/日本.png", "a b\tc%0A.png", "new\nline.png",
                                     "\xff\xfe.png"};
  for (std::size_t i = 0; i < odd.size(); ++i) write_waves(scratch.path, odd[i], static_cast<int>(i));
  build(scratch.path);
  CHECK(names(collection::open(scratch.path)) == sorted(odd));
}

TEST_CASE("a folder whose own name has line breaks and percent signs keeps its collection") {
  const scratch_folder scratch, elsewhere;
  const fs::path folder = scratch.path / "odd\n%0A%name";
  write_waves(folder, "a.png", 1);
  collection::build(folder, {.store = elsewhere.path / "store", .encoder = quick()});
  CHECK(collection::open(elsewhere.path / "store").photographs() == folder);
}

TEST_CASE("a folder that is moved takes its collection along") {
  const scratch_folder scratch;
  write_waves(scratch.path / "before", "x/a.png", 1);
  const std::int64_t id = build(scratch.path / "before").id(0);
  fs::rename(scratch.path / "before", scratch.path / "after");
  const auto photos = collection::open(scratch.path / "after");
  CHECK(photos.path(id) == scratch.path / "after" / "x" / "a.png");
  CHECK(photos.read(id) == to_float(to_bytes(test::waves(1))));
  CHECK(build(scratch.path / "after").report().unchanged == 1);
}

TEST_CASE("a part of the folder can be added alone, and what vanished elsewhere is not noticed then") {
  const scratch_folder scratch;
  write_waves(scratch.path, "a/1.png", 1);
  write_waves(scratch.path, "ab/2.png", 2);
  const auto photos = build(scratch.path);
  write_waves(scratch.path, "a/3.png", 3);
  fs::remove(scratch.path / "ab" / "2.png");
  const auto more = photos.add(scratch.path / "a", quick());
  CHECK(more.report().added == 1);
  CHECK(more.report().vanished.empty());
  CHECK(more.size() == 3);
  CHECK(more.add(scratch.path, quick()).report().vanished == std::vector<std::string>{"ab/2.png"});
  CHECK(photos.size() == 2);
}

TEST_CASE("a build restricted to a list of files leaves all others as they are") {
  const scratch_folder scratch, elsewhere;
  for (int i = 0; i < 5; ++i) write_waves(scratch.path, sentence("sub/", i, ".png"), i);
  const auto shard = [&](std::vector<fs::path> paths) {
    return collection::build(scratch.path,
                             {.store = elsewhere.path / "s", .encoder = quick(), .paths = std::move(paths)});
  };
  const auto first = shard({"sub/3.png", "./sub/../sub/1.png", scratch.path / "sub" / "1.png"});
  CHECK(names(first) == std::vector<std::string>{"sub/1.png", "sub/3.png"});
  CHECK(first.report().added == 2);

  fs::remove(scratch.path / "sub" / "1.png");
  fs::remove(scratch.path / "sub" / "3.png");
  fs::create_directory(scratch.path / "sub" / "folder");
  const auto second = shard({"sub/0.png", "sub/3.png", "sub/7.png", "sub/folder"});
  CHECK(names(second) == std::vector<std::string>{"sub/1.png", "sub/0.png"});
  CHECK(second.report().added == 1);
  CHECK(second.report().vanished == std::vector<std::string>{"sub/3.png"});
  REQUIRE(second.report().skipped.size() == 2);
  CHECK(second.report().skipped[0].path == "sub/folder");
  CHECK(second.report().skipped[1].path == "sub/7.png");
  CHECK(second.report().skipped[1].reason.find("No such file") != std::string::npos);
  CHECK(shard({}).size() == 2);
  for (const char* outside : {"../a.png", "/a.png", "", ".", "sub/../../a.png", "sub/"}) {
    INFO(outside);
    CHECK_THROWS_AS(shard({outside}), value_error);
  }
}

TEST_CASE("an interrupted build keeps what it committed, and the next one goes on from there") {
  const scratch_folder scratch, whole;
  for (int i = 0; i < 150; ++i) write_waves(scratch.path, sentence("p", 1000 + i, ".png"), i);
  CHECK_THROWS_AS(
      build(scratch.path, [](std::string_view task, std::int64_t done,
                             std::int64_t) { return task != "describe photographs" || done < 100; }),
      interrupted);
  const auto partly = collection::open(scratch.path);
  CHECK(partly.size() == 64);
  const auto rest = build(scratch.path);
  CHECK(rest.report().unchanged == 64);
  CHECK(rest.report().added == 86);
  const auto at_once = collection::build(scratch.path, {.store = whole.path / "s", .encoder = quick()});
  CHECK(content(rest.location() / "descriptors.f32") == content(at_once.location() / "descriptors.f32"));
  CHECK(names(rest) == names(at_once));
}

TEST_CASE("a process killed at any moment leaves the last committed state, and the next one completes it") {
  const scratch_folder scratch, whole;
  for (int i = 0; i < 200; ++i) write_waves(scratch.path, sentence("p", 1000 + i, ".png"), i);
  const auto at_once = collection::build(scratch.path, {.store = whole.path / "s", .encoder = quick()});
  std::int64_t before = 0;
  int interruptions = 0;
  for (int attempt = 0; attempt < 25; ++attempt) {
    const ::pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
      const thread_scope one(1);
      try {
        build(scratch.path);
      } catch (...) {
        ::_exit(1);
      }
      ::_exit(0);
    }
    ::usleep(static_cast<unsigned>(2000 + 7000 * attempt));
    ::kill(child, SIGKILL);
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    if (WIFEXITED(status)) CHECK(WEXITSTATUS(status) == 0);
    interruptions += WIFSIGNALED(status) ? 1 : 0;
    if (!fs::exists(scratch.path / ".lookalike" / "manifest")) continue;
    const auto partly = collection::open(scratch.path);
    CHECK(partly.size() >= before);
    CHECK((partly.size() % 64 == 0 || partly.size() == 200));
    before = partly.size();
    for (std::int64_t i = 0; i < partly.size(); ++i) {
      REQUIRE(partly.descriptor(partly.id(i)) == at_once.descriptor(at_once.id(i)));
    }
  }
  CHECK(interruptions > 0);
  const auto complete = build(scratch.path);
  CHECK(names(complete) == names(at_once));
  CHECK(content(complete.location() / "descriptors.f32") == content(at_once.location() / "descriptors.f32"));
  CHECK(content(complete.location() / "thumbnails.u8") == content(at_once.location() / "thumbnails.u8"));
}

TEST_CASE("what an interrupted writer left beyond the commit is overwritten") {
  const scratch_folder scratch;
  write_waves(scratch.path, "a.png", 1);
  const auto first = build(scratch.path);
  for (const char* column : {"ids.i64", "hashes.u64", "thumbnails.u8", "descriptors.f32", "files.i64",
                             "paths.bytes", "retired.i64"}) {
    std::ofstream(first.location() / column, std::ios::binary | std::ios::app) << "leftover of a crash";
  }
  CHECK(collection::open(scratch.path).descriptor(0) == first.descriptor(0));
  write_waves(scratch.path, "b.png", 2);
  const auto second = build(scratch.path);
  CHECK(names(second) == std::vector<std::string>{"a.png", "b.png"});
  CHECK(second.descriptor(second.id(1)) == color_grid(to_float(to_bytes(test::waves(2)))));
  CHECK(fs::file_size(second.location() / "ids.i64") == 2 * sizeof(std::int64_t));
}

TEST_CASE("a full disk is an error, and the old store stays as it was") {
  const scratch_folder scratch;
  for (int i = 0; i < 3; ++i) write_waves(scratch.path, sentence(i, ".png"), i);
  const auto before = build(scratch.path);
  const auto size_before = fs::file_size(before.location() / "thumbnails.u8");
  for (int i = 3; i < 9; ++i) write_waves(scratch.path, sentence(i, ".png"), i);
  {
    const full_disk limit(size_before + 5000);
    const std::string message = message_of<file_error>([&] { build(scratch.path); });
    CHECK(message.find("thumbnails.u8") != std::string::npos);
    CHECK(message.find("File too large") != std::string::npos);
    const auto meanwhile = collection::open(scratch.path);
    CHECK(meanwhile.size() == 3);
    CHECK(meanwhile.thumbnail(meanwhile.id(2)) == before.thumbnail(before.id(2)));
  }
  CHECK(build(scratch.path).report().added == 6);
}

TEST_CASE("a folder that cannot be written is an error that names it") {
  if (::geteuid() == 0) {
    // The superuser may write everywhere, but not below a file.
    const scratch_folder scratch;
    write_waves(scratch.path, "a.png", 1);
    const fs::path store = scratch.path / "a.png" / "store";
    CHECK(message_of<file_error>([&] {
            collection::build(scratch.path, {.store = store});
          }).find(store.string()) != std::string::npos);
    return;
  }
  const scratch_folder scratch, locked;
  write_waves(scratch.path, "a.png", 1);
  fs::permissions(locked.path, fs::perms::owner_read | fs::perms::owner_exec);
  CHECK(message_of<file_error>([&] {
          collection::build(scratch.path, {.store = locked.path / "s"});
        }).find("Permission") != std::string::npos);
  fs::permissions(locked.path, fs::perms::owner_all);
}

TEST_CASE("photographs that may not be written to are described in the user's cache") {
  const scratch_folder scratch, cache;
  write_waves(scratch.path, "a.png", 1);
  const char* const configured = std::getenv("XDG_CACHE_HOME");
  const std::string before = configured == nullptr ? "" : configured;
  ::setenv("XDG_CACHE_HOME", cache.path.c_str(), 1);
  fs::permissions(scratch.path, fs::perms::owner_read | fs::perms::owner_exec);
  const fs::path store = detail::default_store(scratch.path);
  if (::geteuid() == 0) {
    CHECK(store == scratch.path / ".lookalike");  // to whom nothing is forbidden
  } else {
    CHECK(store.parent_path() == cache.path / "lookalike");
    CHECK(build(scratch.path).location() == store);
    CHECK(collection::open(scratch.path).size() == 1);
  }
  fs::permissions(scratch.path, fs::perms::owner_all);
  configured == nullptr ? ::unsetenv("XDG_CACHE_HOME") : ::setenv("XDG_CACHE_HOME", before.c_str(), 1);
}

TEST_CASE("damaged stores are errors that say what is wrong and what to do") {
  const scratch_folder scratch;
  for (int i = 0; i < 3; ++i) write_waves(scratch.path, sentence(i, ".png"), i);
  const fs::path store = build(scratch.path).location();
  const std::string manifest = content(store / "manifest");
  const auto opening = [&] { return message_of<file_error>([&] { collection::open(scratch.path); }); };
  const auto building = [&] { return message_of<file_error>([&] { build(scratch.path); }); };
  REQUIRE(opening() == "(no error)");

  SECTION("a manifest that was cut short") {
    for (std::size_t length = 0; length < manifest.size(); ++length) {
      std::ofstream(store / "manifest", std::ios::binary) << manifest.substr(0, length);
      INFO("cut to " << length);
      REQUIRE(opening().find("build it again") != std::string::npos);
    }
  }
  SECTION("a manifest with a changed byte") {
    for (std::size_t at = 0; at < manifest.size(); ++at) {
      std::string changed = manifest;
      changed[at] = static_cast<char>(changed[at] ^ 1);
      std::ofstream(store / "manifest", std::ios::binary) << changed;
      INFO("byte " << at);
      REQUIRE(opening() != "(no error)");
    }
  }
  SECTION("another version") {
    std::string other = manifest;
    other.replace(0, std::string("lookalike collection 2").size(), "lookalike collection 7");
    std::ofstream(store / "manifest", std::ios::binary) << other;
    CHECK(opening().find("it has version 7, wanted 1 to 2") != std::string::npos);
    CHECK(building().find("it has version 7, wanted 1 to 2") != std::string::npos);
  }
  SECTION("columns that were cut short or are missing") {
    for (const char* column :
         {"ids.i64", "hashes.u64", "thumbnails.u8", "descriptors.f32", "files.i64", "paths.bytes"}) {
      const std::string whole = content(store / column);
      std::ofstream(store / column, std::ios::binary) << whole.substr(0, whole.size() - 1);
      INFO(column);
      CHECK(opening().find(column) != std::string::npos);
      CHECK(building().find(column) != std::string::npos);
      fs::remove(store / column);
      CHECK(opening().find("No such file") != std::string::npos);
      std::ofstream(store / column, std::ios::binary) << whole;
      REQUIRE(opening() == "(no error)");
    }
  }
  SECTION("columns that contradict the manifest never crash") {
    for (const char* column : {"files.i64", "paths.bytes"}) {
      const std::string whole = content(store / column);
      std::ofstream(store / column, std::ios::binary) << std::string(whole.size(), '\x7e');
      INFO(column);
      CHECK(opening().find("contradict") != std::string::npos);
      std::ofstream(store / column, std::ios::binary) << whole;
    }
  }
}

TEST_CASE("what is no collection, or one of another folder or encoder, is refused") {
  const scratch_folder scratch, other;
  write_waves(scratch.path, "a.png", 1);
  write_waves(other.path, "b.png", 2);
  CHECK(message_of<file_error>([&] { collection::open(scratch.path); }).find("holds no collection") !=
        std::string::npos);
  CHECK(message_of<file_error>([&] { collection::open(scratch.path / "missing"); }).find("No such file") !=
        std::string::npos);
  CHECK(message_of<file_error>([&] { build(scratch.path / "a.png"); }).find("it is a file") !=
        std::string::npos);
  CHECK(message_of<file_error>([&] {
          collection::build(scratch.path, {.store = other.path});
        }).find("it holds other things ('b.png')") != std::string::npos);
  CHECK_FALSE(fs::exists(other.path / "manifest"));

  const fs::path store = other.path / "store";
  collection::build(scratch.path, {.store = store, .encoder = quick()});
  CHECK(message_of<file_error>([&] {
          collection::build(other.path, {.store = store, .encoder = quick()});
        }).find("describes the folder '" + scratch.path.string()) != std::string::npos);
  CHECK(message_of<file_error>([&] {
          collection::build(scratch.path, {.store = store});
        }).find("the encoder yields gist(") != std::string::npos);
}

TEST_CASE("one process at a time adds to a store") {
  const scratch_folder scratch;
  write_waves(scratch.path, "a.png", 1);
  const auto photos = build(scratch.path);
  const int lock = ::open((photos.location() / "lock").c_str(), O_RDWR);
  REQUIRE(::flock(lock, LOCK_EX) == 0);
  CHECK(message_of<file_error>([&] { build(scratch.path); }).find("another process is adding to it") !=
        std::string::npos);
  CHECK(collection::open(scratch.path).size() == 1);  // readers do not mind
  ::close(lock);
  CHECK(build(scratch.path).size() == 1);
}

TEST_CASE("a collection of nothing can be built, opened and searched") {
  const scratch_folder scratch;
  const auto photos = build(scratch.path);
  CHECK(photos.empty());
  CHECK(collection::open(scratch.path).empty());
  const matches found = photos.search(color_grid(test::waves(1)), {.k = 2});
  CHECK(found.count == 0);
  CHECK(found.ids == std::vector<std::int64_t>{-1, -1});
  CHECK_THROWS_AS(photos.id(0), value_error);
  write_waves(scratch.path, "a.png", 1);
  const auto one = build(scratch.path);
  CHECK(one.search(color_grid(test::waves(5)), {.k = 2}).count == 1);
}

TEST_CASE("a handle that holds nothing says so") {
  const collection nothing;
  CHECK_THROWS_AS(nothing.size(), value_error);
  CHECK_THROWS_AS(nothing.search(color_grid(test::waves(1))), value_error);
}

TEST_CASE("searches from many threads see the same collection") {
  const scratch_folder scratch;
  for (int i = 0; i < 30; ++i) write_waves(scratch.path, sentence(i, ".png"), i);
  const auto photos = build(scratch.path);
  std::vector<matches> found(4);
  {
    std::vector<std::jthread> workers;
    for (auto& result : found) {
      workers.emplace_back([&] { result = photos.search(color_grid(test::waves(3)), {.k = 5}); });
    }
  }
  for (const auto& result : found) CHECK(result.ids == found[0].ids);
}

TEST_CASE("a user's encoder can describe a collection") {
  struct mean_color {
    descriptor operator()(const image<3>& picture) const {
      descriptor d{blocks(), {0, 0, 0}, {1}};
      for (std::size_t i = 0; i < picture.values().size(); ++i) {
        d.values[i % 3] += picture.data()[i] / static_cast<float>(picture.area());
      }
      return d;
    }
    std::vector<descriptor_block> blocks() const { return {{"mean_color", 1, 3}}; }
    int sufficient_side() const { return 1; }
  };
  const scratch_folder scratch;
  for (int i = 0; i < 4; ++i) write_waves(scratch.path, sentence(i, ".png"), i);
  const auto photos = collection::build(scratch.path, {.encoder = mean_color{}});
  const matches found = photos.search(mean_color{}(to_float(to_bytes(test::waves(2)))), {.k = 1});
  CHECK(photos.path(found.ids[0]).filename() == "2.png");
}

TEST_CASE("real photographs: each is nearest to itself, and to itself with a hole") {
  const char* const data = std::getenv("LOOKALIKE_DATA");
  if (data == nullptr) {
    WARN("LOOKALIKE_DATA is not set: no real photographs to describe");
    return;
  }
  const scratch_folder scratch;
  const auto photos =
      collection::build(fs::path(data) / "photos" / "bsds", {.store = scratch.path / "store"});
  CHECK(photos.size() >= 300);
  CHECK(photos.report().skipped.empty());
  for (std::int64_t i = 0; i < photos.size(); i += 30) {
    const std::int64_t id = photos.id(i);
    masked_image query{photos.read(id), {}};
    query.hole = mask(query.picture.height(), query.picture.width());
    CHECK(photos.search(scene_descriptor(query), {.k = 1}).ids[0] == id);
    for (int y = 100; y < 200; ++y) {
      for (int x = 100; x < 200; ++x) query.hole(y, x) = 1;
    }
    const matches found = photos.search(scene_descriptor(query), {.k = 3, .leave_out = {id}});
    CHECK(found.count == 3);
    CHECK(std::find(found.ids.begin(), found.ids.end(), id) == found.ids.end());
  }
}

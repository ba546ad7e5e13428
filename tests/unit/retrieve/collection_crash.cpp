// What happens to a store when its writer is killed, when readers read meanwhile, and when its files are
// damaged.

#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <iterator>
#include <map>
#include <string>
#include <vector>

#include <catch2/catch.hpp>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <lookalike/core/random.hpp>
#include <lookalike/retrieve/collection.hpp>
#include <lookalike/retrieve/color_grid.hpp>

#include "scratch.hpp"
#include "store_of_items.hpp"

namespace {

using namespace lookalike;
using test::content;
using test::write;
using namespace test;
namespace fs = std::filesystem;

/// Runs `work` in a process of its own.
template <class Work>
::pid_t in_child(const Work& work) {
  const ::pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    try {
      const thread_scope one(1);
      work();
    } catch (...) {
      ::_exit(1);
    }
    ::_exit(0);
  }
  return child;
}

/// Returns when the manifest is another file, or after a second.
void wait_for_commit(const fs::path& store) {
  const auto inode = [&] {
    struct stat status {};
    return ::stat((store / "manifest").c_str(), &status) == 0 ? status.st_ino : 0;
  };
  const auto before = inode();
  for (int i = 0; i < 5000 && inode() == before; ++i) ::usleep(200);
}

}  // namespace

TEST_CASE("a writer killed at any moment, whatever it does, leaves the last commit, and the next goes on") {
  const scratch_folder scratch;
  const fs::path folder = scratch.path / "s";
  collection::create(folder);
  const auto open = [&] { return collection::open(folder); };
  constexpr std::int64_t steps = 4000;
  truth expected;  // after `done` steps
  std::int64_t done = 0;
  int kills = 0;
  for (int attempt = 0; attempt < 40; ++attempt) {
    const ::pid_t child = in_child([&] {
      truth known = expected;
      for (std::int64_t n = done; n < steps; ++n) live_a_step(n, known, open, true);
    });
    // A few commits later, and a moment after that: wherever it is then.
    for (std::uint64_t commits = mixed(attempt, 0, 0) % 6; commits > 0; --commits) wait_for_commit(folder);
    ::usleep(static_cast<unsigned>(mixed(attempt, 0, 1) % 4000));
    ::kill(child, SIGKILL);
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    kills += WIFSIGNALED(status) ? 1 : 0;
    if (WIFEXITED(status)) REQUIRE(WEXITSTATUS(status) == 0);

    const auto store = open();
    REQUIRE(store.verify().empty());
    REQUIRE(is_true(store));
    const truth found = truth_of(store);
    while (found != expected && done < steps) live_a_step(done++, expected, open, false);
    REQUIRE(found == expected);  // the state after some step
  }
  CHECK(kills > 20);
  CHECK(done > 40);
  add_made_up(open(), {999'999'999}, 1);
  const auto last = open().compact();
  expected[999'999'999] = 1;
  CHECK(truth_of(last) == expected);
  for (const auto& entry : fs::directory_iterator(folder)) {
    CHECK(entry.path().extension() != ".tmp");  // what the dead left is tidied up
  }
}

TEST_CASE("readers open, refresh and verify while a writer adds, replaces, removes and compacts") {
  const scratch_folder scratch;
  const fs::path folder = scratch.path / "s";
  collection::create(folder);
  const auto open = [&] { return collection::open(folder); };
  constexpr std::int64_t steps = 120;
  const ::pid_t child = in_child([&] {
    truth known;
    for (std::int64_t n = 0; n < steps; ++n) live_a_step(n, known, open, true);
  });
  int status = 0, looks = 0;
  std::vector<collection> handles;
  std::vector<truth> shown;
  while (::waitpid(child, &status, WNOHANG) == 0) {
    const auto store = handles.empty() ? open() : handles.back().refresh();
    REQUIRE(is_true(store));
    REQUIRE(store.verify().empty());
    if (handles.size() < 50) {
      handles.push_back(store);
      shown.push_back(truth_of(store));
    }
    ++looks;
  }
  REQUIRE(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
  CHECK(looks > 0);
  for (std::size_t i = 0; i < handles.size(); ++i) {
    REQUIRE(truth_of(handles[i]) == shown[i]);
    REQUIRE(is_true(handles[i]));
  }
  truth expected;
  for (std::int64_t n = 0; n < steps; ++n) live_a_step(n, expected, open, false);
  CHECK(truth_of(open()) == expected);
}

TEST_CASE("verify names the file and the entries that are damaged") {
  const scratch_folder scratch;
  std::vector<std::int64_t> ids;
  for (std::int64_t id = 0; id < 100; ++id) ids.push_back(id);
  const auto store = add_made_up(collection::create(scratch.path / "s"), ids, 1);
  const std::string file = store.state().committed().find("thumbnails")->file;
  const fs::path path = store.location() / file;
  const std::string whole = content(path);
  REQUIRE(whole.size() > 4 * detail::check_block);
  const auto damage_at = [&](std::size_t at) {
    std::string changed = whole;
    changed[at] = static_cast<char>(changed[at] ^ 16);
    write(path, changed);
    return collection::open(scratch.path / "s").verify();
  };
  const auto in_second = damage_at(65536 + 5);
  REQUIRE(in_second.size() == 1);
  CHECK(in_second[0].file == file);
  CHECK(in_second[0].what == "bytes 65536 to 131071 are damaged (entries 21 to 42)");
  const auto in_rest = damage_at(whole.size() - 1);
  REQUIRE(in_rest.size() == 1);
  CHECK(in_rest[0].what.find("entries 85 to 99") != std::string::npos);
  CHECK_THROWS_AS(add_made_up(store, {200}, 1), file_error);  // nothing is built upon a damaged end
  write(path, whole);
  const std::string sums = content(path.string() + ".sums");
  REQUIRE(sums.size() == 4 * 8);
  std::string changed = sums;
  changed[9] = static_cast<char>(changed[9] ^ 1);
  write(path.string() + ".sums", changed);
  const auto of_sums = collection::open(scratch.path / "s").verify();
  REQUIRE(of_sums.size() == 1);
  CHECK(of_sums[0].file == file + ".sums");
  write(path.string() + ".sums", sums);
  CHECK(collection::open(scratch.path / "s").verify().empty());
}

TEST_CASE("any damage to any file is an error, is found by verify, or does no harm") {
  const scratch_folder scratch;
  for (int i = 0; i < 4; ++i) write_waves(scratch.path / "photos", sentence(i, ".png"), i);
  const fs::path of_items = scratch.path / "items", of_folder = scratch.path / "photos" / ".lookalike";
  std::vector<std::int64_t> ids;
  for (std::int64_t id = 0; id < 30; ++id) ids.push_back((id * 7) % 31);
  const auto items =
      add_made_up(collection::create(of_items), ids, 1).remove(std::vector<std::int64_t>{3, 4});
  collection::build(scratch.path / "photos", {.encoder = color_grid}).remove(std::vector<std::int64_t>{1});
  const truth expected = truth_of(items);
  const auto photos = collection::open(of_folder);
  const descriptor second = photos.descriptor(2);

  int errors = 0, found = 0, harmless = 0;
  for (const fs::path& folder : {of_items, of_folder}) {
    std::map<fs::path, std::string> files;
    for (const auto& entry : fs::directory_iterator(folder)) files[entry.path()] = content(entry.path());
    for (std::int64_t round = 0; round < 600; ++round) {
      const auto chance = [&](std::int64_t what) { return mixed(round, folder == of_items ? 0 : 1, what); };
      const auto& [path, whole] =
          *std::next(files.begin(), static_cast<std::ptrdiff_t>(chance(0) % files.size()));
      std::string changed = whole;
      const std::size_t at = changed.empty() ? 0 : chance(1) % changed.size();
      switch (chance(2) % 5) {
        case 0:
          changed.resize(at);
          break;
        case 1:
          changed += whole.substr(0, at) + "more";
          break;
        case 2:
          changed = std::next(files.begin(), static_cast<std::ptrdiff_t>(chance(3) % files.size()))->second;
          break;
        case 3:
          for (std::size_t i = at; i < std::min(changed.size(), at + 16); ++i) {
            changed[i] = static_cast<char>(chance(4 + static_cast<std::int64_t>(i)));
          }
          break;
        default:
          if (!changed.empty()) changed[at] = static_cast<char>(changed[at] ^ (1 << (chance(4) % 8)));
      }
      write(path, changed);
      INFO(path << ", round " << round);
      try {
        const auto store = collection::open(folder);
        bool is_whole = false;
        try {  // reading what is damaged may say so, or give wrong values, but nothing worse
          is_whole = folder == of_items ? truth_of(store) == expected && is_true(store)
                                        : store.size() == 3 && store.descriptor(2) == second &&
                                              store.path(0) == photos.path(0);
        } catch (const error&) {
        }
        const bool is_found = !store.verify().empty();
        found += is_found ? 1 : 0;
        harmless += is_found ? 0 : 1;
        REQUIRE((is_found || is_whole));
      } catch (const file_error&) {
        ++errors;
      }
      write(path, whole);
    }
    CHECK(collection::open(folder).verify().empty());
  }
  CHECK(errors > 100);
  CHECK(found > 100);
  CHECK(harmless > 10);
}

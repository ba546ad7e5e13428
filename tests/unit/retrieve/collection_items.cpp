#include <algorithm>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <limits>
#include <string>
#include <vector>

#include <catch2/catch.hpp>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <lookalike/retrieve/collection.hpp>
#include <lookalike/retrieve/color_grid.hpp>
#include <lookalike/retrieve/near_duplicates.hpp>

#include "../full_disk.hpp"
#include "scratch.hpp"
#include "store_of_items.hpp"

namespace {

using namespace lookalike;
using test::add_made_up;
using test::is_true;
using test::made_up_items;
using test::message_of;
using test::scratch_folder;
using test::truth;
using test::truth_of;
using test::write_waves;
namespace fs = std::filesystem;

using id_list = std::vector<std::int64_t>;

bool says(const std::string& message, const std::string& part) {
  INFO(message);
  return message.find(part) != std::string::npos;
}

id_list ids_of(const collection& store) {
  id_list all;
  for (std::int64_t i = 0; i < store.size(); ++i) all.push_back(store.id(i));
  return all;
}

std::uintmax_t bytes_in(const fs::path& folder) {
  std::uintmax_t bytes = 0;
  for (const auto& entry : fs::directory_iterator(folder)) bytes += entry.file_size();
  return bytes;
}

id_list from_to(std::int64_t first, std::int64_t end) {
  id_list all;
  for (std::int64_t id = first; id < end; ++id) all.push_back(id);
  return all;
}

}  // namespace

TEST_CASE("items come back as they were given, whatever their ids") {
  const scratch_folder scratch;
  auto store = collection::create(scratch.path / "s");
  CHECK(store.empty());
  CHECK(store.columns().empty());
  store = add_made_up(store, {50, 3, 1'000'000'000'000, 0}, 4);
  store = add_made_up(store, {7, 51}, 5);
  CHECK(ids_of(store) == id_list{50, 3, 1'000'000'000'000, 0, 7, 51});
  CHECK(is_true(store));
  CHECK(store.label(7) == 5);
  CHECK(store.contains(3));
  CHECK_FALSE(store.contains(4));
  CHECK_THROWS_AS(store.label(4), value_error);
  REQUIRE(store.columns().size() == 2);
  CHECK(store.column("code").info() == column_info{"code", column_type::float32, 7, "made up", {}});
  CHECK(store.column("code").pitch() == 7);
  CHECK(collection::open(scratch.path / "s").verify().empty());
  CHECK(says(message_of([&] { store.path(3); }), "no file"));
  CHECK(to_bytes(store.read(3)) == store.thumbnail(3));
  CHECK(store.source()->read_photo(3) == store.thumbnail(3));
}

TEST_CASE("items without ids are numbered after the largest, and numbers are not used again") {
  const scratch_folder scratch;
  const std::vector<float> two(4, 1.0f);
  const auto add = [&](const collection& store) { return store.add({.columns = {{"v", {two, 2}}}}); };
  auto store = add(collection::create(scratch.path / "s"));
  CHECK(ids_of(store) == id_list{0, 1});
  store = store.add({.ids = {7, 5}, .columns = {{"v", {two, 2}}}});
  store = store.remove(id_list{7});
  CHECK(ids_of(add(store)) == id_list{0, 1, 5, 8, 9});
}

TEST_CASE("what does not fit the collection is refused in words that name both, and nothing is added") {
  const scratch_folder scratch;
  const auto store = add_made_up(collection::create(scratch.path / "s"), {1, 2}, 0);
  const auto refusal = [&](const std::function<void(made_up_items&)>& change) {
    made_up_items given({8, 9}, {0, 0});
    change(given);
    return message_of([&] { store.add(given.items); });
  };
  const float nan = std::numeric_limits<float>::quiet_NaN();
  CHECK(refusal([](auto&) {}) == "(no error)");
  const auto before = store.refresh();
  CHECK(says(refusal([](auto& given) {
               given.items.ids = {2, 10};
             }),
             "the id 2, which the collection holds"));
  CHECK(says(refusal([](auto& given) { given.items.ids = {10, 10}; }), "the id 10 twice"));
  CHECK(says(refusal([](auto& given) { given.items.ids = {10, -1}; }), "the id -1"));
  CHECK(says(refusal([](auto& given) {
               given.items.ids = {10};
               given.items.count = 2;
             }),
             "1 ids for 2 items"));
  CHECK(says(refusal([](auto& given) {
               given.items.labels = {1};
               given.items.ids = {20, 21};
             }),
             "1 labels"));
  made_up_items other({10, 11}, {0, 0});
  CHECK(says(refusal([&](auto& given) {
               given.items.ids = other.items.ids;
               given.items.columns["code"].encoder = "another";
             }),
             "float32 x 7 by 'another' for the column 'code', wanted float32 x 7 by 'made up'"));
  CHECK(says(refusal([&](auto& given) {
               given.items.ids = other.items.ids;
               given.items.columns["byte"] = {std::span<const float>(given.codes).first(2), 1};
             }),
             "float32 x 1 for the column 'byte', wanted uint8 x 1"));
  CHECK(says(refusal([&](auto& given) {
               given.items.ids = other.items.ids;
               given.items.columns["code"] = {std::span<const float>(given.codes).first(12), 6, "made up"};
             }),
             "float32 x 6 by 'made up' for the column 'code', wanted float32 x 7"));
  CHECK(says(refusal([&](auto& given) {
               given.items.ids = other.items.ids;
               given.items.columns.erase("byte");
             }),
             "without the column 'byte'"));
  CHECK(says(refusal([&](auto& given) {
               given.items.ids = other.items.ids;
               given.items.columns["new"] = given.items.columns["byte"];
             }),
             "the column 'new', wanted one of 'byte', 'code'"));
  CHECK(says(refusal([&](auto& given) {
               given.items.ids = other.items.ids;
               given.items.thumbnails = nullptr;
             }),
             "without pictures"));
  CHECK(says(refusal([&](auto& given) {
               given.items.ids = other.items.ids;
               given.codes[9] = nan;
             }),
             "not finite for the column 'code', in row 1"));
  const std::vector<std::uint16_t> halves{0x3c00, 0x7c00};
  CHECK(says(message_of([&] {
               collection::create(scratch.path / "h").add({.columns = {{"h", {halves, 1}}}});
             }),
             "not finite for the column 'h', in row 1"));
  for (const char* name : {"", "ids", "a b", "a/b", "labels", "deleted", "a.b"}) {
    INFO(name);
    CHECK(says(message_of([&] {
                 collection::create(scratch.path / "n").add({.columns = {{name, {halves, 1}}}});
               }),
               "wanted a name"));
    fs::remove_all(scratch.path / "n");
  }
  CHECK_THROWS_AS(column_values(std::span<const std::uint16_t>(halves), 3), value_error);
  CHECK(truth_of(store.refresh()) == truth_of(before));
  CHECK(store.refresh().verify().empty());
  CHECK(says(message_of([&] { collection::create(scratch.path / "s"); }), "there is a collection already"));
  write_waves(scratch.path, "a.png", 1);
  CHECK(says(message_of([&] { collection::build(scratch.path, {.store = scratch.path / "s"}); }),
             "describes no folder"));
}

TEST_CASE("removed items are not found, replaced ones are new, and earlier handles show what they showed") {
  const scratch_folder scratch;
  const auto first = add_made_up(collection::create(scratch.path / "s"), from_to(0, 40), 1);
  const auto second = first.remove(id_list{3, 17, 39});
  const auto third = second.replace(made_up_items({5, 38}, {9, 9}).items);
  CHECK(first.size() == 40);
  CHECK(second.size() == 37);
  CHECK(third.size() == 37);
  CHECK((is_true(first) && is_true(second) && is_true(third)));
  CHECK(second.label(5) == 1);
  CHECK(third.label(5) == 9);
  CHECK_FALSE(third.contains(17));
  CHECK(third.column("code").rows() == 42);
  CHECK_THROWS_AS(third.remove(id_list{17}), value_error);
  CHECK_THROWS_AS(third.remove(id_list{1, 1}), value_error);
  CHECK_THROWS_AS(third.replace(made_up_items({17}, {1}).items), value_error);
  CHECK(third.refresh().size() == 37);
  const auto fourth = add_made_up(third, {17}, 2);  // an id that somebody chooses may be chosen again
  CHECK(fourth.label(17) == 2);
  CHECK(near_duplicates(fourth, to_float(fourth.thumbnail(17)), {.correlation = 0.999f}) == id_list{17});
}

TEST_CASE("compaction keeps what can be found, gives the space back, and leaves open handles alone") {
  const scratch_folder scratch;
  auto store = add_made_up(collection::create(scratch.path / "s"), from_to(0, 200), 1);
  store = add_made_up(store, {1000, 900, 800}, 2).remove(from_to(10, 190));
  const auto before = store;
  const truth expected = truth_of(before);
  const auto bytes_before = bytes_in(store.location());
  store = store.compact();
  CHECK(bytes_in(store.location()) < bytes_before / 5);
  CHECK(truth_of(store) == expected);
  CHECK(ids_of(store) == ids_of(before));
  CHECK(is_true(store));
  CHECK(store.column("code").rows() == 23);
  CHECK(store.verify().empty());
  CHECK(is_true(before));
  CHECK(before.verify().empty());
  CHECK(truth_of(before.refresh()) == expected);
  store = add_made_up(store, from_to(10, 190), 3).compact().compact();
  CHECK(store.size() == 203);
  CHECK(is_true(store));
  CHECK(ids_of(add_made_up(store, {5000}, 1)).back() == 5000);
}

TEST_CASE("columns computed elsewhere stand side by side, also with rows that are gone") {
  const scratch_folder scratch;
  auto store = add_made_up(collection::create(scratch.path / "s"), {4, 8, 15, 16, 23}, 0).remove(id_list{8});
  const std::vector<std::uint16_t> halves{0x3c00, 0x0000, 0x4000, 0xbc00, 1, 2, 3, 4};
  store = store.add_column("half", {halves, 2, "by hand"});
  const auto column = store.column("half");
  CHECK(column.type() == column_type::float16);
  CHECK(column.rows() == 5);
  CHECK(column.row<std::uint16_t>(0)[1] == 0);
  CHECK(column.row<std::uint16_t>(2)[0] == 0x4000);
  CHECK(column.row<std::uint16_t>(4)[1] == 4);
  CHECK_FALSE(column.is_live(1));
  CHECK(column.live()[0] == 0b11101);
  CHECK(is_true(store));
  CHECK_THROWS_AS(column.row<float>(0), value_error);
  CHECK_THROWS_AS(column.row<std::uint16_t>(5), value_error);
  CHECK(says(message_of([&] { store.add_column("half", {halves, 2}); }), "is there already"));
  CHECK(says(message_of([&] {
               store.add_column("more", {halves, 1});
             }),
             "given 8 rows for the column 'more', wanted 4"));
  CHECK(says(message_of([&] { add_made_up(store, {1}, 0); }), "without the column 'half'"));
  const auto without = store.drop_column("half");
  CHECK_THROWS_AS(without.column("half"), value_error);
  CHECK(store.column("half").row<std::uint16_t>(4)[1] == 4);  // for whom it was there, it still is
  CHECK_FALSE(fs::exists(store.location() / "half.2.f16"));
  CHECK(add_made_up(without, {1}, 0).size() == 5);
  CHECK_THROWS_AS(without.drop_column("half"), value_error);
  CHECK_THROWS_AS(without.drop_column("thumbnails"), value_error);

  const std::vector<std::int32_t> labels{5, 6, 7, 8};
  const auto labeled =
      store.refresh().remove(id_list{1}).add_column("labels", {labels.data(), 4, 1, column_type::int32});
  CHECK(labeled.label(4) == 5);
  CHECK(labeled.label(23) == 8);
  CHECK(labeled.drop_column("labels").label(4) == -1);
}

TEST_CASE("pictures are described by any encoders, on add and later, and looked up by column") {
  const scratch_folder scratch;
  collection_items items{.count = 70,
                         .picture = [](std::int64_t i) { return test::waves(static_cast<int>(i)); }};
  items.encoders = {{"colors", color_grid}};
  auto store = collection::create(scratch.path / "s").add(items);
  CHECK(store.size() == 70);
  CHECK(store.thumbnail(33) == make_thumbnail(test::waves(33)));
  CHECK(store.descriptor(33, "colors") == color_grid(test::waves(33)));
  const matches found = store.search(color_grid(test::waves(41)), {.k = 2}, "colors");
  CHECK(found.ids[0] == 41);
  CHECK(found.distances[0] == 0.0f);
  store = store.add_column("gist", gist);
  CHECK(store.descriptor(12, "gist") == gist(to_float(store.thumbnail(12))));
  CHECK(store.column("gist").dimension() == static_cast<std::int64_t>(value_count(gist.blocks())));
  CHECK(store.column("gist").pitch() > store.column("gist").dimension());
  CHECK(says(message_of([&] { store.search(gist(test::waves(1)), {}, "colors"); }), "wanted color_grid"));
  CHECK(says(message_of([&] { store.search(gist(test::waves(1))); }),
             "the column 'descriptors', wanted one of"));
  items.encoders["gist"] = color_grid;
  CHECK(says(message_of([&] { store.add(items); }), "given an encoder to color_grid"));

  // Values of the same encoder, computed elsewhere, are as good.
  const descriptor d = color_grid(test::waves(99)), g = gist(test::waves(99));
  const byte_image small = make_thumbnail(test::waves(99));
  const auto more = store.add({.columns = {{"colors", {d.values, 48, describe_blocks(d.blocks)}},
                                           {"gist", {g.values, 480, describe_blocks(g.blocks)}}},
                               .thumbnails = small.data()});
  CHECK(more.descriptor(70, "colors") == d);
  CHECK(more.search(g, {.k = 1}, "gist").ids[0] == 70);
  CHECK(more.verify().empty());
}

TEST_CASE("a folder's photographs can be removed for good, have further columns, and be compacted") {
  const scratch_folder scratch;
  for (int i = 0; i < 6; ++i) write_waves(scratch.path, sentence(i, ".png"), i);
  const auto build = [&](std::map<std::string, picture_encoder> columns = {}) {
    return collection::build(scratch.path, {.encoder = color_grid, .columns = std::move(columns)});
  };
  auto photos = build();
  photos = photos.remove(id_list{2});
  CHECK(photos.size() == 5);
  CHECK(build().report().unchanged == 6);
  photos = photos.add_column("gist", gist);
  const image<3> picture = to_float(to_bytes(test::waves(4)));
  CHECK(photos.descriptor(4, "gist") == gist(picture));
  CHECK(photos.search(gist(picture), {.k = 1}, "gist").ids[0] == 4);
  write_waves(scratch.path, "new.png", 77);
  fs::remove(scratch.path / "0.png");
  CHECK(says(message_of([&] { build(); }), "its column 'gist' holds"));
  CHECK(says(message_of([&] { build({{"gist", color_grid}}); }), "the encoder yields color_grid"));
  CHECK(says(message_of([&] { build({{"gist", gist}, {"more", gist}}); }), "no column 'more'"));
  photos = build({{"gist", gist}});
  CHECK(photos.report().added == 1);
  CHECK(photos.size() == 5);
  const id_list before = ids_of(photos);
  photos = photos.compact();
  CHECK(ids_of(photos) == before);
  CHECK(photos.verify().empty());
  CHECK(photos.path(6).filename() == "new.png");
  CHECK(photos.descriptor(6, "gist") == gist(to_float(to_bytes(test::waves(77)))));
  CHECK(photos.state().files().size() == 6);
  const auto again = build({{"gist", gist}});
  CHECK(again.report().unchanged == 6);
  CHECK(again.size() == 5);
  CHECK(says(message_of([&] { photos.add({.count = 1}); }), "describes a folder"));
  CHECK_THROWS_AS(photos.drop_column("descriptors"), value_error);
  fs::remove(scratch.path / "4.png");
  CHECK_THROWS_AS(photos.drop_column("gist").add_column("gist", gist), file_error);
  CHECK(photos.refresh().size() == 5);
}

TEST_CASE("stores of the first version open, and become the second when they are written to") {
  const scratch_folder scratch;
  for (int i = 0; i < 40; ++i) write_waves(scratch.path, sentence(10 + i, ".png"), i);
  auto photos = collection::build(scratch.path, {.encoder = color_grid});
  fs::remove(scratch.path / "12.png");
  photos = collection::build(scratch.path, {.encoder = color_grid});
  const auto d = photos.descriptor(17);
  const fs::path store = photos.location();
  std::ostringstream old;  // as it was written then
  old << "lookalike collection 1\nphotographs ..\n";
  for (const auto& block : photos.blocks()) {
    old << "block " << block.cells << ' ' << block.values_per_cell << ' ' << block.importance << ' '
        << block.name << '\n';
  }
  old << "rows 40\nfiles 40\npath_bytes 280\nretired 1\n";
  std::ofstream(store / "manifest", std::ios::binary) << old.str() << detail::check_line(old.str());
  fs::remove(store / "deleted.i64");
  fs::remove(store / "thumbnails.u8.sums");

  photos = collection::open(scratch.path);
  CHECK(photos.size() == 39);
  CHECK(photos.descriptor(17) == d);
  CHECK(photos.verify().empty());
  CHECK(collection::build(scratch.path, {.encoder = color_grid}).report().unchanged == 39);
  write_waves(scratch.path, "new.png", 77);
  const auto more = collection::build(scratch.path, {.encoder = color_grid});
  CHECK(more.size() == 40);
  CHECK(more.state().committed().version == 2);
  CHECK(fs::file_size(store / "thumbnails.u8.sums") == 8);
  CHECK(more.verify().empty());
  CHECK(more.remove(id_list{17}).compact().verify().empty());
  CHECK(more.remove(id_list{18}).size() == 38);
}

TEST_CASE("a disk that is full while items are added, replaced or compacted loses nothing") {
  const scratch_folder scratch;
  const auto before =
      add_made_up(collection::create(scratch.path / "s"), from_to(0, 60), 1).remove(id_list{9});
  const truth expected = truth_of(before);
  {
    const full_disk limit(60 * thumbnail_size + 1000);
    CHECK(says(message_of([&] { add_made_up(before, {100, 101}, 2); }), "File too large"));
    CHECK(says(message_of([&] { before.replace(made_up_items({1}, {2}).items); }), "File too large"));
  }
  {
    const full_disk limit(50 * thumbnail_size);
    CHECK(says(message_of([&] { before.compact(); }), "File too large"));
    CHECK(says(message_of([&] {
                 before.add_column("big", {std::vector<float>(59 * 4000), 4000});
               }),
               "File too large"));
  }
  const auto after = before.refresh();
  CHECK(truth_of(after) == expected);
  CHECK(is_true(after));
  CHECK(after.verify().empty());
  CHECK(add_made_up(after, {100, 101}, 2).compact().size() == 61);
}

TEST_CASE("one writer at a time, whatever it does") {
  const scratch_folder scratch;
  const auto store = add_made_up(collection::create(scratch.path / "s"), {1, 2}, 1);
  const int lock = ::open((store.location() / "lock").c_str(), O_RDWR);
  REQUIRE(::flock(lock, LOCK_EX) == 0);
  const auto is_refused = [](const std::function<void()>& action) {
    return says(message_of(action), "another process is adding to it");
  };
  CHECK(is_refused([&] { add_made_up(store, {3}, 1); }));
  CHECK(is_refused([&] { store.remove(id_list{1}); }));
  CHECK(is_refused([&] { store.compact(); }));
  CHECK(is_refused([&] { store.drop_column("code"); }));
  CHECK(is_true(store.refresh()));
  ::close(lock);
  CHECK(store.remove(id_list{1}).size() == 1);
}

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <numeric>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include <lookalike/core/files.hpp>
#include <lookalike/core/parallel.hpp>
#include <lookalike/core/random.hpp>
#include <lookalike/retrieve/approximate_index.hpp>
#include <lookalike/retrieve/gist.hpp>
#include <lookalike/retrieve/lookup.hpp>
#include <lookalike/retrieve/recall.hpp>
#include <lookalike/retrieve/vector_index.hpp>
#include <lookalike/stage/pipeline.hpp>

#include "random_rows.hpp"
#include "scratch.hpp"

namespace {

using namespace lookalike;
using test::row_of;

static_assert(lookalike::index<approximate_index>);
static_assert(stage<lookup_stage<approximate_index>>);
static_assert(std::is_same_v<decltype(gist | lookup(std::declval<approximate_index>(), 1))::output, matches>);

/// Points around `clusters` centers, as descriptors of real pictures are rather than evenly spread.
tensor<float> clustered_rows(std::int64_t count, std::int64_t dimension, std::uint64_t seed,
                             std::int64_t clusters = 50) {
  random_sequence center_values(99);
  std::vector<float> centers(static_cast<std::size_t>(clusters * dimension));
  for (float& value : centers) value = static_cast<float>(center_values.normal());
  random_sequence random(seed);
  tensor<float> rows(count, dimension);
  for (std::int64_t row = 0; row < count; ++row) {
    const auto center = static_cast<std::int64_t>(random.uniform() * static_cast<double>(clusters));
    for (std::int64_t i = 0; i < dimension; ++i) {
      rows(row, i) = centers[static_cast<std::size_t>(center * dimension + i)] +
                     0.7f * static_cast<float>(random.normal());
    }
  }
  return rows;
}

constexpr std::int64_t row_count = 4000, row_length = 24;

const tensor<float>& known_rows() {
  static const tensor<float> rows = clustered_rows(row_count, row_length, 1);
  return rows;
}
const tensor<float>& query_rows() {
  static const tensor<float> rows = clustered_rows(100, row_length, 2);
  return rows;
}
const approximate_index& known_index() {
  static const approximate_index known(known_rows());
  return known;
}

/// Ids and distances of all queries, to compare.
std::pair<std::vector<std::int64_t>, std::vector<float>> answers(const approximate_index& known,
                                                                 const approximate_search_options& options = {
                                                                     .candidates = 20}) {
  std::pair<std::vector<std::int64_t>, std::vector<float>> all;
  for (const matches& found : known.search(query_rows(), options)) {
    all.first.insert(all.first.end(), found.ids.begin(), found.ids.end());
    all.second.insert(all.second.end(), found.distances.begin(), found.distances.end());
  }
  return all;
}

}  // namespace

TEST_CASE("an approximate index finds nearly all that an exact one does, with the same distances") {
  const vector_index exact(known_rows());
  const approximate_index& known = known_index();
  CHECK(known.size() == row_count);
  CHECK(known.dimension() == row_length);
  double mean = 0;
  const std::vector<matches> found = known.search(query_rows(), {.k = 10, .candidates = 60});
  for (std::int64_t i = 0; i < query_rows().batch(); ++i) {
    const matches& some = found[static_cast<std::size_t>(i)];
    const matches all = exact.search(row_of(query_rows(), i), {.k = static_cast<int>(row_count)});
    CHECK_FALSE(some.certified);
    CHECK(some.count == 10);
    CHECK(std::is_sorted(some.distances.begin(), some.distances.end()));
    for (std::size_t place = 0; place < 10;
         ++place) {  // each id with the distance that the exact search gives
      const auto at = std::find(all.ids.begin(), all.ids.end(), some.ids[place]);
      REQUIRE(at != all.ids.end());
      CHECK(all.distances[static_cast<std::size_t>(at - all.ids.begin())] == some.distances[place]);
    }
    const matches best = exact.search(row_of(query_rows(), i), {.k = 10});
    int hits = 0;
    for (const std::int64_t id : some.ids)
      hits += static_cast<int>(std::count(best.ids.begin(), best.ids.end(), id));
    mean += hits / 10.0 / 100;
  }
  CHECK(mean > 0.95);
  CHECK(known.measure_recall(query_rows(), {.k = 10, .candidates = 60}) == Approx(mean).margin(1e-9));
  // More candidates find more, and all of them find all.
  CHECK(known.measure_recall(query_rows(), {.k = 10, .candidates = 10}) < mean);
  CHECK(known.measure_recall(query_rows(), {.k = 10, .candidates = static_cast<int>(row_count)}) == 1);
}

TEST_CASE("looking up as a stage gives what the approximate index gives") {
  const auto find = lookup(known_index(), 5, {.candidates = 30});
  const matches found = find(row_of(query_rows(), 3));
  CHECK(found.ids == known_index().search(row_of(query_rows(), 3), {.k = 5, .candidates = 30}).ids);
}

TEST_CASE("approximate searches give the same for any number of threads, and for the same seed") {
  const auto expected = answers(known_index());
  for (const int count : {1, 3}) {
    const thread_scope scope(count);
    CHECK(answers(known_index()) == expected);
    CHECK(answers(approximate_index(known_rows())) == expected);
  }
  CHECK(answers(approximate_index(known_rows(), {}, {.seed = 5})) != expected);
}

// hnswlib draws an entry's layers from one generator without a lock, which does no harm.
#if !defined(__SANITIZE_THREAD__)
TEST_CASE("a graph that several threads link finds as much") {
  const thread_scope scope(3);
  const approximate_index known(known_rows(), {}, {.deterministic = false});
  CHECK(known.size() == row_count);
  CHECK(known.measure_recall(query_rows(), {.k = 10, .candidates = 60}) > 0.95);
}
#endif

TEST_CASE("few vectors are all measured, those at equal distance come by id") {
  tensor<float> rows(8, 2);
  std::vector<std::int64_t> ids;
  for (int i = 0; i < 8; ++i) {
    rows(i, 0) = i % 2 == 0 ? 1.0f : -1.0f;
    rows(i, 1) = i / 2 % 2 == 0 ? 1.0f : -1.0f;
    ids.push_back(100 - 7 * i);
  }
  const approximate_index known(rows, ids);
  const matches found = known.search(std::vector<float>{0, 0}, {.k = 5});
  CHECK(found.ids == std::vector<std::int64_t>{51, 58, 65, 72, 79});
  const matches all = known.search(std::vector<float>{0, 0}, {.k = 9});
  CHECK(all.count == 8);
  CHECK(all.ids.back() == -1);
  CHECK(all.distances.back() == std::numeric_limits<float>::infinity());
  CHECK(known.search(tensor<float>(0, 2)).empty());
}

TEST_CASE("filters of an approximate search lose nothing, however few they allow") {
  const vector_index exact(known_rows());
  std::vector<std::int64_t> first_hundred(100);
  std::iota(first_hundred.begin(), first_hundred.end(), std::int64_t{0});
  for (const std::int64_t step : {1, 2, 10, 400, 1999}) {
    CAPTURE(step);
    const auto some = [&](std::int64_t id) { return id % step == 0; };
    double mean = 0;
    const std::vector<matches> found = known_index().search(
        query_rows(), {.k = 10, .candidates = 40, .leave_out = first_hundred, .filter = some});
    for (std::int64_t i = 0; i < query_rows().batch(); ++i) {
      const matches& got = found[static_cast<std::size_t>(i)];
      const matches best =
          exact.search(row_of(query_rows(), i), {.k = 10, .leave_out = first_hundred, .filter = some});
      CHECK(got.count == best.count);
      for (int place = 0; place < got.count; ++place) {
        CHECK(got.ids[static_cast<std::size_t>(place)] >= 100);
        CHECK(some(got.ids[static_cast<std::size_t>(place)]));
      }
      mean += recall(got, best) / 100;
      if (step >= 10) CHECK(got.ids == best.ids);  // few enough to measure all of them
    }
    CHECK(mean > 0.9);
    std::vector<std::int64_t> ids{-7, row_count + 1000};  // that there are not
    std::vector<bool> bitmap(static_cast<std::size_t>(row_count));
    for (std::int64_t id = 0; id < row_count; id += step) {
      ids.push_back(id);
      bitmap[static_cast<std::size_t>(id)] = true;
    }
    const auto same_as_found = [&](const approximate_search_options& options) {
      const std::vector<matches> others = known_index().search(query_rows(), options);
      bool same = true;
      for (std::size_t i = 0; i < found.size(); ++i) same = same && others[i].ids == found[i].ids;
      return same;
    };
    CHECK(same_as_found({.k = 10, .candidates = 40, .leave_out = first_hundred, .only = ids}));
    CHECK(same_as_found({.k = 10, .candidates = 40, .leave_out = first_hundred, .bitmap = bitmap}));
  }
  const matches none = known_index().search(row_of(query_rows(), 0), {.filter = [](auto) { return false; }});
  CHECK(none.count == 0);
  CHECK(none.ids == std::vector<std::int64_t>(10, -1));
}

TEST_CASE("vectors that are added are found, those erased are not") {
  approximate_index known(clustered_rows(1000, row_length, 3));
  const approximate_index other_handle = known;
  known.add(clustered_rows(1000, row_length, 4));
  CHECK(other_handle.size() == 2000);
  tensor<float> one(1, row_length);
  for (float& value : one) value = 100;
  known.add(one, {7000});
  CHECK(other_handle.search(std::vector<float>(row_length, 100.0f), {.k = 1}).ids[0] == 7000);
  known.add(one);
  CHECK(other_handle.search(std::vector<float>(row_length, 100.0f), {.k = 2}).ids ==
        std::vector<std::int64_t>{7000, 7001});

  std::vector<std::int64_t> gone;
  for (std::int64_t id = 0; id < 2000; ++id) {
    if (id % 4 != 0) gone.push_back(id);
  }
  known.erase(gone);
  CHECK(known.size() == 502);
  CHECK(known.ids().size() == 502);
  for (const matches& found : known.search(query_rows(), {.k = 10, .candidates = 15})) {
    CHECK(found.count == 10);
    for (const std::int64_t id : found.ids) CHECK((id % 4 == 0 || id >= 7000));
  }
  CHECK(known.measure_recall(query_rows(), {.k = 5, .candidates = 20}) > 0.9);
  known.erase(known.ids());
  CHECK(known.size() == 0);
  CHECK(known.search(row_of(query_rows(), 0)).count == 0);
  known.add(one);
  CHECK(known.search(row_of(query_rows(), 0), {.k = 2}).ids == std::vector<std::int64_t>{7002, -1});
}

TEST_CASE("searches go on while vectors are added") {
  approximate_index known(clustered_rows(500, row_length, 3));
  std::thread adder([&] {
    for (int i = 0; i < 10; ++i)
      known.add(clustered_rows(50, row_length, static_cast<std::uint64_t>(10 + i)));
  });
  int fewest = 10;
  for (int i = 0; i < 200; ++i) {
    fewest = std::min(fewest, known.search(row_of(query_rows(), i % 100), {.k = 10, .candidates = 10}).count);
  }
  adder.join();
  CHECK(fewest == 10);
  CHECK(known.size() == 1000);
}

TEST_CASE("a saved approximate index finds, grows and forgets as before") {
  const test::scratch_folder folder;
  const auto path = folder.path / "known.graph";
  approximate_index known(known_rows(), {}, {.links = 8, .ef_construction = 50, .seed = 3});
  known.erase(std::vector<std::int64_t>{0, 5, 17});
  known.save(path);
  approximate_index loaded = approximate_index::load(path);
  CHECK(loaded.size() == row_count - 3);
  CHECK(loaded.ids() == known.ids());
  CHECK(answers(loaded) == answers(known));
  for (approximate_index* each : {&known, &loaded}) {
    each->add(clustered_rows(300, row_length, 8));
    each->erase(std::vector<std::int64_t>{row_count, 20});
  }
  CHECK(answers(loaded) == answers(known));
  loaded.save(path);
  CHECK(answers(approximate_index::load(path)) == answers(known));
  CHECK(std::distance(std::filesystem::directory_iterator(folder.path), {}) == 1);  // no temporaries
  CHECK_THROWS_AS(known.save(folder.path / "missing" / "known.graph"), file_error);
}

TEST_CASE("files that are no approximate index, or not whole, are refused") {
  const test::scratch_folder folder;
  const auto path = folder.path / "known.graph";
  CHECK_THROWS_AS(approximate_index::load(path), file_error);
  approximate_index(clustered_rows(200, 6, 1)).save(path);
  const std::vector<std::byte> whole = read_file(path);
  const auto refused = [&](const std::vector<std::byte>& bytes, const std::string& reason) {
    write_atomically(path, bytes);
    CHECK_THROWS_WITH(approximate_index::load(path), Catch::Contains(reason));
  };
  for (const std::size_t length : {std::size_t{0}, std::size_t{5}, std::size_t{60}, std::size_t{96},
                                   whole.size() / 2, whole.size() - 1}) {
    CAPTURE(length);
    refused({whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(length)},
            length < 8 ? "not a saved approximate index" : "cut short");
  }
  std::vector<std::byte> longer = whole;
  longer.push_back({});
  refused(longer, "more follows");
  write_atomically(path, std::string_view("an index of a book\n, and more than eight bytes of it"));
  CHECK_THROWS_WITH(approximate_index::load(path), Catch::Contains("not a saved approximate index"));
  std::vector<std::byte> later = whole;
  later[8] = std::byte{2};
  refused(later, "version 2, wanted 1");
  random_sequence random(4);
  for (int i = 0; i < 300; ++i) {  // no bit of the file can change unnoticed
    std::vector<std::byte> damaged = whole;
    const auto at = i < 96 ? static_cast<std::size_t>(i)
                           : static_cast<std::size_t>(random.uniform() * static_cast<double>(whole.size()));
    damaged[at] ^= std::byte(1 << (i % 8));
    write_atomically(path, damaged);
    CHECK_THROWS_AS(approximate_index::load(path), file_error);
  }
}

TEST_CASE("an approximate index refuses what it cannot hold or look up") {
  const tensor<float> rows = clustered_rows(20, 3, 1);
  CHECK_THROWS_AS(approximate_index(tensor<float>(0, 3)), value_error);
  CHECK_THROWS_AS(approximate_index(rows, {1, 2}), value_error);
  CHECK_THROWS_AS(approximate_index(rows, {}, {.links = 1}), value_error);
  CHECK_THROWS_AS(approximate_index(rows, {}, {.links = 10001}), value_error);
  CHECK_THROWS_AS(approximate_index(rows, {}, {.ef_construction = 0}), value_error);
  tensor<float> broken = rows;
  broken(7, 1) = std::numeric_limits<float>::quiet_NaN();
  CHECK_THROWS_WITH(approximate_index(broken), Catch::Contains("nan"));

  approximate_index known(rows);
  CHECK_THROWS_AS(known.add(broken), value_error);
  CHECK_THROWS_AS(known.add(clustered_rows(2, 4, 1)), value_error);
  CHECK_THROWS_WITH(known.add(clustered_rows(2, 3, 1), {30, 30}), Catch::Contains("30 twice"));
  CHECK_THROWS_WITH(known.add(clustered_rows(2, 3, 1), {40, 19}), Catch::Contains("19 twice"));
  CHECK_THROWS_AS(known.add(clustered_rows(2, 3, 1), {-1, 40}), value_error);
  CHECK(known.size() == 20);
  CHECK_THROWS_AS(known.erase(std::vector<std::int64_t>{1, 20}), value_error);
  CHECK(known.size() == 20);
  known.erase(std::vector<std::int64_t>{4});
  CHECK_THROWS_AS(known.erase(std::vector<std::int64_t>{4}), value_error);
  CHECK_THROWS_WITH(known.add(clustered_rows(1, 3, 1), {4}), Catch::Contains("4 twice"));  // never used again

  CHECK_THROWS_WITH(known.search(std::vector<float>{1, 2}), Catch::Contains("2 numbers, wanted 3"));
  CHECK_THROWS_AS(known.search(std::vector<float>{1, 2, std::numeric_limits<float>::infinity()}),
                  value_error);
  CHECK_THROWS_AS(known.search(std::vector<float>{1, 2, 3}, {.k = 0}), value_error);
  CHECK_THROWS_AS(known.search(std::vector<float>{1, 2, 3}, {.candidates = 0}), value_error);
  CHECK_THROWS_AS(known.measure_recall(tensor<float>(0, 3)), value_error);
  CHECK_THROWS_AS(recall(matches{}, matches{}), value_error);
}

TEST_CASE("building an approximate index can be stopped") {
  std::int64_t heard = 0;
  const progress stop_at_ten = [&](std::string_view, std::int64_t done, std::int64_t total) {
    heard = total;
    return done < 10;
  };
  CHECK_THROWS_AS(approximate_index(clustered_rows(100, 3, 1), {}, {}, stop_at_ten), interrupted);
  CHECK(heard == 100);
}

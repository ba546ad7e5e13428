#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include <lookalike/core/parallel.hpp>
#include <lookalike/core/random.hpp>
#include <lookalike/retrieve/gist.hpp>
#include <lookalike/retrieve/lookup.hpp>
#include <lookalike/retrieve/vector_index.hpp>
#include <lookalike/stage/branch.hpp>
#include <lookalike/stage/pipeline.hpp>

#include "random_rows.hpp"

namespace {

using namespace lookalike;
using test::random_rows;
using test::row_of;

static_assert(lookalike::index<vector_index> && lookalike::index<vector_batch_index>);
static_assert(stage<lookup_stage<vector_index>>);
static_assert(std::is_same_v<decltype(gist | lookup(std::declval<vector_index>(), 1))::output, matches>);

/// All distances in double precision, sorted by distance and id.
matches by_brute_force(const tensor<float>& rows, const std::vector<float>& query, int k,
                       const std::vector<std::int64_t>& ids = {}) {
  std::vector<std::pair<float, std::int64_t>> all;
  for (std::int64_t i = 0; i < rows.batch(); ++i) {
    double sum = 0;
    const std::vector<float> row = row_of(rows, i);
    for (std::size_t j = 0; j < row.size(); ++j)
      sum += std::pow(static_cast<double>(row[j]) - static_cast<double>(query[j]), 2);
    all.emplace_back(static_cast<float>(sum), ids.empty() ? i : ids[static_cast<std::size_t>(i)]);
  }
  std::sort(all.begin(), all.end());
  matches expected;
  for (int i = 0; i < k; ++i) {
    const bool there = static_cast<std::size_t>(i) < all.size();
    expected.ids.push_back(there ? all[static_cast<std::size_t>(i)].second : -1);
    expected.distances.push_back(there ? all[static_cast<std::size_t>(i)].first
                                       : std::numeric_limits<float>::infinity());
    expected.count += there ? 1 : 0;
  }
  return expected;
}

void check_same(const matches& found, const matches& expected) {
  CHECK(found.ids == expected.ids);
  CHECK(found.distances == expected.distances);
  CHECK(found.count == expected.count);
  CHECK(found.certified);
}

}  // namespace

TEST_CASE("the nearest vectors are those of a search by brute force, one by one and in batches") {
  struct setting {
    std::int64_t count, dimension;
    double scale, offset;
    int k;
  };
  for (const setting& s : {setting{1, 1, 1, 0, 1}, setting{37, 5, 1, 0, 3}, setting{1000, 64, 1, 0, 10},
                           setting{333, 515, 1e-3, 0, 7},  // close to each other
                           setting{500, 33, 1e-4, 10, 5},  // products lose all digits that tell them apart
                           setting{5, 3, 1, 0, 9}}) {
    CAPTURE(s.count, s.dimension);
    const tensor<float> rows = random_rows(s.count, s.dimension, 1, s.scale, s.offset);
    const tensor<float> queries = random_rows(270, s.dimension, 2, s.scale, s.offset);
    const vector_index known(rows);
    CHECK(known.size() == s.count);
    CHECK(known.dimension() == s.dimension);
    const std::vector<matches> found = known.search(queries, {.k = s.k});
    REQUIRE(found.size() == 270);
    for (std::int64_t i = 0; i < queries.batch(); i += 23) {
      const matches expected = by_brute_force(rows, row_of(queries, i), s.k);
      check_same(found[static_cast<std::size_t>(i)], expected);
      check_same(known.search(row_of(queries, i), {.k = s.k}), expected);
    }
  }
}

TEST_CASE("vectors at equal distance come by id, whatever their order") {
  // Corners of a square, each twice.
  tensor<float> rows(8, 2);
  std::vector<std::int64_t> ids;
  for (int i = 0; i < 8; ++i) {
    rows(i, 0) = i % 2 == 0 ? 1.0f : -1.0f;
    rows(i, 1) = i / 2 % 2 == 0 ? 1.0f : -1.0f;
    ids.push_back(100 - 7 * i);
  }
  const vector_index known(rows, ids);
  const matches found = known.search(std::vector<float>{0, 0}, {.k = 5});
  check_same(found, by_brute_force(rows, {0, 0}, 5, ids));
  CHECK(found.ids == std::vector<std::int64_t>{51, 58, 65, 72, 79});
}

TEST_CASE("distances that are rounded to the same number are ties") {
  // Squared distances 1 - 2^-26 and 1 differ in double precision, but not as floats.
  const tensor<float> origin(1, 2);
  tensor<float> rows(2, 2);
  rows(0, 0) = 1;
  rows(1, 0) = 1 - 0x1p-24f;
  rows(1, 1) = 0x1p-13f;
  const vector_index known(rows);
  CHECK(known.search(std::vector<float>{0, 0}, {.k = 1}).ids == by_brute_force(rows, {0, 0}, 1).ids);
}

TEST_CASE("large and tiny numbers are compared exactly, too") {
  for (const double scale : {1e18, 1e-18, 1e-22}) {
    CAPTURE(scale);
    const tensor<float> rows = random_rows(60, 7, 5, scale);
    const tensor<float> queries = random_rows(3, 7, 6, scale);
    const auto found = vector_index(rows).search(queries, {.k = 4});
    for (std::int64_t i = 0; i < 3; ++i)
      check_same(found[static_cast<std::size_t>(i)], by_brute_force(rows, row_of(queries, i), 4));
  }
}

TEST_CASE("entries may be left out or filtered, and what remains may be fewer than k") {
  const tensor<float> rows = random_rows(6, 3, 1);
  const vector_index known(rows, {10, 11, 12, 13, 14, 15});
  const matches found =
      known.search(row_of(rows, 2),
                   {.k = 4, .leave_out = {12, 15}, .filter = [](std::int64_t id) { return id % 2 == 0; }});
  CHECK(found.count == 2);
  CHECK(std::is_permutation(found.ids.begin(), found.ids.end(),
                            std::vector<std::int64_t>{10, 14, -1, -1}.begin()));
  CHECK(found.ids[2] == -1);
  CHECK(found.distances[3] == std::numeric_limits<float>::infinity());
}

TEST_CASE("samples of any extents are vectors, and threads change nothing") {
  tensor<float> pictures(300, 3, 4, 5);
  const tensor<float> numbers = random_rows(300, 60, 3);
  std::copy(numbers.begin(), numbers.end(), pictures.begin());
  const vector_index known(pictures);
  const auto search = [&](int threads) {
    const thread_scope scope(threads);
    return known.search(numbers, {.k = 3});
  };
  const auto one = search(1);
  const auto three = search(3);
  for (std::size_t i = 0; i < 300; ++i) {
    CHECK(one[i].ids == three[i].ids);
    CHECK(one[i].ids[0] == static_cast<std::int64_t>(i));
    CHECK(one[i].distances[0] == 0);
  }
}

TEST_CASE("a look-up finds behind any encoder, for one picture or a batch") {
  const tensor<float> rows = random_rows(50, 4, 1);
  const vector_index known(rows);
  const auto find = as_stage([&](int i) { return row_of(rows, i); }) | lookup(known, 2);
  CHECK(find(17).ids[0] == 17);
  const auto find_all =
      as_stage([&](int) { return rows; }) | lookup(known.on_batches(), 2, {.leave_out = {3}});
  const std::vector<matches> found = find_all(0);
  REQUIRE(found.size() == 50);
  CHECK(found[17].ids == find(17).ids);
  CHECK(found[3].ids[0] != 3);

  const descriptor whole{{{"a", 2, 2, 1}}, row_of(rows, 9), {1, 1}};
  CHECK(known.search(whole, {.k = 1}).ids[0] == 9);
  const descriptor hole{{{"a", 2, 2, 1}}, row_of(rows, 9), {1, 0.5}};
  CHECK_THROWS_WITH(known.search(hole),
                    "feature_vector: given a cell weight of 0.5, wanted 1: vectors are compared as a whole");
}

TEST_CASE("progress hears of a batch's queries and may stop the search") {
  const vector_index known(random_rows(10, 4, 1));
  const tensor<float> queries = random_rows(600, 4, 2);
  std::vector<std::int64_t> heard;
  known.search(queries, {}, [&](std::string_view, std::int64_t done, std::int64_t total) {
    CHECK(total == 600);
    heard.push_back(done);
    return true;
  });
  REQUIRE(heard.size() > 1);
  CHECK(heard.back() == 600);
  CHECK_THROWS_AS(
      known.search(queries, {}, [](std::string_view, std::int64_t, std::int64_t) { return false; }),
      interrupted);
}

TEST_CASE("what cannot be looked up is an error") {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  CHECK_THROWS_WITH(vector_index(tensor<float>(0, 4)),
                    "vector_index: given 0 x 4 x 1 x 1 numbers, wanted at least one vector of at least one");
  CHECK_THROWS_AS(vector_index(tensor<float>(4, 0)), value_error);
  CHECK_THROWS_WITH(vector_index(tensor<float>(2, 1), {7}), "vector_index: given 1 ids for 2 vectors");
  CHECK_THROWS_WITH(vector_index(tensor<float>(2, 1), {7, 7}), "vector_index: given the id 7 twice");
  CHECK_THROWS_AS(vector_index(tensor<float>(2, 1), {7, -1}), value_error);
  tensor<float> strange(2, 2);
  strange(1, 1) = nan;
  CHECK_THROWS_AS(vector_index(strange), value_error);
  strange(1, 1) = std::numeric_limits<float>::infinity();
  CHECK_THROWS_AS(vector_index(strange), value_error);

  const vector_index known(random_rows(3, 2, 1));
  CHECK_THROWS_WITH(known.search(std::vector<float>{1, 2, 3}),
                    "search: given a vector of 3 numbers, wanted 2");
  CHECK_THROWS_AS(known.search(std::vector<float>{}), value_error);
  CHECK_THROWS_AS(known.search(std::vector<float>{1, nan}), value_error);
  CHECK_THROWS_AS(known.search(std::vector<float>{1, 2}, {.k = 0}), value_error);
  CHECK_THROWS_AS(known.search(tensor<float>(4, 3)), value_error);
  CHECK(known.search(tensor<float>(0, 2)).empty());
  CHECK_THROWS_AS(lookup(known, 0), value_error);
}

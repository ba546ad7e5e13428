#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include <catch2/catch.hpp>

#include <lookalike/core/parallel.hpp>
#include <lookalike/core/random.hpp>
#include <lookalike/retrieve/nested_neighbors.hpp>
#include <lookalike/retrieve/vector_index.hpp>

#include "random_rows.hpp"

namespace {

using namespace lookalike;
using test::random_rows;

struct answer {
  std::vector<std::int64_t> ids;
  std::vector<float> distances;
  friend bool operator==(const answer&, const answer&) = default;
};

/// [repetition][size][query]
std::vector<std::vector<std::vector<answer>>> all(const tensor<float>& rows, const tensor<float>& queries,
                                                  const nested_search_options& options) {
  std::vector<std::vector<std::vector<answer>>> result(
      static_cast<std::size_t>(options.repetitions), std::vector<std::vector<answer>>(options.sizes.size()));
  nested_neighbors(rows, queries, options, [&](const nested_matches& found) {
    for (int r = 0; r < options.repetitions; ++r)
      for (int s = 0; s < static_cast<int>(options.sizes.size()); ++s)
        for (std::int64_t q = 0; q < found.query_count; ++q) {
          const auto ids = found.ids(r, s).subspan(static_cast<std::size_t>(q * found.k),
                                                   static_cast<std::size_t>(found.k));
          const auto d = found.distances(r, s).subspan(static_cast<std::size_t>(q * found.k),
                                                       static_cast<std::size_t>(found.k));
          result[static_cast<std::size_t>(r)][static_cast<std::size_t>(s)].push_back(
              {{ids.begin(), ids.end()}, {d.begin(), d.end()}});
        }
  });
  return result;
}

}  // namespace

TEST_CASE("neighbors among the first vectors are those of a search among them alone") {
  tensor<float> rows = random_rows(600, 37, 1);
  for (std::int64_t i = 0; i < 37; ++i) rows.data()[400 * 37 + i] = rows.data()[11 * 37 + i];  // a tie
  tensor<float> queries = random_rows(300, 37, 2);
  for (std::int64_t i = 0; i < 37; ++i) queries.data()[i] = rows.data()[11 * 37 + i];
  const nested_search_options options{.k = 9, .sizes = {5, 9, 100, 401, 600}, .repetitions = 3, .seed = 4};
  const auto found = all(rows, queries, options);
  const auto orders = nested_orders(600, options);
  for (std::size_t r = 0; r < 3; ++r) {
    for (std::size_t s = 0; s < 5; ++s) {
      const auto size = options.sizes[s];
      tensor<float> some(size, 37);
      std::vector<std::int64_t> ids(orders[r].begin(), orders[r].begin() + size);
      for (std::int64_t i = 0; i < size; ++i)
        std::copy_n(rows.data() + ids[static_cast<std::size_t>(i)] * 37, 37, some.data() + i * 37);
      const auto truth = vector_index(some, ids).search(queries, {.k = 9});
      REQUIRE(found[r][s].size() == truth.size());
      for (std::size_t q = 0; q < truth.size(); ++q) {
        CHECK(found[r][s][q].ids == truth[q].ids);
        CHECK(found[r][s][q].distances == truth[q].distances);
      }
    }
  }
  CHECK(found[0][4] == found[1][4]);  // all of them are all of them
  CHECK_FALSE(found[0][2] == found[1][2]);
}

TEST_CASE("one repetition grows as the vectors lie, and threads change nothing") {
  const tensor<float> rows = random_rows(300, 8, 3), queries = random_rows(40, 8, 5);
  const auto found = all(rows, queries, {.k = 3, .sizes = {50, 300}});
  for (const auto& each : found[0][0])
    for (const std::int64_t id : each.ids) CHECK(id < 50);
  const nested_search_options shuffled{.k = 3, .sizes = {50, 300}, .shuffle = true, .seed = 9};
  const auto many = all(rows, queries, shuffled);
  const thread_scope one(1);
  CHECK(all(rows, queries, shuffled) == many);
  CHECK_FALSE(many[0][0] == found[0][0]);
}

TEST_CASE("near duplicates are not found") {
  tensor<float> rows = random_rows(200, 16, 7);
  tensor<float> queries(1, 16);
  for (std::int64_t i = 0; i < 16; ++i) {
    const float value = rows.data()[50 * 16 + i];
    queries.data()[i] = value;
    rows.data()[120 * 16 + i] = 1.5f * value;  // the same direction
  }
  const nested_search_options all_of_them{.k = 1, .sizes = {40, 200}};
  CHECK(all(rows, queries, all_of_them)[0][1][0].ids[0] == 50);
  const nested_search_options guarded{.k = 200, .sizes = {40, 200}, .near_duplicates = 0.99};
  const answer found = all(rows, queries, guarded)[0][1][0];
  CHECK(std::count(found.ids.begin(), found.ids.end(), 50) == 0);
  CHECK(std::count(found.ids.begin(), found.ids.end(), 120) == 0);
  CHECK(std::count(found.ids.begin(), found.ids.end(), -1) == 2);
  CHECK(std::isinf(found.distances.back()));
}

TEST_CASE("bad questions about growing collections are errors") {
  const tensor<float> rows = random_rows(10, 4, 1), queries = random_rows(2, 4, 2);
  const auto ask = [&](const nested_search_options& options) { return all(rows, queries, options); };
  CHECK_THROWS_AS(ask({.k = 1}), value_error);
  CHECK_THROWS_AS(ask({.k = 0, .sizes = {5}}), value_error);
  CHECK_THROWS_WITH(ask({.k = 1, .sizes = {5, 11}}),
                    "nested_neighbors: given the size 11 at position 1, wanted 6 to 10, ascending");
  CHECK_THROWS_AS(ask({.k = 1, .sizes = {5, 5}}), value_error);
  CHECK_THROWS_AS(ask({.k = 1, .sizes = {0}}), value_error);
  CHECK_THROWS_AS(all(rows, random_rows(2, 5, 2), {.k = 1, .sizes = {5}}), value_error);
  tensor<float> broken = queries;
  broken.data()[3] = std::numeric_limits<float>::quiet_NaN();
  CHECK_THROWS_AS(all(rows, broken, {.k = 1, .sizes = {5}}), value_error);
  CHECK_THROWS_AS(all(tensor<float>(), queries, {.k = 1, .sizes = {5}}), value_error);
  const progress stop = [](auto...) { return false; };
  CHECK_THROWS_AS(nested_neighbors(
                      rows, queries, {.k = 1, .sizes = {5}}, [](const auto&) {}, stop),
                  interrupted);
}

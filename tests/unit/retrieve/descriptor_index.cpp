#include <algorithm>
#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include <lookalike/core/parallel.hpp>
#include <lookalike/core/random.hpp>
#include <lookalike/retrieve/descriptor_index.hpp>
#include <lookalike/retrieve/lookup.hpp>

namespace {

using namespace lookalike;

static_assert(lookalike::index<descriptor_index>);

const std::vector<descriptor_block> blocks{{"first", 6, 9, 2.0f}, {"second", 4, 3, 1.0f}};
constexpr std::int64_t value_total = 6 * 9 + 4 * 3;

/// Descriptors of few degrees of freedom, as those of pictures are.
std::vector<float> random_values(std::int64_t count, std::uint64_t seed, double offset) {
  random_sequence shared(5), random(seed);
  std::vector<double> directions;
  for (std::int64_t i = 0; i < 10 * value_total; ++i) directions.push_back(shared.normal());
  std::vector<float> values;
  for (std::int64_t row = 0; row < count; ++row) {
    double coordinates[10];
    for (double& coordinate : coordinates) coordinate = random.normal();
    for (std::int64_t j = 0; j < value_total; ++j) {
      double value = offset + 0.2 * random.normal();
      for (std::int64_t i = 0; i < 10; ++i)
        value += coordinates[i] / static_cast<double>(1 + i) *
                 directions[static_cast<std::size_t>(i * value_total + j)];
      values.push_back(static_cast<float>(value));
    }
  }
  return values;
}

std::vector<descriptor> random_queries(std::size_t count, std::uint64_t seed, double offset) {
  const std::vector<float> values = random_values(static_cast<std::int64_t>(count), seed, offset);
  random_sequence random(seed + 1);
  std::vector<descriptor> queries;
  for (std::size_t q = 0; q < count; ++q) {
    descriptor query{blocks,
                     {values.begin() + static_cast<std::ptrdiff_t>(q) * value_total,
                      values.begin() + static_cast<std::ptrdiff_t>(q + 1) * value_total},
                     std::vector<float>(10, 1.0f)};
    for (float& weight : query.weights) {
      if (q > 0 && random.uniform() < 0.5)
        weight = random.uniform() < 0.5 ? 0.0f : static_cast<float>(random.uniform());
    }
    query.weights[0] = 1;  // something is known
    queries.push_back(query);
  }
  return queries;
}

/// From the definition, sorted by distance and id.
std::vector<std::pair<float, std::int64_t>> by_brute_force(const std::vector<float>& values,
                                                           const descriptor& query,
                                                           const std::vector<double>& factors) {
  std::vector<std::pair<float, std::int64_t>> all;
  const std::int64_t count = std::ssize(values) / value_total;
  for (std::int64_t row = 0; row < count; ++row) {
    double sum = 0;
    for (std::int64_t j = 0; j < value_total; ++j) {
      const std::size_t block = j < 54 ? 0 : 1;
      const auto cell = static_cast<std::size_t>(block == 0 ? j / 9 : 6 + (j - 54) / 3);
      const double difference = static_cast<double>(query.values[static_cast<std::size_t>(j)]) -
                                static_cast<double>(values[static_cast<std::size_t>(row * value_total + j)]);
      sum += factors[block] * static_cast<double>(query.weights[cell]) * difference * difference;
    }
    all.emplace_back(static_cast<float>(sum), row);
  }
  std::sort(all.begin(), all.end());
  return all;
}

}  // namespace

TEST_CASE(
    "descriptor_index: masked and plain queries equal brute force, prepared or not, one by one or together") {
  for (const double offset : {0.0, 100.0}) {
    const std::vector<float> values = random_values(9000, 1, offset);
    const vector_view view(values.data(), 9000, value_total);
    const descriptor_index prepared(blocks, view), plain(blocks, view, {.prepare = false});
    CHECK(prepared.prepared_memory() > 0);
    CHECK(plain.prepared_memory() == 0);
    const std::vector<descriptor> queries = random_queries(9, 2, offset);
    for (const std::vector<float>& importance :
         {std::vector<float>{}, std::vector<float>{0.5f, 7.0f}, std::vector<float>{0.0f, 1.0f}}) {
      std::vector<double> factors;
      for (std::size_t b = 0; b < 2; ++b)
        factors.push_back(static_cast<double>(importance.empty() ? blocks[b].importance : importance[b]) /
                          prepared.block_distances()[b]);
      const search_options options{.k = 30, .importance = importance};
      detail::search_counts counts;
      const neighbors together = prepared.search(queries, options, {}, counts);
      CHECK(counts.measured < counts.rows / 3);
      const neighbors scanned = plain.search(queries, options);
      CHECK(together.ids == scanned.ids);
      CHECK(together.distances == scanned.distances);
      for (std::size_t q = 0; q < queries.size(); q += 2) {
        const auto expected = by_brute_force(values, queries[q], factors);
        const matches alone = prepared.search(queries[q], options);
        CHECK(alone.certified);
        CHECK(alone.ids == together.of(static_cast<std::int64_t>(q)).ids);
        for (std::size_t i = 0; i < 30; ++i) {
          INFO("offset " << offset << ", query " << q << ", position " << i);
          REQUIRE(static_cast<double>(alone.distances[i]) ==
                  Approx(static_cast<double>(expected[i].first)).epsilon(3e-7));
          REQUIRE(alone.ids[i] == expected[i].second);
        }
      }
    }
  }
}

TEST_CASE("descriptor_index: ids, filters, a radius and any number of threads") {
  const std::vector<float> values = random_values(10'000, 3, 0);
  std::vector<std::int64_t> ids;
  for (std::int64_t i = 0; i < 10'000; ++i) ids.push_back(20'000 - i);
  const descriptor_index index(blocks, {values.data(), 10'000, value_total}, {.ids = ids});
  const std::vector<descriptor> queries = random_queries(3, 4, 0);
  const neighbors all = index.search(queries, {.k = 50});
  for (const int count : {1, 3}) {
    const thread_scope scope(count);
    CHECK(index.search(queries, {.k = 50}).ids == all.ids);
    CHECK(index.search(queries[1], {.k = 50}).ids == all.of(1).ids);
  }
  const matches nearest = all.of(1);
  const matches rest = index.search(queries[1], {.k = 40, .leave_out = {nearest.ids[0], nearest.ids[2]}});
  CHECK(rest.ids[0] == nearest.ids[1]);
  CHECK(rest.ids[1] == nearest.ids[3]);
  const matches within = index.search(queries[1], {.k = 40, .radius = nearest.distances[9]});
  CHECK(within.count == 10);
  CHECK(within.ids[10] == -1);
  CHECK(
      index.search(queries[1], {.k = 3, .only = std::vector<std::int64_t>{nearest.ids[30], 20'000}}).count ==
      2);
}

TEST_CASE("descriptor_index: what does not go together is refused") {
  const std::vector<float> values = random_values(4, 3, 0);
  const vector_view view(values.data(), 4, value_total);
  CHECK_THROWS_AS(descriptor_index({}, view), value_error);
  CHECK_THROWS_AS(descriptor_index(blocks, vector_view(values.data(), 4, value_total - 1)), value_error);
  CHECK_THROWS_AS(descriptor_index(blocks, view, {.ids = {1, 1, 2, 3}}), value_error);
  CHECK_THROWS_AS(descriptor_index(blocks, view.part(0, 0)), value_error);
  std::vector<float> broken = values;
  broken[5] = std::numeric_limits<float>::quiet_NaN();
  CHECK_THROWS_AS(descriptor_index(blocks, vector_view(broken.data(), 4, value_total)), value_error);
  const descriptor_index index(blocks, view);
  descriptor query = random_queries(1, 1, 0)[0];
  CHECK_THROWS_AS(index.search(query, {.k = 0}), value_error);
  CHECK_THROWS_AS(index.search(query, {.importance = {1.0f}}), value_error);
  query.blocks[0].name = "another";
  CHECK_THROWS_AS(index.search(query), value_error);
}

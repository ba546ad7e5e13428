#include <algorithm>
#include <cstdint>
#include <limits>
#include <random>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include <lookalike/core/parallel.hpp>
#include <lookalike/retrieve/detail/descriptor_rows.hpp>

namespace {

using namespace lookalike;
using detail::row_view;

const std::vector<descriptor_block> layout{{"first", 5, 7, 2.0f}, {"second", 3, 2, 1.0f}};

descriptor random_descriptor(std::mt19937& random, float offset = 0) {
  std::normal_distribution<float> normal(offset, 1);
  std::uniform_real_distribution<float> uniform(0, 1);
  descriptor d{layout, std::vector<float>(value_count(layout)), std::vector<float>(cell_count(layout))};
  for (float& value : d.values) value = normal(random);
  for (float& weight : d.weights) weight = uniform(random) < 0.3f ? 0.0f : uniform(random);
  d.weights[0] = 1;
  return d;
}

struct stored {
  std::vector<float> floats;
  std::int64_t count = 0;
  void add(const descriptor& d) {
    detail::append_row(d, floats);
    ++count;
  }
  row_view view() const { return {floats.data(), count, layout}; }
};

std::int64_t id_of_row(std::int64_t row) {
  return 3 * row + 1;
}

/// Sorted distances in double precision, ties by id, straight from the definition.
std::vector<std::pair<float, std::int64_t>> brute_force(const stored& rows, const descriptor& query,
                                                        const std::vector<double>& factors) {
  std::vector<std::pair<float, std::int64_t>> all;
  for (std::int64_t row = 0; row < rows.count; ++row) {
    const float* values = rows.floats.data() + static_cast<std::size_t>(row) * rows.view().pitch();
    double sum = 0;
    std::size_t i = 0, cell = 0;
    for (std::size_t b = 0; b < layout.size(); ++b) {
      for (int c = 0; c < layout[b].cells; ++c, ++cell) {
        for (int v = 0; v < layout[b].values_per_cell; ++v, ++i) {
          const double difference = static_cast<double>(query.values[i]) - static_cast<double>(values[i]);
          sum += factors[b] * static_cast<double>(query.weights[cell]) * difference * difference;
        }
      }
    }
    all.emplace_back(static_cast<float>(sum), id_of_row(row));
  }
  std::sort(all.begin(), all.end());
  return all;
}

}  // namespace

TEST_CASE("search with cell weights equals brute force, whatever the mask and the offset of the values") {
  std::mt19937 random(1);
  const std::vector<double> factors{0.7, 3.0};
  // Values far from zero cancel digits in the inner product; the result must not notice.
  for (float offset : {0.0f, 10.0f, 300.0f}) {
    stored rows;
    for (int i = 0; i < 3000; ++i) rows.add(random_descriptor(random, offset));
    for (int trial = 0; trial < 10; ++trial) {
      const descriptor query = random_descriptor(random, offset);
      const auto expected = brute_force(rows, query, factors);
      for (int k : {1, 7, 200}) {
        const matches found = detail::nearest_rows(rows.view(), query, factors, {.k = k}, id_of_row);
        REQUIRE(found.count == k);
        CHECK(found.certified);
        for (std::size_t i = 0; i < static_cast<std::size_t>(k); ++i) {
          INFO("offset " << offset << ", k " << k << ", position " << i);
          REQUIRE(found.ids[i] == expected[i].second);
          REQUIRE(static_cast<double>(found.distances[i]) ==
                  Approx(static_cast<double>(expected[i].first)).epsilon(1e-4));
        }
      }
    }
  }
}

TEST_CASE("the inner product of a stored row with a query is their weighted distance") {
  std::mt19937 random(2);
  const std::vector<double> factors{1.5, 0.25};
  stored rows;
  rows.add(random_descriptor(random));
  const descriptor query = random_descriptor(random);
  const detail::row_query weighted(query, factors);
  const float product = simd::inner_product(rows.floats.data(), weighted.vector.data(),
                                            static_cast<std::ptrdiff_t>(weighted.vector.size()));
  const double expected = static_cast<double>(brute_force(rows, query, factors)[0].first);
  CHECK(static_cast<double>(product) + weighted.constant == Approx(expected).epsilon(1e-5));
}

TEST_CASE("the bound of the rounding error holds, and is small against the distances") {
  std::mt19937 random(3);
  const std::vector<double> factors{1, 1};
  for (float offset : {0.0f, 30.0f}) {
    for (int trial = 0; trial < 2000; ++trial) {
      stored rows;
      rows.add(random_descriptor(random, offset));
      const descriptor query = random_descriptor(random, offset);
      const detail::row_query weighted(query, factors);
      const double distance = squared_distance(query, rows.view().values(0), factors);
      const double by_product =
          static_cast<double>(simd::inner_product(rows.floats.data(), weighted.vector.data(),
                                                  static_cast<std::ptrdiff_t>(weighted.vector.size()))) +
          weighted.constant;
      REQUIRE(std::abs(by_product - distance) <= weighted.rounding(distance));
      if (offset == 0) REQUIRE(weighted.rounding(distance) < 1e-3 * (distance + weighted.constant));
    }
  }
}

TEST_CASE("entries at equal distance come in the order of their ids, also at the end of the list") {
  std::mt19937 random(4);
  const descriptor twin = random_descriptor(random);
  stored rows;
  for (int i = 0; i < 50; ++i) rows.add(i % 5 == 0 ? random_descriptor(random) : twin);
  descriptor query = twin;
  query.values[0] += 1;
  const std::vector<double> factors{1, 1};
  const auto expected = brute_force(rows, query, factors);
  for (int k : {1, 13, 39, 41, 50}) {
    const matches found = detail::nearest_rows(rows.view(), query, factors, {.k = k}, id_of_row);
    for (std::size_t i = 0; i < static_cast<std::size_t>(k); ++i) CHECK(found.ids[i] == expected[i].second);
  }
}

TEST_CASE("what is left out, filtered or not live is never found, and the rest stays complete") {
  std::mt19937 random(5);
  stored rows;
  for (int i = 0; i < 400; ++i) rows.add(random_descriptor(random));
  const descriptor query = random_descriptor(random);
  const std::vector<double> factors{2, 1};
  const auto is_live = [](std::int64_t row) { return row % 7 != 0; };
  const auto id_if_live = [&](std::int64_t row) { return is_live(row) ? id_of_row(row) : -1; };
  auto expected = brute_force(rows, query, factors);
  const std::vector<std::int64_t> leave_out{expected[3].second, expected[0].second, 999'999, -5,
                                            expected[0].second};
  const auto filter = [](std::int64_t id) { return id % 2 == 0; };
  std::erase_if(expected, [&](const auto& entry) {
    return !is_live((entry.second - 1) / 3) || !filter(entry.second) ||
           std::find(leave_out.begin(), leave_out.end(), entry.second) != leave_out.end();
  });
  const matches found = detail::nearest_rows(
      rows.view(), query, factors, {.k = 1000, .leave_out = leave_out, .filter = filter}, id_if_live);
  REQUIRE(found.count == static_cast<int>(expected.size()));
  for (std::size_t i = 0; i < expected.size(); ++i) CHECK(found.ids[i] == expected[i].second);
}

TEST_CASE("a list longer than the entries is padded with -1 and infinity") {
  std::mt19937 random(6);
  stored rows;
  rows.add(random_descriptor(random));
  rows.add(random_descriptor(random));
  const matches found = detail::nearest_rows(rows.view(), random_descriptor(random),
                                             std::vector<double>{1, 1}, {.k = 5}, id_of_row);
  CHECK(found.count == 2);
  CHECK(found.ids.size() == 5);
  CHECK(found.distances.size() == 5);
  for (std::size_t i = 2; i < 5; ++i) {
    CHECK(found.ids[i] == -1);
    CHECK(found.distances[i] == std::numeric_limits<float>::infinity());
  }
  const matches none = detail::nearest_rows({nullptr, 0, layout}, random_descriptor(random),
                                            std::vector<double>{1, 1}, {.k = 3}, id_of_row);
  CHECK(none.count == 0);
  CHECK(none.ids == std::vector<std::int64_t>{-1, -1, -1});
  CHECK_THROWS_AS(detail::nearest_rows(rows.view(), random_descriptor(random), std::vector<double>{1, 1},
                                       {.k = 0}, id_of_row),
                  value_error);
}

TEST_CASE("the query itself is at distance 0, never below") {
  std::mt19937 random(7);
  stored rows;
  std::vector<descriptor> all;
  for (int i = 0; i < 100; ++i) all.push_back(random_descriptor(random, 50));
  for (const auto& d : all) rows.add(d);
  for (std::size_t i = 0; i < all.size(); ++i) {
    const matches found =
        detail::nearest_rows(rows.view(), all[i], std::vector<double>{1, 1}, {.k = 1}, id_of_row);
    CHECK(found.ids[0] == id_of_row(static_cast<std::int64_t>(i)));
    CHECK(found.distances[0] == 0.0f);
  }
}

TEST_CASE("a search finds the same, bit for bit, for any number of threads") {
  std::mt19937 random(8);
  stored rows;
  for (int i = 0; i < 9000; ++i) rows.add(random_descriptor(random));
  const descriptor query = random_descriptor(random);
  const std::vector<double> factors{1, 2};
  const auto search = [&](int threads) {
    const thread_scope scope(threads);
    return detail::nearest_rows(rows.view(), query, factors, {.k = 300}, id_of_row);
  };
  const matches one = search(1);
  for (int threads : {2, 3, 7}) {
    const matches several = search(threads);
    CHECK(several.ids == one.ids);
    CHECK(several.distances == one.distances);
  }
}

TEST_CASE("the mean squared distance of a block is that over all pairs of live rows") {
  std::mt19937 random(10);
  stored rows;
  for (int i = 0; i < 60; ++i) rows.add(random_descriptor(random, 2));
  const auto is_live = [](std::int64_t row) { return row % 3 != 1; };
  const auto measured = detail::mean_squared_distances(rows.view(), is_live);
  REQUIRE(measured.size() == 2);
  const descriptor whole{layout, {}, std::vector<float>(cell_count(layout), 1.0f)};
  for (std::size_t block = 0; block < 2; ++block) {
    std::vector<double> factors{0, 0};
    factors[block] = 1;
    double sum = 0, pairs = 0;
    for (std::int64_t a = 0; a < rows.count; ++a) {
      for (std::int64_t b = 0; b < rows.count; ++b) {
        if (!is_live(a) || !is_live(b)) continue;
        descriptor query = whole;
        query.values.assign(rows.view().values(a).begin(), rows.view().values(a).end());
        sum += squared_distance(query, rows.view().values(b), factors);
        ++pairs;
      }
    }
    CHECK(measured[block] == Approx(sum / pairs).epsilon(1e-9));
  }
}

TEST_CASE("where all rows are alike a block's mean squared distance counts as 1") {
  std::mt19937 random(11);
  const descriptor d = random_descriptor(random, 7);
  stored rows;
  const auto always = [](std::int64_t) { return true; };
  CHECK(detail::mean_squared_distances(rows.view(), always) == std::vector<double>{1, 1});
  for (int i = 0; i < 3; ++i) rows.add(d);
  CHECK(detail::mean_squared_distances(rows.view(), always) == std::vector<double>{1, 1});
}

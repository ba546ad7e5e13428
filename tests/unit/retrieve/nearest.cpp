#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include <lookalike/core/float16.hpp>
#include <lookalike/core/parallel.hpp>
#include <lookalike/core/random.hpp>
#include <lookalike/retrieve/nearest.hpp>
#include <lookalike/retrieve/vector_index.hpp>

namespace {

using namespace lookalike;

constexpr float infinity = std::numeric_limits<float>::infinity();

/// Vectors of any type, and their numbers as doubles.
struct numbers {
  element type = element::float32;
  std::int64_t count = 0, dimension = 0;
  std::vector<float> floats{};
  std::vector<float16> halves{};
  std::vector<std::uint8_t> bytes{};

  vector_view view() const {
    const void* data = type == element::float32   ? static_cast<const void*>(floats.data())
                       : type == element::float16 ? static_cast<const void*>(halves.data())
                                                  : static_cast<const void*>(bytes.data());
    return {data, type, count, dimension};
  }
  double at(std::int64_t row, std::int64_t i) const {
    const auto place = static_cast<std::size_t>(row * dimension + i);
    return static_cast<double>(type == element::float32   ? floats[place]
                               : type == element::float16 ? to_float(halves[place])
                                                          : static_cast<float>(bytes[place]));
  }
};

/// Vectors near a subspace of some dimensions, as pictures are; `rank` 0 means that all directions count
/// alike.
numbers random_numbers(element type, std::int64_t count, std::int64_t dimension, int rank, std::uint64_t seed,
                       double scale = 1, double offset = 0) {
  numbers result{type, count, dimension};
  random_sequence shared(99);
  std::vector<double> directions;
  for (int i = 0; i < rank * static_cast<int>(dimension); ++i) directions.push_back(shared.normal());
  random_sequence random(seed);
  for (std::int64_t row = 0; row < count; ++row) {
    std::vector<double> coordinates;
    for (int i = 0; i < rank; ++i) coordinates.push_back(random.normal() / (1 + i));
    for (std::int64_t j = 0; j < dimension; ++j) {
      double value = rank == 0 ? random.normal() : 0.1 * random.normal();
      for (int i = 0; i < rank; ++i)
        value += coordinates[static_cast<std::size_t>(i)] *
                 directions[static_cast<std::size_t>(i * dimension + j)];
      value = offset + scale * value;
      if (type == element::float32) result.floats.push_back(static_cast<float>(value));
      if (type == element::float16) result.halves.push_back(to_float16(static_cast<float>(value)));
      if (type == element::uint8)
        result.bytes.push_back(static_cast<std::uint8_t>(std::clamp(128 + 30 * value, 0.0, 255.0)));
    }
  }
  return result;
}

/// From the definition.
double distance(const numbers& a, std::int64_t row, const numbers& b, std::int64_t other, metric m) {
  long double sum = 0, mean_a = 0, mean_b = 0, aa = 0, bb = 0, ab = 0;
  for (std::int64_t i = 0; i < a.dimension; ++i) {
    const long double x = a.at(row, i), y = b.at(other, i);
    if (m == metric::squared_l2) sum += (x - y) * (x - y);
    if (m == metric::inner_product) sum -= x * y;
    mean_a += x / static_cast<long double>(a.dimension);
    mean_b += y / static_cast<long double>(a.dimension);
  }
  if (m != metric::correlation) return static_cast<double>(sum);
  for (std::int64_t i = 0; i < a.dimension; ++i) {
    const long double x = a.at(row, i) - mean_a, y = b.at(other, i) - mean_b;
    aa += x * x;
    bb += y * y;
    ab += x * y;
  }
  const long double noise = 1e-24L * static_cast<long double>(a.dimension);
  if (aa <= noise * mean_a * mean_a || bb <= noise * mean_b * mean_b) return 1;
  return static_cast<double>(1 - std::clamp(ab / (std::sqrt(aa) * std::sqrt(bb)), -1.0L, 1.0L));
}

using entries = std::vector<std::pair<float, std::int64_t>>;

/// All, nearest first.
entries by_brute_force(const numbers& known, const numbers& queries, std::int64_t query, metric m) {
  entries all;
  for (std::int64_t row = 0; row < known.count; ++row)
    all.emplace_back(static_cast<float>(distance(known, row, queries, query, m)), row);
  std::sort(all.begin(), all.end());
  return all;
}

/// Distances agree, and so do ids wherever distances differ by more than the last digit.
void check_row(const neighbors& found, std::int64_t query, const entries& expected) {
  const auto k = static_cast<std::size_t>(found.k);
  const matches row = found.of(query);
  REQUIRE(row.count == static_cast<int>(std::min(k, expected.size())));
  CHECK(row.certified);
  for (std::size_t i = 0; i < k; ++i) {
    INFO("query " << query << ", position " << i);
    if (i >= expected.size()) {
      REQUIRE(row.ids[i] == -1);
      REQUIRE(row.distances[i] == infinity);
      continue;
    }
    const float wanted = expected[i].first;
    const float digit = std::abs(wanted) * 3e-7f + 1e-37f;
    REQUIRE(std::abs(row.distances[i] - wanted) <= std::max(digit, 1e-14f));
    const bool is_alone = (i == 0 || expected[i - 1].first < wanted - digit) &&
                          (i + 1 == expected.size() || expected[i + 1].first > wanted + digit);
    if (is_alone) REQUIRE(row.ids[i] == expected[i].second);
    if (i > 0)
      REQUIRE(std::pair(row.distances[i - 1], row.ids[i - 1]) < std::pair(row.distances[i], row.ids[i]));
  }
}

constexpr metric metrics[] = {metric::squared_l2, metric::inner_product, metric::correlation};
constexpr element elements[] = {element::float32, element::float16, element::uint8};

detail::bound_table_plan small_plan() {
  return {.coarse = 10, .split = 3, .levels = {17, 24}, .sample = 500};
}

/// By bounds, whatever the size.
neighbors by_bounds(const numbers& known, const numbers& queries, metric m, int k, float radius = infinity,
                    detail::search_counts* counts = nullptr) {
  const auto table = detail::make_bound_table(known.view(), m, small_plan(), 0);
  REQUIRE(table != nullptr);
  detail::search_counts here;
  auto lists = detail::vector_search(known.view(), table.get(), {.how = m, .k = k, .radius = radius})
                   .run(queries.view(), here, {});
  if (counts != nullptr) *counts = here;
  return detail::to_neighbors(lists, k);
}

}  // namespace

TEST_CASE("nearest: every metric and element type equals the definition, for many shapes") {
  struct shape {
    std::int64_t count, dimension;
    int k;
  };
  for (const metric m : metrics) {
    for (const element type : elements) {
      for (const shape& s : {shape{1, 1, 2}, shape{17, 3, 20}, shape{300, 31, 7}, shape{90, 300, 1}}) {
        CAPTURE(name_of(m), name_of(type), s.count, s.dimension, s.k);
        const numbers known = random_numbers(type, s.count, s.dimension, 0, 1);
        const numbers queries = random_numbers(type, 5, s.dimension, 0, 2);
        const neighbors found = nearest(known.view(), queries.view(), m, {.k = s.k});
        REQUIRE(found.size() == 5);
        for (std::int64_t q = 0; q < 5; ++q) check_row(found, q, by_brute_force(known, queries, q, m));
      }
    }
  }
}

TEST_CASE("nearest: bounds of principal components lose nothing, and leave little to measure") {
  for (const metric m : metrics) {
    for (const element type : elements) {
      for (const double offset : {0.0, 3.0}) {
        CAPTURE(name_of(m), name_of(type), offset);
        const numbers known = random_numbers(type, 3001, 70, 12, 1, 1, offset);
        const numbers queries = random_numbers(type, 9, 70, 12, 2, 1, offset);
        detail::search_counts counts;
        const neighbors found = by_bounds(known, queries, m, 10, infinity, &counts);
        for (std::int64_t q = 0; q < 9; ++q) check_row(found, q, by_brute_force(known, queries, q, m));
        CHECK(counts.rows == 9 * (3001 + 7) / 8 * 8);
        CHECK(counts.measured < counts.rows / 4);
      }
    }
  }
}

TEST_CASE("nearest: bounds hold for huge and tiny numbers, duplicates, constants and outliers") {
  for (const metric m : metrics) {
    for (const double scale : {1e-20, 1e-6, 1e6, 1e13}) {
      CAPTURE(name_of(m), scale);
      numbers known = random_numbers(element::float32, 900, 40, 8, 3, scale);
      numbers queries = random_numbers(element::float32, 4, 40, 8, 4, scale);
      const auto set_row = [](numbers& to, std::int64_t row, float value) {
        std::fill_n(to.floats.begin() + row * to.dimension, to.dimension, value);
      };
      for (std::int64_t row = 100; row < 140; ++row)  // duplicates of the first query
        std::copy_n(queries.floats.begin(), 40, known.floats.begin() + row * 40);
      for (std::int64_t row = 200; row < 220; ++row) set_row(known, row, 0);
      for (std::int64_t row = 300; row < 310; ++row) set_row(known, row, static_cast<float>(scale) * 3);
      for (std::int64_t i = 0; i < 40; ++i) known.floats[static_cast<std::size_t>(400 * 40 + i)] *= 1000;
      set_row(queries, 2, 0);
      set_row(queries, 3, static_cast<float>(scale));
      const neighbors found = by_bounds(known, queries, m, 25);
      const neighbors without = nearest(known.view(), queries.view(), m, {.k = 25});
      CHECK(found.ids == without.ids);
      CHECK(found.distances == without.distances);
      for (std::int64_t q = 0; q < 4; ++q) check_row(found, q, by_brute_force(known, queries, q, m));
    }
  }
}

TEST_CASE("nearest: ties come by id, however many there are") {
  numbers known = random_numbers(element::uint8, 4000, 48, 0, 5);
  for (std::size_t i = 0; i < known.bytes.size(); ++i)
    known.bytes[i] = static_cast<std::uint8_t>(known.bytes[i] > 128);
  for (std::int64_t row = 0; row < 4000; row += 3)
    std::copy_n(known.bytes.begin(), 48, known.bytes.begin() + row * 48);
  const numbers queries{element::uint8, 1, 48, {}, {}, {known.bytes.begin(), known.bytes.begin() + 48}};
  for (const metric m : metrics) {
    const entries expected = by_brute_force(known, queries, 0, m);
    for (const int k : {1, 50, 1400, 4000}) {
      const matches found = nearest(known.view(), queries.view(), m, {.k = k}).of(0);
      for (std::size_t i = 0; i < static_cast<std::size_t>(k); ++i)
        REQUIRE(found.ids[i] == expected[i].second);
    }
  }
}

TEST_CASE("nearest: a radius, filters and tombstones; few admitted rows are scanned exactly") {
  const numbers known = random_numbers(element::float32, 12'000, 100, 10, 6);
  const numbers queries = random_numbers(element::float32, 6, 100, 10, 7);
  const vector_index index(known.view());
  REQUIRE(index.prepared_memory() > 0);
  for (std::int64_t q = 0; q < 6; ++q) {
    const vector_view query = queries.view().part(q, 1);
    const entries all = by_brute_force(known, queries, q, metric::squared_l2);
    const auto those = [&](const auto& admitted) {
      entries some;
      for (const auto& entry : all)
        if (admitted(entry)) some.push_back(entry);
      return some;
    };
    const float radius = all[11].first;
    check_row(index.search(query, {.k = 40, .radius = radius}), 0,
              those([&](const auto& entry) { return entry.first <= radius; }));
    check_row(index.search(query, {.k = 5, .radius = -1}), 0, {});
    check_row(index.search(query, {.k = 7, .leave_out = {all[0].second, all[3].second, -4, 1'000'000}}), 0,
              those([&](const auto& entry) { return entry != all[0] && entry != all[3]; }));
    check_row(index.search(query, {.k = 7, .filter = [](std::int64_t id) { return id % 3 == 1; }}), 0,
              those([](const auto& entry) { return entry.second % 3 == 1; }));
    check_row(index.search(query, {.k = 9, .only = std::vector<std::int64_t>{5, 11'999, 70, 70, 20'000}}), 0,
              those([](const auto& e) { return e.second == 5 || e.second == 11'999 || e.second == 70; }));
    std::vector<bool> bitmap(9000);
    for (std::size_t i = 0; i < bitmap.size(); i += 2) bitmap[i] = true;
    check_row(index.search(query, {.k = 9, .bitmap = bitmap}), 0,
              those([](const auto& entry) { return entry.second % 2 == 0 && entry.second < 9000; }));
    const vector_index rest =
        index.without({all[0].second, all[1].second}).without({all[1].second, all[4].second});
    CHECK(rest.size() == 11'997);
    check_row(rest.search(query, {.k = 4}), 0, those([&](const auto& entry) {
                return entry != all[0] && entry != all[1] && entry != all[4];
              }));
  }
}

TEST_CASE("nearest: all pairs leave each vector itself out, and threads change nothing") {
  const numbers known = random_numbers(element::float16, 9000, 100, 10, 8);
  const neighbors found = nearest_pairs(known.view(), metric::squared_l2, {.k = 3});
  REQUIRE(found.size() == 9000);
  for (std::int64_t q = 0; q < 9000; q += 1000) {
    entries expected = by_brute_force(known, known, q, metric::squared_l2);
    std::erase_if(expected, [&](const auto& entry) { return entry.second == q; });
    check_row(found, q, expected);
  }
  for (const int count : {1, 3}) {
    const thread_scope scope(count);
    CHECK(nearest_pairs(known.view(), metric::squared_l2, {.k = 3}).ids == found.ids);
    const vector_index index(known.view());
    for (const std::int64_t some : {1, 2, 41}) {
      const neighbors part = index.search(known.view().part(100, some), {.k = 4});
      for (std::int64_t q = 0; q < some; ++q) CHECK(part.of(q).ids[0] == 100 + q);
    }
  }
}

TEST_CASE("nearest: random vectors, which no components describe, are found all the same") {
  const numbers known = random_numbers(element::float32, 9000, 128, 0, 9);
  const numbers queries = random_numbers(element::float32, 40, 128, 0, 10);
  const neighbors found = vector_index(known.view()).search(queries.view(), {.k = 5});
  for (std::int64_t q = 0; q < 40; q += 13)
    check_row(found, q, by_brute_force(known, queries, q, metric::squared_l2));
  // With a table all the same: it gives up.
  numbers flat = random_numbers(element::float32, 40'000, 26, 0, 9);
  const auto table = detail::make_bound_table(flat.view(), metric::squared_l2,
                                              {.coarse = 12, .split = 2, .levels = {24}}, 0);
  REQUIRE(table != nullptr);
  const numbers asked = random_numbers(element::float32, 3, 26, 0, 10);
  detail::search_counts counts;
  const auto lists =
      detail::vector_search(flat.view(), table.get(), {.k = 2000}).run(asked.view(), counts, {});
  for (std::int64_t q = 0; q < 3; ++q)
    check_row(detail::to_neighbors(lists, 2000), q, by_brute_force(flat, asked, q, metric::squared_l2));
}

TEST_CASE("nearest: what cannot be searched is refused with a sentence") {
  using Catch::Contains;
  numbers known = random_numbers(element::float32, 20, 4, 0, 1);
  const numbers wider = random_numbers(element::float32, 2, 5, 0, 1);
  const numbers bytes = random_numbers(element::uint8, 2, 4, 0, 1);
  CHECK_THROWS_WITH(nearest(known.view(), wider.view()), Contains("5 numbers, wanted 4"));
  CHECK_THROWS_WITH(nearest(known.view(), bytes.view()), Contains("queries of uint8, wanted float32"));
  CHECK_THROWS_WITH(nearest(known.view(), known.view(), metric::squared_l2, {.k = 0}), Contains("k = 0"));
  CHECK_THROWS_WITH(nearest(known.view(), known.view(), metric::squared_l2, {.radius = NAN}),
                    Contains("radius"));
  CHECK_THROWS_WITH(nearest({}, known.view()), Contains("no vectors"));
  CHECK_THROWS_WITH(vector_view(known.floats.data(), 3, 0), Contains("at least one number"));
  numbers broken = known;
  broken.floats[7] = std::numeric_limits<float>::quiet_NaN();
  for (const metric m : metrics) {
    CAPTURE(name_of(m));
    CHECK_THROWS_WITH(nearest(broken.view(), known.view(), m), Contains("finite"));
    CHECK_THROWS_WITH(nearest(known.view(), broken.view(), m), Contains("finite"));
    CHECK_THROWS_WITH(vector_index(broken.view(), {.how = m}), Contains("finite"));
  }
  CHECK(nearest(known.view(), known.view().part(0, 0)).size() == 0);
}

TEST_CASE("float16: all numbers survive widening and rounding, ties go to even") {
  for (std::uint32_t bits = 0; bits < 0x10000; ++bits) {
    const float16 half{static_cast<std::uint16_t>(bits)};
    const float value = to_float(half);
    if (std::isnan(value)) {
      REQUIRE(std::isnan(to_float(to_float16(value))));
    } else {
      REQUIRE(to_float16(value) == half);
    }
  }
  CHECK(to_float16(1 + 0x1p-11f) == to_float16(1.0f));
  CHECK(to_float16(1 + 3 * 0x1p-11f) == to_float16(1 + 0x1p-9f));
  CHECK(to_float(to_float16(65519.0f)) == 65504.0f);
  CHECK(to_float(to_float16(65520.0f)) == infinity);
  CHECK(to_float16(0x1p-25f) == float16{0});
  CHECK(to_float16(0x1.8p-25f) == float16{1});
}

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include <catch2/catch.hpp>

#include <lookalike/core/random.hpp>
#include <lookalike/retrieve/component_shortlist.hpp>
#include <lookalike/retrieve/recall.hpp>
#include <lookalike/retrieve/vector_index.hpp>

using namespace lookalike;

namespace {

/// Vectors with variance `decay^(2 i)` along axis i.
tensor<float> spread_rows(std::int64_t count, std::int64_t dimension, double decay, std::uint64_t seed) {
  tensor<float> rows(count, dimension);
  random_sequence random(seed);
  for (std::int64_t n = 0; n < count; ++n)
    for (std::int64_t i = 0; i < dimension; ++i)
      rows(n, i) = static_cast<float>(random.normal() * std::pow(decay, static_cast<double>(i)));
  return rows;
}

double mean_recall(const std::vector<matches>& found, const std::vector<matches>& exact) {
  double sum = 0;
  for (std::size_t i = 0; i < found.size(); ++i) sum += recall(found[i], exact[i]);
  return sum / static_cast<double>(found.size());
}

}  // namespace

TEST_CASE("a shortlist by components finds most, more with more candidates, and all with all") {
  const tensor<float> rows = spread_rows(2000, 60, 0.94, 1), queries = spread_rows(40, 60, 0.94, 2);
  const component_shortlist shortlist(rows, {.components = 12});
  const auto exact = vector_index(rows).search(queries, {.k = 20});
  const double few = mean_recall(shortlist.search(queries, 20, 30), exact);
  const double many = mean_recall(shortlist.search(queries, 20, 200), exact);
  CHECK(few > 0.3);
  CHECK(many > few + 0.1);
  const auto all = shortlist.search(queries, 20, 2000);
  for (std::size_t q = 0; q < all.size(); ++q) {
    CHECK(all[q].ids == exact[q].ids);
    CHECK(all[q].distances == exact[q].distances);
    CHECK_FALSE(all[q].certified);
  }
}

TEST_CASE("where the components hold everything, as few candidates as are wanted are enough") {
  tensor<float> rows = spread_rows(500, 40, 1, 3), queries = spread_rows(10, 40, 1, 4);
  for (auto* each : {&rows, &queries})
    for (std::int64_t n = 0; n < each->batch(); ++n)
      for (std::int64_t i = 5; i < 40; ++i) (*each)(n, i) = 0;
  const component_shortlist shortlist(rows, {.components = 5});
  const auto exact = vector_index(rows).search(queries, {.k = 8});
  CHECK(mean_recall(shortlist.search(queries, 8, 9), exact) == 1);
  for (const matches& each : shortlist.candidates(queries, 8)) CHECK_FALSE(each.certified);
}

TEST_CASE("shortlists by components: bad options are errors") {
  const tensor<float> rows = spread_rows(20, 6, 1, 5);
  CHECK_THROWS_AS(component_shortlist(rows, {.components = 0}), value_error);
  CHECK_THROWS_AS(component_shortlist(tensor<float>()), value_error);
  const component_shortlist shortlist(rows, {.components = 3});
  CHECK_THROWS_AS(shortlist.search(rows, 0, 5), value_error);
  CHECK_THROWS_AS(shortlist.search(rows, 5, 0), value_error);
  CHECK_THROWS_AS(shortlist.search(tensor<float>(2, 7), 1, 5), value_error);
}

// A prepared collection finds what the collection finds, whatever is masked and left out.

#include <random>

#include <catch2/catch.hpp>

#include <lookalike/retrieve/color_grid.hpp>
#include <lookalike/retrieve/prepared_collection.hpp>

#include "scratch.hpp"

using namespace lookalike;

TEST_CASE("a prepared collection finds what the collection does, one query or many") {
  const test::scratch_folder scratch;
  for (int i = 0; i < 30; ++i) test::write_waves(scratch.path, sentence(i, ".png"), i);
  const auto photos = collection::build(scratch.path, {.encoder = color_grid});
  const prepared_collection ready(photos);
  std::mt19937 chance(1);
  std::uniform_real_distribution<float> weight(0, 1);
  std::vector<descriptor> queries;
  for (int i = 0; i < 12; ++i) {
    queries.push_back(photos.descriptor(photos.id(i)));
    for (float& value : queries.back().values) value += 0.05f * weight(chance);
    for (float& w : queries.back().weights) w = i == 0 ? 1.0f : weight(chance) < 0.3f ? 0.0f : weight(chance);
  }
  for (const search_options& options :
       {search_options{.k = 5}, search_options{.k = 40}, search_options{.k = 3, .leave_out = {0, 4, 7}},
        search_options{.k = 4, .importance = {0.5f}}}) {
    const std::vector<matches> together = ready.search(queries, options);
    REQUIRE(together.size() == queries.size());
    for (std::size_t i = 0; i < queries.size(); ++i) {
      const matches wanted = photos.search(queries[i], options);
      const matches alone = ready.search(queries[i], options);
      CHECK(together[i].ids == wanted.ids);
      CHECK(together[i].distances == wanted.distances);
      CHECK(together[i].certified);
      CHECK(alone.ids == wanted.ids);
      CHECK(alone.source != nullptr);
    }
  }
  CHECK(ready.search(std::span<const descriptor>()).empty());
  descriptor other = queries[0];
  other.blocks[0].name = "another";
  CHECK_THROWS_AS(ready.search(other), value_error);
}

TEST_CASE("an empty collection cannot be prepared") {
  const test::scratch_folder scratch;
  CHECK_THROWS_WITH(prepared_collection(collection::build(scratch.path, {.encoder = color_grid})),
                    Catch::Contains("given an empty collection"));
}

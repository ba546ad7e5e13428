#include <cmath>
#include <cstdint>
#include <vector>

#include <catch2/catch.hpp>

#include <lookalike/core/random.hpp>
#include <lookalike/retrieve/rerank.hpp>
#include <lookalike/retrieve/tiny_image.hpp>
#include <lookalike/retrieve/vector_index.hpp>

using namespace lookalike;

namespace {

/// Waves, with a row for each picture.
tensor<float> pictures(std::int64_t count, std::uint64_t seed) {
  tensor<float> rows(count, 3072);
  for (std::int64_t n = 0; n < count; ++n) {
    random_sequence random(seed, static_cast<std::uint64_t>(n));
    for (int wave = 0; wave < 8; ++wave) {
      const double fy = random.uniform(-0.5, 0.5), fx = random.uniform(-0.5, 0.5);
      for (int c = 0; c < 3; ++c) {
        const double strength = random.normal(), phase = random.uniform(0, 6);
        for (int i = 0; i < 1024; ++i)
          rows(n, c * 1024 + i) +=
              static_cast<float>(strength * std::cos(fy * (i / 32) + fx * (i % 32) + phase));
      }
    }
    normalize_picture({rows.data() + n * 3072, 3072});
  }
  return rows;
}

}  // namespace

TEST_CASE("a moved picture that plain distance ranks low comes first by warp and by shift") {
  tensor<float> known = pictures(40, 1);
  const tensor<float> queries = pictures(3, 2);
  const auto row = [](const tensor<float>& of, std::int64_t n) {
    return std::span(of.data() + n * 3072, 3072);
  };
  for (std::int64_t q = 0; q < 3; ++q) {  // planted: vector 10 + q is query q, mirrored and moved
    const auto moved = warped(row(queries, q), {1.5f, -2, 1.05f, true});
    std::copy(moved.begin(), moved.end(), known.data() + (10 + q) * 3072);
  }
  const auto shortlists = vector_index(known).search(queries, {.k = 40});
  for (const auto distance : {tiny_image_distance::warp, tiny_image_distance::shift}) {
    const auto found = rerank(shortlists, 5, known, queries, distance);
    REQUIRE(found.size() == 3);
    for (std::int64_t q = 0; q < 3; ++q) {
      const matches& each = found[static_cast<std::size_t>(q)];
      CHECK(each.ids[0] == 10 + q);
      CHECK(each.count == 5);
      CHECK_FALSE(each.certified);
      CHECK(std::is_sorted(each.distances.begin(), each.distances.end()));
      const float own = distance == tiny_image_distance::warp
                            ? warp_distance(row(queries, q), row(known, each.ids[3])).squared_distance
                            : shift_distance(row(queries, q), row(known, each.ids[3])).squared_distance;
      CHECK(each.distances[3] == own);
    }
  }
  const auto same = rerank(shortlists, 40, known, queries, tiny_image_distance::ssd);
  for (std::size_t q = 0; q < 3; ++q) {
    CHECK(same[q].ids == shortlists[q].ids);
    CHECK(same[q].distances == shortlists[q].distances);
  }
}

TEST_CASE("shortlists that do not fit are errors") {
  const tensor<float> known = pictures(3, 1);
  std::vector<matches> shortlists = vector_index(known).search(known, {.k = 4});
  CHECK(rerank(shortlists, 2, known, known, tiny_image_distance::ssd)[0].count == 2);
  CHECK(rerank(shortlists, 9, known, known, tiny_image_distance::ssd)[0].count == 3);
  CHECK_THROWS_AS(rerank(shortlists, 0, known, known, tiny_image_distance::ssd), value_error);
  CHECK_THROWS_AS(rerank(shortlists, 1, known, pictures(2, 1), tiny_image_distance::ssd), value_error);
  CHECK_THROWS_AS(rerank(shortlists, 1, known, known, tiny_image_distance::ssd, {}, {1, 32, 32}),
                  value_error);
  shortlists[1].ids[0] = 3;
  CHECK_THROWS_AS(rerank(shortlists, 1, known, known, tiny_image_distance::warp), value_error);
}

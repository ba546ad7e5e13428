#include <cmath>
#include <cstdint>
#include <vector>

#include <catch2/catch.hpp>

#include <lookalike/core/random.hpp>
#include <lookalike/retrieve/picture_orientation.hpp>
#include <lookalike/retrieve/tiny_image.hpp>

using namespace lookalike;

TEST_CASE("a quarter turn brings what is at the right to the top") {
  const std::vector<float> values{1, 2, 3, 4};  // 1 2 / 3 4
  CHECK(quarter_turned(values, 1, 1, 2) == std::vector<float>{2, 4, 1, 3});
  CHECK(quarter_turned(values, 2, 1, 2) == std::vector<float>{4, 3, 2, 1});
  CHECK(quarter_turned(values, -1, 1, 2) == quarter_turned(values, 3, 1, 2));
  std::vector<float> all(3 * 5 * 5);
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = static_cast<float>(i);
  CHECK(quarter_turned(quarter_turned(all, 3, 3, 5), 1, 3, 5) == all);
  CHECK_THROWS_AS(quarter_turned(values, 1, 3, 2), value_error);
}

TEST_CASE("turned pictures are brought upright by their neighbors") {
  // Bright skies above dark, noisy ground.
  random_sequence random(4);
  const auto scenes = [&](std::int64_t count) {
    tensor<std::uint8_t> pictures(count, 3, 32, 32);
    for (std::int64_t n = 0; n < count; ++n) {
      const std::int64_t horizon = 10 + random.integer(12);
      for (std::int64_t c = 0; c < 3; ++c)
        for (std::int64_t y = 0; y < 32; ++y)
          for (std::int64_t x = 0; x < 32; ++x)
            pictures(n, c, y, x) = static_cast<std::uint8_t>((y < horizon ? 150 : 50) + random.integer(50));
    }
    return normalized_pixels(pictures.view());
  };
  const vector_index upright(scenes(60));
  const tensor<float> rows = scenes(12);
  tensor<float> queries(12, 3, 32, 32);
  for (std::int64_t n = 0; n < 12; ++n) {  // n turns back are needed
    const auto turned = quarter_turned({rows.data() + n * 3072, 3072}, -static_cast<int>(n), 3, 32);
    std::copy(turned.begin(), turned.end(), queries.data() + n * 3072);
  }
  const auto found = find_orientations(upright, queries.view(), {.neighbors = 7});
  REQUIRE(found.size() == 12);
  for (std::size_t n = 0; n < 12; ++n) {
    CHECK(found[n].quarter_turns == static_cast<int>(n % 4));
    // The mean correlation is that of a search.
    const auto matched = upright.search(
        feature_vector(std::vector<float>(rows.data() + n * 3072, rows.data() + (n + 1) * 3072)), {.k = 7});
    double sum = 0;
    for (const float d : matched.distances) sum += 1 - 0.5 * static_cast<double>(d);
    CHECK(found[n].correlation[n % 4] == Approx(sum / 7).epsilon(1e-5));
  }
  CHECK(find_orientations(upright, tensor<float>(0, 3, 32, 32).view()).empty());
  CHECK_THROWS_AS(find_orientations(upright, tensor<float>(1, 3, 16, 64).view()), value_error);
  CHECK_THROWS_AS(find_orientations(upright, tensor<float>(1, 1, 32, 32).view()), value_error);
  CHECK_THROWS_AS(find_orientations(upright, queries.view(), {.neighbors = 0}), value_error);
}

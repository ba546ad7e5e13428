#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include <catch2/catch.hpp>

#include <lookalike/core/random.hpp>
#include <lookalike/retrieve/near_duplicates.hpp>
#include <lookalike/retrieve/tiny_image.hpp>

using namespace lookalike;

TEST_CASE("near duplicates among vectors are those whose cosine says so") {
  random_sequence random(1);
  tensor<float> rows(400, 20), queries(300, 20);
  for (float& value : rows) value = static_cast<float>(random.normal());
  for (float& value : queries) value = static_cast<float>(random.normal());
  for (std::int64_t i = 0; i < 20; ++i) rows(9, i) = 0;
  const auto found = near_duplicates(rows, queries, {.correlation = 0.4f});
  REQUIRE(found.size() == 300);
  std::size_t pairs = 0;
  for (std::int64_t q = 0; q < 300; ++q) {
    std::vector<std::int64_t> wanted;
    for (std::int64_t n = 0; n < 400; ++n) {
      double ab = 0, aa = 0, bb = 0;
      for (std::int64_t i = 0; i < 20; ++i) {
        const double a = static_cast<double>(queries(q, i)), b = static_cast<double>(rows(n, i));
        ab += a * b, aa += a * a, bb += b * b;
      }
      if (bb > 0 && ab / std::sqrt(aa * bb) >= static_cast<double>(0.4f)) wanted.push_back(n);
    }
    CHECK(found[static_cast<std::size_t>(q)] == wanted);
    pairs += wanted.size();
  }
  CHECK(pairs > 1000);
}

TEST_CASE("a retouched picture is a near duplicate of its tiny image, another picture is not") {
  random_sequence random(2);
  tensor<std::uint8_t> pictures(5, 3, 32, 32);
  for (std::uint8_t& value : pictures) value = static_cast<std::uint8_t>(random.integer(200));
  tensor<std::uint8_t> retouched(1, 3, 32, 32);
  for (std::int64_t i = 0; i < 3072; ++i)
    retouched.data()[i] = static_cast<std::uint8_t>(pictures.data()[2 * 3072 + i] + 20 + random.integer(30));
  const auto found = near_duplicates(tiny_image(pictures.view()), tiny_image(retouched.view()));
  CHECK(found == std::vector<std::vector<std::int64_t>>{{2}});
}

TEST_CASE("near duplicates: bad vectors are errors, none are nobody's duplicates") {
  tensor<float> rows(2, 3);
  CHECK(near_duplicates(tensor<float>(), rows) == std::vector<std::vector<std::int64_t>>(2));
  CHECK_THROWS_AS(near_duplicates(rows, tensor<float>(1, 4)), value_error);
  CHECK_THROWS_AS(near_duplicates(rows, rows, {.correlation = 1.5f}), value_error);
  rows(1, 1) = std::numeric_limits<float>::quiet_NaN();
  CHECK_THROWS_AS(near_duplicates(rows, tensor<float>(1, 3)), value_error);
}

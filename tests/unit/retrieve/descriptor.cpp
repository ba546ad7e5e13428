#include <cmath>
#include <limits>
#include <vector>

#include <catch2/catch.hpp>

#include <lookalike/retrieve/descriptor.hpp>

namespace {
using namespace lookalike;

descriptor small() {
  return {{{"a", 2, 3, 2.0f}, {"b", 1, 2, 1.0f}}, {1, 2, 3, 4, 5, 6, 7, 8}, {1.0f, 0.5f, 0.25f}};
}
}  // namespace

TEST_CASE("values and cells are counted over all blocks, and cells are visited in order") {
  const descriptor d = small();
  CHECK(value_count(d.blocks) == 8);
  CHECK(cell_count(d.blocks) == 3);
  std::vector<std::vector<std::size_t>> visits;
  for_each_cell(d.blocks, [&](std::size_t block, std::size_t cell, std::size_t first) {
    visits.push_back({block, cell, first});
  });
  CHECK(visits == std::vector<std::vector<std::size_t>>{{0, 0, 0}, {0, 1, 3}, {1, 2, 6}});
}

TEST_CASE("the squared distance weighs cells by the mask and blocks by their factors") {
  const std::vector<float> other{0, 2, 3, 4, 7, 6, 7, 4};  // differs by 1, 2 and 4, one in each cell
  const std::vector<double> factors{10, 100};
  CHECK(squared_distance(small(), other, factors) == Approx(10 * 1.0 * 1 + 10 * 0.5 * 4 + 100 * 0.25 * 16));
}

TEST_CASE("descriptors compare when their blocks hold the same, whatever their importance") {
  descriptor other = small();
  other.blocks[0].importance = 9;
  CHECK(comparable(small().blocks, other.blocks));
  other.blocks[1].name = "c";
  CHECK_FALSE(comparable(small().blocks, other.blocks));
  CHECK_FALSE(comparable(small().blocks, std::vector<descriptor_block>{small().blocks[0]}));
}

TEST_CASE("joining puts blocks, values and weights one after another") {
  const descriptor joined = join(small(), small());
  CHECK(joined.blocks.size() == 4);
  CHECK(joined.values.size() == 16);
  CHECK(joined.weights == std::vector<float>{1.0f, 0.5f, 0.25f, 1.0f, 0.5f, 0.25f});
  CHECK_NOTHROW(require_valid(joined, "test"));
}

TEST_CASE("a descriptor that contradicts itself is refused with its counts") {
  CHECK_NOTHROW(require_valid(small(), "test"));
  descriptor d = small();
  d.values.pop_back();
  CHECK_THROWS_WITH(require_valid(d, "test"),
                    "test: given 7 values and 3 weights, wanted 8 and 3 for a of 2x3 + b "
                    "of 1x2");
  d = small();
  d.values[3] = std::numeric_limits<float>::quiet_NaN();
  CHECK_THROWS_AS(require_valid(d, "test"), value_error);
  d = small();
  d.weights[0] = 1.5f;
  CHECK_THROWS_AS(require_valid(d, "test"), value_error);
  d = small();
  d.weights = {0, 0, 0};
  CHECK_THROWS_AS(require_valid(d, "test"), value_error);
  d = small();
  d.blocks[0].cells = -2;
  CHECK_THROWS_AS(require_valid(d, "test"), value_error);
  CHECK_THROWS_AS(require_valid({}, "test"), value_error);
}

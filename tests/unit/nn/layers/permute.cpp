#include <algorithm>
#include <array>

#include <catch2/catch.hpp>

#include <lookalike/nn/layers/permute.hpp>
#include <lookalike/nn/model.hpp>

#include "rearranged.hpp"

namespace permute_test {

using namespace lookalike;
using layer_test::place;

namespace {

template <class Scalar>
void compare(unsigned seed) {
  std::mt19937 generator(seed);
  const auto x = layer_test::some_pictures(generator);
  std::array<int, 3> order{0, 1, 2};
  std::shuffle(order.begin(), order.end(), generator);
  const std::array<int, 3> extents{x.channels, x.height, x.width};
  const auto extent = [&](std::size_t axis) { return extents[static_cast<std::size_t>(order[axis])]; };
  CAPTURE(seed, order[0], order[1], order[2]);
  layer_test::compare_places<Scalar>(
      layers::permute{order[0], order[1], order[2]}, {x}, {extent(0), extent(1), extent(2)},
      [&](int c, int i, int j) {
        std::array<int, 3> from{};
        from[static_cast<std::size_t>(order[0])] = c;
        from[static_cast<std::size_t>(order[1])] = i;
        from[static_cast<std::size_t>(order[2])] = j;
        return place{from[0], from[1], from[2]};
      },
      generator);
}

struct turned {
  static constexpr architecture define() { return input(3) | permute(0, 2, 1); }
};
static_assert(model<turned, float, 4, 5>::static_output_shape() == shape{3, 5, 4});
static_assert(model<turned>::static_output_shape() == shape{3, dynamic, dynamic});
struct rows_as_channels {
  static constexpr architecture define() { return input(3, {.height = 7}) | permute(1, 0, 2); }
};
static_assert(model<rows_as_channels>::static_output_shape() == shape{7, 3, dynamic});

}  // namespace

TEST_CASE("channels, rows and columns change roles, and gradients change back") {
  for (unsigned seed = 0; seed < 40; ++seed) compare<float>(seed);
  for (unsigned seed = 40; seed < 60; ++seed) compare<double>(seed);
}

}  // namespace permute_test

#include <catch2/catch.hpp>

#include <lookalike/nn/layers/slice.hpp>
#include <lookalike/nn/model.hpp>

#include "rearranged.hpp"

namespace slice_test {

using namespace lookalike;
using layer_test::draw;
using layer_test::place;

namespace {

template <class Scalar>
void compare(unsigned seed) {
  std::mt19937 generator(seed);
  const auto x = layer_test::some_pictures(generator);
  const int first = draw(generator, 0, x.channels - 1);
  const int count = draw(generator, 1, x.channels - first);
  CAPTURE(seed, first, count, x.channels);
  layer_test::compare_places<Scalar>(
      layers::slice{first, count}, {x}, {count, x.height, x.width},
      [&](int c, int i, int j) {
        return place{first + c, i, j};
      },
      generator);
}

struct halves {
  static constexpr architecture define() { return input(6) | branch(slice(0, 3), slice(3, 3)) | slice(2, 2); }
};
static_assert(model<halves>::static_output_shape() == shape{2, dynamic, dynamic});

}  // namespace

TEST_CASE("a slice is those channels, and gradients go back there") {
  for (unsigned seed = 0; seed < 40; ++seed) compare<float>(seed);
  for (unsigned seed = 40; seed < 60; ++seed) compare<double>(seed);
}

}  // namespace slice_test

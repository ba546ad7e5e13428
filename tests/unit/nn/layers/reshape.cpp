#include <catch2/catch.hpp>

#include <lookalike/nn/dynamic_model.hpp>
#include <lookalike/nn/layers/reshape.hpp>
#include <lookalike/nn/model.hpp>

#include "rearranged.hpp"

namespace reshape_test {

using namespace lookalike;
using layer_test::array4;
using layer_test::draw;
using layer_test::place;

namespace {

template <class Scalar, class Layer>
void compare_order(const Layer& l, const array4& x, const shape& wanted, std::mt19937& generator) {
  layer_test::compare_places<Scalar>(
      l, {x}, wanted,
      [&](int c, int i, int j) {
        const int at = (c * wanted.height + i) * wanted.width + j;
        return place{at / (x.height * x.width), at / x.width % x.height, at % x.width};
      },
      generator);
}

template <class Scalar>
void compare(unsigned seed) {
  std::mt19937 generator(seed);
  const array4 x = layer_test::some_pictures(generator);
  const int size = x.channels * x.height * x.width;
  const auto divisor = [&](int of) {
    int d = draw(generator, 1, of);
    while (of % d != 0) --d;
    return d;
  };
  layers::reshape l;
  l.height = divisor(size);
  l.width = divisor(size / l.height);
  l.channels = size / l.height / l.width;
  CAPTURE(seed, x.channels, x.height, x.width, l.channels, l.height, l.width);
  compare_order<Scalar>(l, x, {l.channels, l.height, l.width}, generator);
  compare_order<Scalar>(layers::flatten{}, x, {size, 1, 1}, generator);
}

struct decoder {
  static constexpr architecture define() {
    return input(8) | reshape(2, 2, 2) | flatten() | reshape(1, 1, 8);
  }
};
static_assert(model<decoder, float, 1, 1>::static_output_shape() == shape{1, 1, 8});
// What comes in may be open; the numbers are counted when the network runs.
static_assert(model<decoder>::static_output_shape() == shape{1, 1, 8});

}  // namespace

TEST_CASE("numbers keep PyTorch's order when they get other extents") {
  for (unsigned seed = 0; seed < 40; ++seed) compare<float>(seed);
  for (unsigned seed = 40; seed < 60; ++seed) compare<double>(seed);
}

TEST_CASE("other counts of numbers are an error when the network runs") {
  const dynamic_model<float> net(input(8) | reshape(2, 2, 2));
  CHECK_NOTHROW(net(tensor<float>(1, 8)));
  CHECK_THROWS_WITH(net(tensor<float>(1, 8, 2, 1)),
                    Catch::Contains("reshape0: expects 8 numbers, given 8 x 2 x 1"));
}

}  // namespace reshape_test

#include <catch2/catch.hpp>

#include <lookalike/nn/dynamic_model.hpp>
#include <lookalike/nn/layers/crop.hpp>
#include <lookalike/nn/model.hpp>

#include "rearranged.hpp"

namespace crop_test {

using namespace lookalike;
using layer_test::array4;
using layer_test::draw;
using layer_test::place;

namespace {

template <class Scalar>
void compare(unsigned seed) {
  std::mt19937 generator(seed);
  const array4 x = layer_test::some_pictures(generator);
  layers::crop l;
  l.top = draw(generator, 0, x.height - 1);
  l.left = draw(generator, 0, x.width - 1);
  l.bottom = draw(generator, 0, x.height - 1 - l.top);
  l.right = draw(generator, 0, x.width - 1 - l.left);
  CAPTURE(seed, l.top, l.left, l.bottom, l.right);
  layer_test::compare_places<Scalar>(
      l, {x}, {x.channels, x.height - l.top - l.bottom, x.width - l.left - l.right},
      [&](int c, int i, int j) {
        return place{c, l.top + i, l.left + j};
      },
      generator);

  const array4 like = layer_test::random_array(
      generator, x.batch, {draw(generator, 1, 5), draw(generator, 1, x.height), draw(generator, 1, x.width)});
  CAPTURE(like.height, like.width);
  layer_test::compare_places<Scalar>(
      layers::center_crop_to{}, {x, like}, {x.channels, like.height, like.width},
      [&](int c, int i, int j) {
        return place{c, i + (x.height - like.height) / 2, j + (x.width - like.width) / 2};
      },
      generator);
}

struct inner {
  static constexpr architecture define() { return input(3) | crop(1, 2, 3, 4); }
};
static_assert(model<inner, float, 10, 10>::static_output_shape() == shape{3, 6, 4});
static_assert(model<inner>::static_output_shape() == shape{3, dynamic, dynamic});
struct skipped {
  static constexpr architecture define() { return input(3) | skip(crop(2, 2, 2, 2)) | center_crop_to(); }
};
static_assert(model<skipped, float, 10, 12>::static_output_shape() == shape{3, 6, 8});

}  // namespace

TEST_CASE("crops keep the inner part, and gradients go back there") {
  for (unsigned seed = 0; seed < 40; ++seed) compare<float>(seed);
  for (unsigned seed = 40; seed < 60; ++seed) compare<double>(seed);
}

TEST_CASE("maps that are too small to be cropped are an error when the network runs") {
  const dynamic_model<float> net(branch(input("whole", 1), input("like", 1)) | center_crop_to());
  CHECK_NOTHROW(net.forward({tensor<float>(1, 1, 4, 4), tensor<float>(1, 1, 4, 3)}));
  CHECK_THROWS_WITH(
      net.forward({tensor<float>(1, 1, 4, 4), tensor<float>(1, 1, 4, 5)}),
      Catch::Contains("center_crop_to0: expects 5 or more columns, as many as it is cropped to, given 4"));
}

}  // namespace crop_test

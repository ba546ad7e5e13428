// Overlap-tile: where the margin covers the receptive field, tiles give what the whole picture gives.

#include <catch2/catch.hpp>

#include <lookalike/core/random.hpp>
#include <lookalike/models/unet.hpp>
#include <lookalike/nn/dynamic_model.hpp>
#include <lookalike/nn/receptive_field.hpp>
#include <lookalike/nn/tiles.hpp>

namespace tiles_test {

using namespace lookalike;

namespace {

tensor<float> picture(int batch, int channels, int height, int width, std::uint64_t seed) {
  tensor<float> x(batch, channels, height, width);
  random_sequence random(seed);
  for (float& v : x) v = static_cast<float>(random.uniform(-1, 1));
  return x;
}

double largest_difference(const tensor<float>& a, const tensor<float>& b) {
  REQUIRE(a.extents() == b.extents());
  double most = 0;
  for (std::int64_t i = 0; i < a.size(); ++i)
    most = std::max(most, std::abs(double{a.data()[i]} - b.data()[i]));
  return most;
}

}  // namespace

TEST_CASE(
    "tiles of a U-Net are the whole picture's, borders included, where the margin covers what it sees") {
  const architecture a = unet_padded({.inputs = 2, .classes = 3, .width = 4, .levels = 2});
  const dynamic_model<float> net(a);
  const receptive_field_extents field = receptive_field(a);
  CHECK(field.height <= 2 * 24);  // so 24 pixels on each side are enough
  const tensor<float> x = picture(2, 2, 100, 76, 1);
  const tensor<float> whole = net(x);
  for (const int tile : {8, 32, 100, 128}) {
    CAPTURE(tile);
    CHECK(largest_difference(run_tiled<float>(net, x, {.tile = tile, .overlap = 24, .multiple = 4}), whole) <=
          1e-5);
  }
}

TEST_CASE("without a margin they are not") {
  const dynamic_model<float> net(unet_padded({.inputs = 1, .classes = 1, .width = 4, .levels = 2}));
  const tensor<float> x = picture(1, 1, 64, 64, 2);
  CHECK(largest_difference(run_tiled<float>(net, x, {.tile = 32, .overlap = 0, .multiple = 4}), net(x)) >
        1e-4);
}

TEST_CASE("pictures may be views with gaps, and smaller than a tile") {
  const dynamic_model<float> net(input(1) | conv(2));
  const tensor<float> x = picture(3, 4, 12, 9, 3);
  tensor_view<const float> third = x.view();  // the third channel alone
  third.data += 2 * third.strides[1];
  third.extents[1] = 1;
  const tensor<float> alone(third);
  CHECK(largest_difference(run_tiled<float>(net, third, {.tile = 5, .overlap = 1, .multiple = 1}),
                           net(alone)) <= 1e-6);
  CHECK(largest_difference(run_tiled<float>(net, third, {.tile = 64, .overlap = 1, .multiple = 1}),
                           net(alone)) == 0);
}

TEST_CASE("what does not fit is an error that says so") {
  const dynamic_model<float> net(input(1) | max_pool(2));
  const tensor<float> x = picture(1, 1, 8, 8, 4);
  CHECK_THROWS_WITH(run_tiled<float>(net, x, {.tile = 4, .overlap = 1, .multiple = 2}),
                    "run_tiled: given tiles of 4 with an overlap of 1, wanted multiples of 2");
  CHECK_THROWS_WITH(run_tiled<float>(net, x, {.tile = 16, .overlap = 16}),
                    "run_tiled: given a picture of 8 x 8, wanted multiples of 16");
  CHECK_THROWS_WITH(run_tiled<float>(net, x, {.tile = 4, .overlap = 2, .multiple = 2}),
                    "run_tiled: the network yields 3 x 3 for 6 x 6, wanted the same");
  CHECK_THROWS_AS(run_tiled<float>(net, tensor<float>(1, 1, 0, 8), {.tile = 4, .overlap = 2, .multiple = 2}),
                  value_error);
}

}  // namespace tiles_test

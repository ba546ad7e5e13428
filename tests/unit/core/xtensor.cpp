#include <concepts>
#include <cstdint>
#include <string>
#include <utility>

#include <catch2/catch.hpp>
#include <xtensor/xarray.hpp>
#include <xtensor/xview.hpp>

#include <lookalike/core/xtensor.hpp>
#include <lookalike/image/image.hpp>
#include <lookalike/image/mask.hpp>

using namespace lookalike;

namespace {

image<3> numbered(int height, int width) {
  image<3> picture(height, width);
  for (std::size_t i = 0; i < picture.values().size(); ++i) picture.values()[i] = static_cast<float>(i);
  return picture;
}

template <class Picture>
concept viewable = requires(Picture&& picture) {
  as_xtensor(std::forward<Picture>(picture));
};

static_assert(viewable<image<3>&> && viewable<const mask&>);
static_assert(!viewable<image<3>>, "a view of a temporary would dangle");

}  // namespace

TEST_CASE("a picture seen as a tensor has shape (height, width, channels) and shares its memory") {
  image<3> picture = numbered(4, 5);
  auto tensor = as_xtensor(picture);
  CHECK(tensor.dimension() == 3);
  CHECK(tensor.shape()[0] == 4);
  CHECK(tensor.shape()[1] == 5);
  CHECK(tensor.shape()[2] == 3);
  CHECK(&tensor(2, 3, 1) == &picture(2, 3, 1));
  xt::view(tensor, 1, xt::all(), 2) = -1.0f;
  for (int x = 0; x < 5; ++x) CHECK(picture(1, x, 2) == -1.0f);
  CHECK(picture(1, 0, 1) == 16.0f);
}

TEST_CASE("a constant picture gives a tensor that cannot be written") {
  const image<3> picture = numbered(2, 2);
  const auto tensor = as_xtensor(picture);
  static_assert(std::same_as<decltype(tensor(0, 0, 0)), const float&>);
  CHECK(tensor(1, 1, 2) == 11.0f);
}

TEST_CASE("expressions of tensors become pictures") {
  image<3> picture = numbered(3, 4);
  const auto halved = from_xtensor<image<3>>(as_xtensor(picture) * 0.5f);
  CHECK(halved(2, 3, 1) == picture(2, 3, 1) * 0.5f);
  // Strided and reversed views too.
  const auto flipped = from_xtensor<image<3>>(xt::view(as_xtensor(picture), xt::range(2, -4, -1), xt::all()));
  REQUIRE(flipped.height() == 3);
  for (int y = 0; y < 3; ++y) CHECK(flipped(y, 1, 2) == picture(2 - y, 1, 2));
  const auto thinned = from_xtensor<image<3>>(xt::view(as_xtensor(picture), xt::all(), xt::range(0, 4, 2)));
  REQUIRE(thinned.width() == 2);
  CHECK(thinned(1, 1, 0) == picture(1, 2, 0));
}

TEST_CASE("double precision and plain matrices are taken where they fit") {
  const xt::xtensor<double, 2> plane{{0.25, 0.5}, {0.75, 1.0}, {0.0, 0.125}};
  const auto picture = from_xtensor<image<1>>(plane);
  REQUIRE(picture.height() == 3);
  REQUIRE(picture.width() == 2);
  CHECK(picture(1, 0) == 0.75f);
  const xt::xarray<std::uint8_t> hole = xt::zeros<std::uint8_t>({2, 3, 1});
  CHECK(from_xtensor<mask>(hole) == mask(2, 3));
}

TEST_CASE("a tensor of another shape is refused with both shapes in the message") {
  const xt::xarray<float> planar = xt::zeros<float>({3, 8, 9});
  CHECK_THROWS_WITH(from_xtensor<image<3>>(planar),
                    "from_xtensor: given the shape (3, 8, 9), wanted (height, width, 3)");
  CHECK_THROWS_AS(from_xtensor<image<3>>(xt::xarray<float>(xt::zeros<float>({8, 9}))), value_error);
  CHECK_THROWS_AS(from_xtensor<image<1>>(xt::xarray<float>(xt::zeros<float>({8}))), value_error);
}

TEST_CASE("empty pictures go both ways") {
  image<3> nothing(0, 7);
  CHECK(as_xtensor(nothing).size() == 0);
  CHECK(from_xtensor<image<3>>(as_xtensor(nothing)).width() == 7);
}

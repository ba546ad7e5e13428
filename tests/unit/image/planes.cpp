#include <cstdint>
#include <vector>

#include <catch2/catch.hpp>

#include <lookalike/image/planes.hpp>

#include "scratch.hpp"

using namespace lookalike;

TEST_CASE("channels become planes, and planes channels again") {
  const image<3> first = scratch::random_picture(4, 5, 1);
  const image<3> second = scratch::random_picture(4, 5, 2);
  tensor<float> batch(2, 3, 4, 5);
  write_planes(first, sample_of(batch.view(), 0));
  write_planes(second, sample_of(batch.view(), 1));
  for (int c = 0; c < 3; ++c)
    for (int y = 0; y < 4; ++y)
      for (int x = 0; x < 5; ++x) {
        CHECK(batch(0, c, y, x) == first(y, x, c));
        CHECK(batch(1, c, y, x) == second(y, x, c));
      }
  const tensor<float>& filled = batch;
  CHECK(image_of_planes<3>(sample_of(filled.view(), 1)) == second);
}

TEST_CASE("bytes keep their values, and views may be channels last") {
  image<2, std::uint8_t> picture(3, 2);
  for (std::size_t i = 0; i < 12; ++i) picture.values()[i] = static_cast<std::uint8_t>(20 * i);
  std::vector<float> interleaved(12);
  const tensor_view<float> view{interleaved.data(), {1, 2, 3, 2}, {12, 1, 4, 2}};
  write_planes(picture, view);
  for (std::size_t i = 0; i < 12; ++i) CHECK(interleaved[i] == static_cast<float>(20 * i));
  CHECK(image_of_planes<2>(tensor_view<const float>(view))(2, 1, 1) == 220);
}

TEST_CASE("planes of other extents are value errors") {
  tensor<float> batch(2, 3, 4, 5);
  CHECK_THROWS_AS(write_planes(image<3>(4, 5), batch.view()), value_error);
  CHECK_THROWS_AS(write_planes(image<1>(4, 5), sample_of(batch.view(), 0)), value_error);
  CHECK_THROWS_AS(write_planes(image<3>(5, 4), sample_of(batch.view(), 0)), value_error);
  const tensor<float>& filled = batch;
  CHECK_THROWS_AS(image_of_planes<1>(sample_of(filled.view(), 0)), value_error);
  CHECK_THROWS_AS(image_of_planes<3>(filled.view()), value_error);
}

#include <cstdint>
#include <limits>
#include <new>
#include <stdexcept>

#include <catch2/catch.hpp>

#include <lookalike/image/image.hpp>
#include <lookalike/image/mask.hpp>

using namespace lookalike;

TEST_CASE("pixels lie row after row, channels side by side") {
  image<3> picture(4, 5, 0.5f);
  CHECK(picture.area() == 20);
  CHECK(picture.values().size() == 60);
  CHECK(picture(3, 4, 2) == 0.5f);
  for (int y = 0; y < 4; ++y) {
    CHECK(picture.row(y).size() == 15);
    for (int x = 0; x < 5; ++x) {
      for (int c = 0; c < 3; ++c) CHECK(&picture(y, x, c) == picture.data() + (y * 5 + x) * 3 + c);
    }
  }
  CHECK(reinterpret_cast<std::uintptr_t>(picture.data()) % 64 == 0);
  CHECK(picture.contains(3, 4));
  CHECK_FALSE(picture.contains(4, 0));
  CHECK_FALSE(picture.contains(0, -1));
}

TEST_CASE("negative and impossible extents are refused") {
  CHECK_THROWS_AS(image<3>(-1, 4), value_error);
  CHECK_THROWS_AS(image<1>(4, -1), value_error);
  constexpr int most = std::numeric_limits<int>::max();
  try {
    const image<4, double> picture(most, most);
    FAIL("memory for " << picture.area() << " pixels");
  } catch (const std::bad_alloc&) {
  } catch (const std::length_error&) {
  }
  CHECK(image<3>(0, most).empty());
}

TEST_CASE("every byte survives the way through floats") {
  image<1, std::uint8_t> bytes(16, 16);
  for (int i = 0; i < 256; ++i) bytes.data()[i] = static_cast<std::uint8_t>(i);
  CHECK(to_bytes(to_float(bytes)) == bytes);
  image<1> beyond(1, 2);
  beyond(0, 0) = -3.0f;
  beyond(0, 1) = 1.001f;
  CHECK(to_bytes(beyond)(0, 0) == 0);
  CHECK(to_bytes(beyond)(0, 1) == 255);
}

TEST_CASE("the unit range is checked with the value in the message") {
  image<1> picture(2, 2, 1.0f);
  CHECK_NOTHROW(require_unit_range(picture, "blend"));
  picture(1, 1) = 1.5f;
  CHECK_THROWS_WITH(require_unit_range(picture, "blend"),
                    "blend: given a value of 1.5, wanted finite values in [0, 1]");
  picture(1, 1) = -0.001f;
  CHECK_THROWS_AS(require_unit_range(picture, "blend"), value_error);
  picture(1, 1) = std::numeric_limits<float>::quiet_NaN();
  CHECK_THROWS_AS(require_unit_range(picture, "blend"), value_error);
}

TEST_CASE("a fillable picture has a hole that is neither empty nor everything, of its own extent") {
  const image<3> picture(3, 4);
  mask hole(3, 4);
  CHECK_THROWS_WITH(require_fillable(picture, hole, "seam"),
                    "seam: given a mask without a missing pixel, wanted a hole to fill");
  hole(1, 1) = 7;
  CHECK(hole_area(hole) == 1);
  CHECK_NOTHROW(require_fillable(picture, hole, "seam"));
  CHECK_THROWS_AS(require_fillable(picture, mask(3, 4, 1), "seam"), value_error);
  CHECK_THROWS_WITH(require_fillable(picture, mask(4, 3, 1), "seam"),
                    "seam: given a mask of 4x3 (height x width), wanted the picture's 3x4");
  CHECK_THROWS_AS(require_fillable(image<3>(), mask(), "seam"), value_error);
}

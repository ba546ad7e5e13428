#include <cmath>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include <catch2/catch.hpp>

#include <lookalike/core/random.hpp>
#include <lookalike/image/planes.hpp>
#include <lookalike/retrieve/lookup.hpp>
#include <lookalike/retrieve/picture_encoder.hpp>
#include <lookalike/retrieve/tiny_image.hpp>
#include <lookalike/retrieve/vector_index.hpp>
#include <lookalike/stage/pipeline.hpp>
#include <lookalike/stage/roles.hpp>

#include "random_rows.hpp"

namespace {

using namespace lookalike;
using test::random_pictures;

static_assert(encoder<tiny_image_stage> && stage<tiny_image_batch_stage>);
static_assert(describes_pictures<tiny_image_stage>);

/// Pearson's correlation, in double precision.
double correlation(const std::uint8_t* a, const std::uint8_t* b, std::size_t count) {
  double sa = 0, sb = 0, saa = 0, sbb = 0, sab = 0;
  for (std::size_t i = 0; i < count; ++i) {
    sa += a[i], sb += b[i], saa += a[i] * a[i], sbb += b[i] * b[i], sab += a[i] * b[i];
  }
  const auto n = static_cast<double>(count);
  return (n * sab - sa * sb) / std::sqrt((n * saa - sa * sa) * (n * sbb - sb * sb));
}

}  // namespace

TEST_CASE("the squared distance of tiny images is 2 (1 - correlation)") {
  tensor<std::uint8_t> pictures = random_pictures(20, 32, 1);
  // From unrelated to nearly equal ones.
  for (std::int64_t n = 1; n < 20; ++n)
    for (std::int64_t i = 0; i < 3072; ++i)
      if (i % 20 < n) pictures.data()[n * 3072 + i] = pictures.data()[i];
  const tensor<float> rows = tiny_image.on_batches()(pictures);
  for (std::int64_t n = 0; n < 20; ++n) {
    double squared = 0, sum = 0, length = 0;
    for (std::int64_t i = 0; i < 3072; ++i) {
      const double value = static_cast<double>(rows.data()[n * 3072 + i]);
      const double difference = value - static_cast<double>(rows.data()[i]);
      squared += difference * difference;
      sum += value;
      length += value * value;
    }
    CHECK(std::abs(squared - 2 * (1 - correlation(pictures.data(), pictures.data() + n * 3072, 3072))) <
          1e-6);
    CHECK(std::abs(sum) < 1e-5);
    CHECK(std::abs(length - 1) < 1e-6);
  }
}

TEST_CASE("a picture and its bytes have the same tiny image, plane after plane") {
  const tensor<std::uint8_t> pictures = random_pictures(3, 32, 2);
  const tensor<float> rows = tiny_image(pictures.view());
  image<3> picture(32, 32);
  for (int y = 0; y < 32; ++y)
    for (int x = 0; x < 32; ++x)
      for (int c = 0; c < 3; ++c) picture(y, x, c) = static_cast<float>(pictures(2, c, y, x)) / 255;
  const descriptor d = tiny_image(picture);
  REQUIRE(d.values.size() == 3072);
  for (std::size_t i = 0; i < 3072; ++i)
    CHECK(std::abs(d.values[i] - rows.data()[2 * 3072 + static_cast<std::int64_t>(i)]) < 1e-6f);

  // Each number is the mean of its part: enlarging by whole factors changes nothing, nor do brightness and
  // contrast.
  image<3> large(64, 96);
  for (int y = 0; y < 64; ++y)
    for (int x = 0; x < 96; ++x)
      for (int c = 0; c < 3; ++c) large(y, x, c) = 0.25f + 0.5f * picture(y / 2, x / 3, c);
  const descriptor same = tiny_image(large);
  for (std::size_t i = 0; i < 3072; ++i) CHECK(std::abs(d.values[i] - same.values[i]) < 1e-6f);
}

TEST_CASE("a constant picture is zero: at distance 1 from every other") {
  const descriptor gray = tiny_image(image<3>(40, 50, 0.3f));
  for (const float value : gray.values) CHECK(value == 0);
  tensor<std::uint8_t> pictures = random_pictures(2, 32, 3);
  std::fill_n(pictures.data(), 3072, std::uint8_t{17});
  const vector_index known(tiny_image(pictures.view()));
  const matches found = (tiny_image | lookup(known, 2))(image<3>(40, 50, 0.3f));
  CHECK(found.ids == std::vector<std::int64_t>{0, 1});
  CHECK(found.distances[0] == 0);
  CHECK(found.distances[1] == Approx(1).epsilon(1e-6));
}

TEST_CASE("pictures of any size are normalized as they are") {
  tensor<std::uint8_t> gray(2, 1, 2, 2);
  const std::vector<std::uint8_t> values{1, 2, 3, 4, 9, 9, 9, 9};
  std::copy(values.begin(), values.end(), gray.data());
  const tensor<float> rows = normalized_pixels(gray.view());
  const double length = std::sqrt(5.0);
  CHECK(rows.data()[0] == Approx(-1.5 / length));
  CHECK(rows.data()[3] == Approx(1.5 / length));
  CHECK(rows.data()[4] == 0);
  CHECK(normalized_pixels(tensor<std::uint8_t>(0, 3, 4, 4)).empty());
}

TEST_CASE("what is not a picture is an error") {
  CHECK_THROWS_AS(tiny_image(image<3>()), value_error);
  image<3> picture(8, 8, 0.5f);
  picture(3, 3, 1) = std::numeric_limits<float>::quiet_NaN();
  CHECK_THROWS_AS(tiny_image(picture), value_error);
  CHECK_THROWS_WITH(tiny_image(tensor<std::uint8_t>(1, 1, 28, 28).view()),
                    "tiny_image: given pictures of 1 x 28 x 28, wanted 3 x 32 x 32");
  std::vector<float> values{1, std::numeric_limits<float>::infinity()};
  CHECK_THROWS_AS(normalize_picture(values), value_error);
}

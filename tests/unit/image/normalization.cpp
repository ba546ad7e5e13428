#include <cmath>
#include <cstdint>
#include <random>

#include <catch2/catch.hpp>

#include <lookalike/image/normalization.hpp>

using namespace lookalike;

namespace {

tensor<std::uint8_t> random_bytes(int batch, int channels, int height, int width) {
  tensor<std::uint8_t> bytes(batch, channels, height, width);
  std::mt19937 random(3);
  unsigned i = 0;
  for (std::uint8_t& value : bytes) value = static_cast<std::uint8_t>(random() % 200 + (i++ % 7) * 8);
  return bytes;
}

double normalized(const tensor<std::uint8_t>& bytes, const normalization& norm, std::int64_t n,
                  std::int64_t c, std::int64_t y, std::int64_t x) {
  const bool places = norm.mean.height() > 1;
  const float mean = places ? norm.mean(0, c, y, x) : norm.mean(0, c);
  return (static_cast<double>(bytes(n, c, y, x)) - static_cast<double>(mean)) *
         static_cast<double>(norm.scale(0, c));
}

}  // namespace

TEST_CASE("measured pictures get mean 0 and deviation 1, in each channel and, if wanted, at each place") {
  const auto bytes = random_bytes(60, 3, 5, 4);
  for (const bool each_pixel : {false, true}) {
    const normalization norm = measure_normalization(bytes, {.mean_of_each_pixel = each_pixel});
    CHECK(norm.mean.height() == (each_pixel ? 5 : 1));
    for (int c = 0; c < 3; ++c) {
      double square = 0;
      double sum = 0;
      for (int y = 0; y < 5; ++y) {
        for (int x = 0; x < 4; ++x) {
          double sum_here = 0;
          for (int n = 0; n < 60; ++n) {
            const double value = normalized(bytes, norm, n, c, y, x);
            sum_here += value;
            square += value * value;
          }
          if (each_pixel) CHECK(sum_here / 60 == Approx(0).margin(1e-6));
          sum += sum_here;
        }
      }
      CHECK(sum / (60 * 20) == Approx(0).margin(1e-6));
      CHECK(square / (60 * 20) == Approx(1).epsilon(1e-6));
    }
  }
}

TEST_CASE("without unit deviation, and where nothing deviates, 255 becomes 1") {
  auto bytes = random_bytes(4, 2, 3, 3);
  CHECK(measure_normalization(bytes, {.unit_deviation = false}).scale(0, 1) == 1.0f / 255);
  for (std::uint8_t& value : bytes) value = 9;
  const normalization flat = measure_normalization(bytes);
  CHECK(flat.mean(0, 0) == 9);
  CHECK(flat.scale(0, 0) == 1.0f / 255);
  const normalization plain = uniform_normalization(2);
  CHECK(plain.mean(0, 1) == 0);
  CHECK(plain.scale(0, 1) == 1.0f / 255);
}

TEST_CASE("no pixels have no normalization") {
  CHECK_THROWS_AS(measure_normalization(tensor<std::uint8_t>(0, 3, 32, 32)), value_error);
}

#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

#include <catch2/catch.hpp>

#include <lookalike/simd/byte_correlation.hpp>

TEST_CASE("weighted sums over bytes equal a double loop for every tail") {
  std::mt19937 random(9);
  for (std::size_t count : {0U, 1U, 3U, 4U, 7U, 8U, 9U, 15U, 16U, 17U, 255U, 256U, 257U, 600U, 3072U}) {
    std::vector<float> weights(count), weighted(count);
    std::vector<std::uint8_t> bytes(count);
    double b = 0, bb = 0, ab = 0;
    for (std::size_t i = 0; i < count; ++i) {
      weights[i] = static_cast<float>(random() % 1000) / 1000.0f;
      weighted[i] = static_cast<float>(random() % 2000) - 1000.0f;
      bytes[i] = static_cast<std::uint8_t>(random());
      const double value = bytes[i];
      b += static_cast<double>(weights[i]) * value;
      bb += static_cast<double>(weights[i]) * value * value;
      ab += static_cast<double>(weighted[i]) * value;
    }
    const auto sums = lookalike::simd::weighted_byte_sums(static_cast<std::ptrdiff_t>(count), weights.data(),
                                                          weighted.data(), bytes.data());
    INFO("count " << count);
    CHECK(sums.b == Approx(b).epsilon(1e-6));
    CHECK(sums.bb == Approx(bb).epsilon(1e-6));
    CHECK(sums.ab == Approx(ab).epsilon(1e-6).margin(1e-5 * 1000 * 255 * static_cast<double>(count)));
  }
}

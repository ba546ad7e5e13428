#include <cmath>
#include <cstddef>
#include <random>
#include <vector>

#include <catch2/catch.hpp>

#include <lookalike/simd/inner_product.hpp>

TEST_CASE("inner products equal a double loop for every tail, and rows may be apart") {
  std::mt19937 random(5);
  std::normal_distribution<float> normal;
  for (std::ptrdiff_t dimension = 0; dimension < 280; ++dimension) {
    const std::ptrdiff_t pitch = dimension + 3;
    constexpr std::ptrdiff_t count = 4;
    std::vector<float> rows(static_cast<std::size_t>(count * pitch),
                            NAN);  // what lies between must not count
    std::vector<float> vector(static_cast<std::size_t>(dimension));
    for (float& value : vector) value = normal(random);
    for (std::ptrdiff_t r = 0; r < count; ++r) {
      for (std::ptrdiff_t i = 0; i < dimension; ++i) {
        rows[static_cast<std::size_t>(r * pitch + i)] = normal(random);
      }
    }
    std::vector<float> products(count, -1.0f);
    lookalike::simd::inner_products(count, dimension, rows.data(), pitch, vector.data(), products.data());
    for (std::ptrdiff_t r = 0; r < count; ++r) {
      double expected = 0, magnitude = 1e-30;
      for (std::ptrdiff_t i = 0; i < dimension; ++i) {
        const double term = static_cast<double>(rows[static_cast<std::size_t>(r * pitch + i)]) *
                            static_cast<double>(vector[static_cast<std::size_t>(i)]);
        expected += term;
        magnitude += std::abs(term);
      }
      INFO("dimension " << dimension << ", row " << r);
      CHECK(std::abs(static_cast<double>(products[static_cast<std::size_t>(r)]) - expected) <=
            1e-6 * magnitude);
    }
  }
}

#include <cmath>
#include <cstddef>
#include <vector>

#include <catch2/catch.hpp>

#include <lookalike/simd/logarithm.hpp>

TEST_CASE("log1p of a row equals the logarithm in double precision, for all tails") {
  for (std::size_t count = 0; count < 40; ++count) {
    std::vector<float> values(count + 1, -1.0f);
    for (std::size_t i = 0; i < count; ++i)
      values[i] = i == 0 ? 0.0f : std::ldexp(1.3f, static_cast<int>(i) - 30);
    const std::vector<float> before = values;
    lookalike::simd::log1p(static_cast<std::ptrdiff_t>(count), values.data());
    for (std::size_t i = 0; i < count; ++i) {
      CHECK(static_cast<double>(values[i]) ==
            Approx(std::log1p(static_cast<double>(before[i]))).epsilon(1e-6));
    }
    CHECK(values[count] == -1.0f);
  }
}

#include <vector>

#include <catch2/catch.hpp>

#include <lookalike/core/error.hpp>
#include <lookalike/simd/embedding.hpp>

#include "maps.hpp"

using maps::grid;
using maps::padded;
namespace simd = lookalike::simd;

namespace {

template <class Scalar>
void check(int channels, int gap) {
  INFO(channels << " channels, gap " << gap);
  constexpr int rows = 4;
  grid x = maps::random_grid(2, 3, 2, 1, 3, 0, rows);
  for (double& value : x.values) value = std::floor(value);
  const std::vector<double> table = maps::random_numbers(static_cast<std::size_t>(rows * channels), 5);
  const grid g = maps::random_grid(2, 3, 2, channels, 6);
  grid expected = g.zeros();
  std::vector<double> gradient(table.size(), 1.0);
  maps::for_all(g, [&](int n, int y, int xx, int c) {
    const auto element = static_cast<std::size_t>(static_cast<int>(x(n, y, xx, 0)) * channels + c);
    expected(n, y, xx, c) = table[element];
    gradient[element] += g(n, y, xx, c);
  });
  padded<Scalar> xs(x, gap), y(g, gap), gy(g, gap + 1);
  const std::vector<Scalar> weights = maps::as<Scalar>(table);
  simd::embedding(xs, weights.data(), rows, y.map());
  CHECK(maps::error(y.values(), expected) < 1e-7);
  CHECK(y.gaps_untouched());
  std::vector<Scalar> sums(table.size(), Scalar(1));
  simd::embedding_backward(xs, gy, rows, sums.data());
  CHECK(maps::error(std::vector<double>(sums.begin(), sums.end()), gradient) < maps::tolerance<Scalar>);
}

}  // namespace

TEST_CASE("an embedding picks rows, and its gradient adds to them, for all tails and pitches") {
  maps::for_tails([](int channels, int gap) {
    check<float>(channels, gap);
    check<double>(channels, gap);
  });
  check<float>(300, 0);
}

TEST_CASE("an index that is no row is an error that names it") {
  std::vector<float> table(6);
  padded<float> x(grid(1, 1, 2, 1, 3), 0), y(grid(1, 1, 2, 2), 0);
  CHECK_THROWS_WITH(simd::embedding(x, table.data(), 3, y.map()),
                    Catch::Contains("index 3") && Catch::Contains("0 to 2"));
  CHECK_THROWS_AS(simd::embedding_backward(x, y, 3, table.data()), lookalike::value_error);
  for (float wrong : {-1.0f, 0.5f, NAN}) {
    x.map().data[0] = wrong;
    CHECK_THROWS_AS(simd::embedding(x, table.data(), 3, y.map()), lookalike::value_error);
  }
  CHECK_THROWS_AS(simd::embedding(y, table.data(), 3, y.map()), lookalike::value_error);
}

TEST_CASE("gradients of an embedding do not depend on threads") {
  grid x = maps::random_grid(3, 20, 30, 1, 3, 0, 7);
  for (double& value : x.values) value = std::floor(value);
  const grid g = maps::random_grid(3, 20, 30, 150, 4);
  CHECK(maps::same_for_all_threads([&] {
    padded<float> xs(x, 0), gy(g, 0);
    std::vector<float> sums(7 * 150);
    simd::embedding_backward(xs, gy, 7, sums.data());
    return sums;
  }));
}

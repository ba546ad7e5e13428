#include <vector>

#include <catch2/catch.hpp>

#include <lookalike/core/error.hpp>
#include <lookalike/simd/layout.hpp>

#include "maps.hpp"

using lookalike::tensor;
using lookalike::tensor_view;
using maps::grid;
using maps::padded;
namespace simd = lookalike::simd;

namespace {

template <class Scalar>
tensor<Scalar> as_tensor(const grid& g) {
  tensor<Scalar> t(g.batch, g.channels, g.height, g.width);
  maps::for_all(g, [&](int n, int y, int x, int c) { t(n, c, y, x) = static_cast<Scalar>(g(n, y, x, c)); });
  return t;
}

template <class Scalar>
grid as_grid(const tensor_view<const Scalar>& t, const grid& like) {
  grid g = like.zeros();
  maps::for_all(g, [&](int n, int y, int x, int c) { g(n, y, x, c) = static_cast<double>(t(n, c, y, x)); });
  return g;
}

template <class Scalar>
void check_both_ways(int channels, int gap) {
  const grid a = maps::random_grid(2, 3, 18, channels, 1);
  const grid b = maps::random_grid(2, 3, 18, channels, 2);
  INFO(channels << " channels, gap " << gap);
  const tensor<Scalar> source = as_tensor<Scalar>(a);
  padded<Scalar> map(b, gap);
  simd::copy(source, map.map());
  CHECK(map.values().values == a.values);
  simd::copy(source, map.map(), true);
  CHECK(map.values().values == sum(a, a).values);
  CHECK(map.gaps_untouched());

  tensor<Scalar> target = as_tensor<Scalar>(b);
  padded<Scalar> from(a, gap);
  simd::copy(from, target.view());
  CHECK(target == source);
  simd::copy(from, target.view(), true);
  CHECK(as_grid<Scalar>(target, a).values == sum(a, a).values);

  padded<Scalar> copied(b, gap + 2);
  simd::copy(from, copied.map());
  CHECK(copied.values().values == a.values);
  simd::copy(from, copied.map(), true);
  CHECK(copied.values().values == sum(a, a).values);
  simd::fill(copied.map(), 5);
  CHECK(copied.values().values == std::vector<double>(a.values.size(), 5.0));
  CHECK(copied.gaps_untouched());
}

}  // namespace

TEST_CASE("maps and tensors hold the same numbers in their own orders") {
  maps::for_tails([](int channels, int gap) {
    check_both_ways<float>(channels, gap);
    check_both_ways<double>(channels, gap);
  });
}

TEST_CASE("tensors may have any strides") {
  const grid a = maps::random_grid(2, 5, 4, 3, 7);
  tensor<float> big(4, 3, 10, 8);
  // every second picture, rows from the last to the first, every second column
  const tensor_view<float> part{&big(1, 0, 9, 0), {2, 3, 5, 4}, {2 * 240, 80, -16, 2}};
  padded<float> from(a, 1);
  simd::copy(from, part);
  CHECK(as_grid<float>(part, a).values == a.values);
  CHECK(big(1, 2, 9, 6) == static_cast<float>(a(0, 0, 3, 2)));
  CHECK(big(1, 2, 9, 7) == 0);
  padded<float> back(a.zeros(), 2);
  simd::copy(part, back.map());
  CHECK(back.values().values == a.values);
  // one number for all pixels
  const float one = 3;
  simd::copy(tensor_view<const float>{&one, {2, 3, 5, 4}, {0, 0, 0, 0}}, back.map());
  CHECK(back.values().values == std::vector<double>(a.values.size(), 3.0));
}

TEST_CASE("slices of a map are copied without touching their neighbors") {
  const grid a = maps::random_grid(1, 2, 3, 9, 3);
  const grid wide = maps::random_grid(1, 2, 3, 40, 4);
  padded<float> from(a, 0), to(wide, 0);
  simd::copy(from.map().slice(2, 5), to.map().slice(11, 5));
  const grid result = to.values();
  maps::for_all(wide, [&](int n, int y, int x, int c) {
    const bool inside = c >= 11 && c < 16;
    CHECK(result(n, y, x, c) == (inside ? a(n, y, x, c - 9) : wide(n, y, x, c)));
  });
}

TEST_CASE("layout does not depend on threads, and extents must agree") {
  const grid a = maps::random_grid(3, 50, 61, 17, 5);
  const tensor<float> source = as_tensor<float>(a);
  CHECK(maps::same_for_all_threads([&] {
    padded<float> map(a.zeros(), 1);
    simd::copy(source, map.map());
    return map.memory();
  }));
  padded<float> map(grid(1, 2, 3, 4), 0), other(grid(1, 3, 2, 4), 0);
  const tensor<float> transposed(1, 4, 3, 2);
  CHECK_THROWS_AS(simd::copy(transposed, map.map()), lookalike::value_error);
  CHECK_THROWS_AS(simd::copy(other, map.map()), lookalike::value_error);
}

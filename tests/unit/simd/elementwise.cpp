#include <cmath>
#include <vector>

#include <catch2/catch.hpp>

#include <lookalike/core/error.hpp>
#include <lookalike/core/random.hpp>
#include <lookalike/simd/elementwise.hpp>

#include "maps.hpp"

using maps::grid;
using maps::padded;
namespace simd = lookalike::simd;

namespace {

/// The element of a broadcast map that stands at (n, y, x, c).
double& spread(grid& g, int n, int y, int x, int c) {
  const bool pixel = g.height == 1 && g.width == 1;
  return g(n, pixel ? 0 : y, pixel ? 0 : x, g.channels == 1 ? 0 : c);
}

grid naive(std::vector<grid>& inputs, const grid& like, bool product) {
  grid out = like.zeros();
  maps::for_all(like, [&](int n, int y, int x, int c) {
    double value = product ? 1 : 0;
    for (grid& g : inputs) {
      if (product) {
        value *= spread(g, n, y, x, c);
      } else {
        value += spread(g, n, y, x, c);
      }
    }
    out(n, y, x, c) = value;
  });
  return out;
}

grid naive_backward(std::vector<grid>& inputs, const grid& gy, std::size_t which, bool product) {
  grid gx = inputs[which].zeros();
  maps::for_all(gy, [&](int n, int y, int x, int c) {
    double value = gy(n, y, x, c);
    for (std::size_t i = 0; product && i < inputs.size(); ++i)
      if (i != which) value *= spread(inputs[i], n, y, x, c);
    spread(gx, n, y, x, c) += value;
  });
  return gx;
}

template <class Scalar>
void check(std::vector<grid> inputs, const grid& like, int gap, bool product) {
  using input = simd::feature_map<const Scalar>;
  std::vector<padded<Scalar>> memory;
  for (const grid& g : inputs) memory.emplace_back(g, gap);
  std::vector<input> in;
  for (padded<Scalar>& m : memory) in.push_back(m);
  padded<Scalar> y(like, gap + 1);
  product ? simd::multiply<Scalar>(in, y.map()) : simd::add<Scalar>(in, y.map());
  CHECK(maps::error(y.values(), naive(inputs, like, product)) < maps::tolerance<Scalar>);
  CHECK(y.gaps_untouched());
  const grid g = maps::random_grid(like.batch, like.height, like.width, like.channels, 9);
  padded<Scalar> gy(g, gap);
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const grid expected = naive_backward(inputs, g, i, product);
    for (bool accumulate : {false, true}) {
      padded<Scalar> gx(inputs[i], gap);
      if (product) {
        simd::multiply_backward<Scalar>(in, gy, i, gx.map(), accumulate);
      } else {
        simd::add_backward(gy, gx.map(), accumulate);
      }
      CHECK(maps::error(gx.values(), accumulate ? sum(inputs[i], expected) : expected) <
            20 * maps::tolerance<Scalar>);
      CHECK(gx.gaps_untouched());
    }
  }
}

std::vector<float> dropped(const grid& x, double rate, std::uint64_t seed, int gap) {
  padded<float> xs(x, gap), y(x.zeros(), gap);
  simd::dropout(xs, rate, seed, y.map());
  CHECK(y.gaps_untouched());
  return maps::as<float>(y.values().values);
}

}  // namespace

TEST_CASE(
    "sums and products of equal and of broadcast maps, and their gradients, equal loops for all tails") {
  maps::for_tails([](int channels, int gap) {
    const grid like = maps::random_grid(2, 3, 4, channels, 1);
    const grid other = maps::random_grid(2, 3, 4, channels, 2),
               third = maps::random_grid(2, 3, 4, channels, 3);
    const grid pixel = maps::random_grid(2, 1, 1, channels, 4), plane = maps::random_grid(2, 3, 4, 1, 5),
               number = maps::random_grid(2, 1, 1, 1, 6);
    for (bool product : {false, true}) {
      INFO(channels << " channels, gap " << gap << ", product " << product);
      for (const std::vector<grid>& inputs : {std::vector<grid>{other},
                                              {other, third},
                                              {other, third, like},
                                              {other, pixel},
                                              {plane, other},
                                              {number, other, plane},
                                              {pixel, plane}}) {
        check<float>(inputs, like, gap, product);
        check<double>(inputs, like, gap, product);
      }
    }
  });
}

TEST_CASE("the first input of a sum may be its output") {
  const grid a = maps::random_grid(1, 3, 3, 5, 1), b = maps::random_grid(1, 3, 3, 5, 2);
  padded<float> x(a, 0), y(b, 0);
  const simd::feature_map<const float> inputs[] = {x, y, x};
  simd::add<float>(std::span(inputs, 2), x.map());
  CHECK(maps::error(x.values(), sum(a, b)) < 1e-6);
  const simd::feature_map<const float> none[] = {x};
  CHECK_THROWS_AS(simd::add<float>(std::span(none, 0), x.map()), lookalike::value_error);
  padded<float> wrong(grid(1, 3, 2, 5), 0);
  const simd::feature_map<const float> two[] = {x, wrong};
  CHECK_THROWS_AS(simd::multiply<float>(two, x.map()), lookalike::value_error);
}

TEST_CASE("gradients of broadcast inputs are precise over many pixels and do not depend on threads") {
  const grid g = maps::random_grid(2, 200, 150, 3, 7, 0, 1);
  std::vector<grid> inputs{grid(2, 1, 1, 3, 1)};
  padded<float> gy(g, 0), gx(inputs[0], 0);
  simd::add_backward(gy, gx.map(), false);
  const grid expected = naive_backward(inputs, g, 0, false);
  for (std::size_t i = 0; i < 6; ++i)
    CHECK(gx.values().values[i] == Approx(expected.values[i]).epsilon(1e-6));
  CHECK(maps::same_for_all_threads([&] {
    simd::add_backward(gy, gx.map(), false);
    return gx.memory();
  }));
}

TEST_CASE("a scaled map, and the sum with one") {
  const grid a = maps::random_grid(2, 3, 2, 19, 1), b = maps::random_grid(2, 3, 2, 19, 2);
  padded<double> x(a, 1), y(b, 2);
  simd::scale(x, -0.5, y.map(), true);
  grid expected = b;
  for (std::size_t i = 0; i < a.values.size(); ++i) expected.values[i] -= 0.5 * a.values[i];
  CHECK(maps::error(y.values(), expected) < 1e-14);
  simd::scale(x, 3, x.map());
  CHECK(x.values().values[7] == Approx(3 * a.values[7]));
}

TEST_CASE("dropout keeps what Philox says, for all tails, and its gradient drops the same") {
  maps::for_tails([](int channels, int gap) {
    INFO(channels << " channels, gap " << gap);
    const grid x = maps::random_grid(2, 3, 3, channels, static_cast<unsigned>(channels), 1, 2);
    const std::vector<float> y = dropped(x, 0.25, 77, gap);
    for (std::size_t i = 0; i < y.size(); ++i) {
      const std::size_t picture = i / static_cast<std::size_t>(9 * channels);
      const std::size_t e = i % static_cast<std::size_t>(9 * channels);
      const bool drop = lookalike::philox(77, picture, e / 4)[e % 4] < 0x40000000u;
      if (std::abs(static_cast<double>(y[i]) - (drop ? 0 : x.values[i] / 0.75)) > 1e-6) FAIL("element " << i);
    }
    padded<float> in_place(x, gap), added(x, gap);
    simd::dropout(in_place, 0.25, 77, in_place.map());
    CHECK(maps::as<float>(in_place.values().values) == y);
    simd::dropout(in_place, 0, 77, added.map(), true);
    CHECK(added.values().values[0] == Approx(x.values[0] + static_cast<double>(y[0])));
  });
}

TEST_CASE("dropout drops as often as it should, keeps the mean, and knows its limits") {
  const grid ones(3, 50, 40, 17, 1);
  for (double rate : {0.0, 0.1, 0.5, 0.9, 1.0}) {
    const std::vector<float> y = dropped(ones, rate, 5, 0);
    double kept = 0, mean = 0;
    for (float value : y) {
      kept += value != 0;
      mean += static_cast<double>(value) / static_cast<double>(y.size());
    }
    const double deviation = std::sqrt(rate * (1 - rate) / static_cast<double>(y.size()));
    CHECK(std::abs(kept / static_cast<double>(y.size()) - (1 - rate)) <= 4 * deviation);
    if (rate < 1) CHECK(mean == Approx(1).margin(0.03));
  }
  CHECK(dropped(ones, 0.5, 5, 0) != dropped(ones, 0.5, 6, 0));
  CHECK(dropped(ones, 0.5, 5, 0) == dropped(ones, 0.5, 5, 2));
  padded<float> x(ones, 0);
  CHECK_THROWS_AS(simd::dropout(x, 1.5, 0, x.map()), lookalike::value_error);
  CHECK_THROWS_AS(simd::dropout(x, NAN, 0, x.map()), lookalike::value_error);
  CHECK(maps::same_for_all_threads([&] { return dropped(ones, 0.5, 8, 0); }));
}

#include <cmath>
#include <vector>

#include <catch2/catch.hpp>

#include <lookalike/core/error.hpp>
#include <lookalike/simd/local_response_normalization.hpp>

#include "maps.hpp"

using maps::grid;
using maps::padded;
namespace simd = lookalike::simd;

namespace {

grid naive(const grid& x, const simd::local_response_options& o) {
  grid out = x.zeros();
  maps::for_all(x, [&](int n, int y, int xx, int c) {
    double squares = 0;
    for (int j = c - o.size / 2; j <= c + (o.size - 1) / 2; ++j)
      if (j >= 0 && j < x.channels) squares += x(n, y, xx, j) * x(n, y, xx, j);
    const double alpha = o.divide_alpha ? o.alpha / o.size : o.alpha;
    out(n, y, xx, c) = x(n, y, xx, c) / std::pow(o.k + alpha * squares, o.beta);
  });
  return out;
}

template <class Scalar>
std::vector<Scalar> scratch_for(const grid& x, const simd::local_response_options& o) {
  return std::vector<Scalar>(
      static_cast<std::size_t>(simd::local_response_norm_scratch(padded<Scalar>(x, 0).map(), o)),
      Scalar(NAN));
}

template <class Scalar>
grid backward(const grid& x, const grid& g, const simd::local_response_options& o, int gap, bool accumulate,
              const grid& before) {
  padded<Scalar> xs(x, gap), gy(g, gap + 1), gx(before, gap);
  std::vector<Scalar> scratch = scratch_for<Scalar>(x, o);
  simd::local_response_norm_backward(xs, gy, o, gx.map(), accumulate, scratch);
  CHECK(gx.gaps_untouched());
  return gx.values();
}

}  // namespace

TEST_CASE("local response normalization equals its definition, for all tails and pitches") {
  maps::for_tails([](int channels, int gap) {
    const grid x = maps::random_grid(2, 3, 2, channels, static_cast<unsigned>(channels));
    const grid g = maps::random_grid(2, 3, 2, channels, 3), before = maps::random_grid(2, 3, 2, channels, 4);
    for (const simd::local_response_options& o :
         {simd::local_response_options{}, simd::local_response_options{5, 0.3, 0.75, 2, false},
          simd::local_response_options{4, 1, 0.5, 1, true}, simd::local_response_options{1, 2, 1, 0.5, true},
          simd::local_response_options{90, 2, 0.75, 1, true}}) {
      INFO(channels << " channels, gap " << gap << ", window " << o.size);
      const grid expected = naive(x, o);
      padded<float> xs(x, gap), y(x.zeros(), gap + 1);
      padded<double> xd(x, gap), yd(x.zeros(), gap + 1);
      std::vector<float> scratch = scratch_for<float>(x, o);
      std::vector<double> double_scratch = scratch_for<double>(x, o);
      simd::local_response_norm(xs, o, y.map(), scratch);
      simd::local_response_norm(xd, o, yd.map(), double_scratch);
      CHECK(maps::error(y.values(), expected) < 3e-6);
      CHECK(maps::error(yd.values(), expected) < 1e-13);
      CHECK(y.gaps_untouched());
      simd::local_response_norm(xs, o, xs.map(), scratch);
      CHECK(xs.values().values == y.values().values);
      // the double gradient is checked by finite differences below
      const grid truth = backward<double>(x, g, o, 0, false, before);
      CHECK(maps::error(backward<float>(x, g, o, gap, false, before), truth) < 1e-5);
      CHECK(maps::error(backward<float>(x, g, o, gap, true, before), sum(before, truth)) < 1e-5);
    }
  });
}

TEST_CASE("the gradient of local response normalization equals finite differences") {
  for (const simd::local_response_options& o : {simd::local_response_options{3, 0.7, 0.75, 2, false},
                                                simd::local_response_options{4, 1, 0.5, 1, true}}) {
    grid x = maps::random_grid(1, 2, 2, 7, 5);
    const grid g = maps::random_grid(1, 2, 2, 7, 6);
    const grid gx = backward<double>(x, g, o, 0, false, g);
    const auto loss = [&] { return dot(naive(x, o), g); };
    CHECK(maps::error(gx.values, maps::numeric_gradient(x.values, loss)) < 1e-8);
  }
}

TEST_CASE("the division of alpha is what tells PyTorch's numbers from the paper's") {
  // torch.nn.functional.local_response_norm([1, 2, 3], size=3, alpha=3, beta=1, k=1), and alpha=9
  grid x(1, 1, 1, 3);
  x.values = {1, 2, 3};
  padded<double> xs(x, 0), y(x, 0);
  std::vector<double> scratch = scratch_for<double>(x, {3});
  simd::local_response_norm(xs, {3, 3, 1, 1, true}, y.map(), scratch);
  CHECK(maps::error(y.values().values, {1 / 6.0, 2 / 15.0, 3 / 14.0}) < 1e-14);
  simd::local_response_norm(xs, {3, 3, 1, 1, false}, y.map(), scratch);
  CHECK(maps::error(y.values().values, {1 / 16.0, 2 / 43.0, 3 / 40.0}) < 1e-14);
  CHECK_THROWS_AS(simd::local_response_norm(xs, {0}, y.map(), scratch), lookalike::value_error);
}

TEST_CASE("local response normalization does not depend on threads") {
  const grid x = maps::random_grid(2, 30, 30, 40, 7);
  CHECK(maps::same_for_all_threads([&] {
    padded<float> xs(x, 0), y(x, 0);
    std::vector<float> scratch = scratch_for<float>(x, {});
    simd::local_response_norm(xs, {}, y.map(), scratch);
    simd::local_response_norm_backward(xs, y, {}, y.map(), true, scratch);
    return y.memory();
  }));
}

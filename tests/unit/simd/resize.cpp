#include <cmath>
#include <vector>

#include <catch2/catch.hpp>

#include <lookalike/core/error.hpp>
#include <lookalike/simd/resize.hpp>

#include "maps.hpp"

using maps::grid;
using maps::padded;
namespace simd = lookalike::simd;
using simd::interpolation;

namespace {

constexpr interpolation rules[] = {interpolation::nearest, interpolation::nearest_exact,
                                   interpolation::bilinear, interpolation::bilinear_align_corners};

/// Position of output `o` by the definition.
double position(interpolation rule, int o, int input, int output, double factor) {
  const double scale = factor > 0 ? 1 / factor : 1.0 * input / output;
  double at = 0;
  if (rule == interpolation::nearest)
    at = output == input ? o : output == 2 * input ? o / 2 : std::floor(o * scale + 1e-7);
  if (rule == interpolation::nearest_exact) at = std::floor((o + 0.5) * scale + 1e-7);
  if (rule == interpolation::bilinear) at = std::max((o + 0.5) * scale - 0.5, 0.0);
  if (rule == interpolation::bilinear_align_corners && output > 1) at = o * (input - 1.0) / (output - 1.0);
  return std::min(at, input - 1.0);
}

/// A hat function: the weight of input `i` at `at`.
double hat(double at, int i) {
  return std::max(0.0, 1 - std::abs(at - i));
}

grid naive(const grid& x, const simd::resize_options& o, int height, int width) {
  grid y(x.batch, height, width, x.channels);
  maps::for_all(y, [&](int n, int oy, int ox, int c) {
    const double row = position(o.rule, oy, x.height, height, o.scale_height);
    const double column = position(o.rule, ox, x.width, width, o.scale_width);
    for (int i = 0; i < x.height; ++i)
      for (int j = 0; j < x.width; ++j) y(n, oy, ox, c) += hat(row, i) * hat(column, j) * x(n, i, j, c);
  });
  return y;
}

template <class Scalar>
std::vector<Scalar> scratch_for(const grid& y) {
  return std::vector<Scalar>(static_cast<std::size_t>(simd::resize_scratch(padded<Scalar>(y, 0).map())));
}

template <class Scalar>
void check(const grid& x, const simd::resize_options& options, int height, int width, int gap) {
  INFO("rule " << static_cast<int>(options.rule) << ", " << x.height << " x " << x.width << " -> " << height
               << " x " << width << ", " << x.channels << " channels, gap " << gap);
  const grid expected = naive(x, options, height, width);
  padded<Scalar> xs(x, gap), y(expected.zeros(), gap + 1);
  std::vector<Scalar> scratch = scratch_for<Scalar>(expected);
  simd::resize(xs, options, y.map(), scratch);
  CHECK(maps::error(y.values(), expected) < maps::tolerance<Scalar>);
  CHECK(y.gaps_untouched());
  // <A x, g> = <x, A* g> for all x and g makes A* the adjoint
  const grid g = maps::random_grid(x.batch, height, width, x.channels, 21);
  padded<Scalar> gy(g, gap), gx(x, gap);
  simd::resize_backward(gy, options, gx.map(), false, scratch);
  CHECK(
      dot(expected, g) ==
      Approx(dot(x, gx.values())).epsilon(10 * maps::tolerance<Scalar>).margin(50 * maps::tolerance<Scalar>));
  const grid before = maps::random_grid(x.batch, x.height, x.width, x.channels, 22);
  padded<Scalar> added(before, gap);
  simd::resize_backward(gy, options, added.map(), true, scratch);
  CHECK(maps::error(added.values(), sum(before, gx.values())) < 5 * maps::tolerance<Scalar>);
  CHECK(added.gaps_untouched());
}

std::vector<double> resized(std::vector<double> row, int width, simd::resize_options options) {
  grid x(1, 1, static_cast<int>(row.size()), 1);
  x.values = std::move(row);
  padded<double> xs(x, 0), y(grid(1, 1, width, 1), 0);
  std::vector<double> scratch = scratch_for<double>(grid(1, 1, width, 1));
  simd::resize(xs, options, y.map(), scratch);
  return y.values().values;
}

}  // namespace

TEST_CASE("resizing equals interpolation with a hat, for all tails and pitches") {
  maps::for_tails([](int channels, int gap) {
    const grid x = maps::random_grid(2, 4, 5, channels, static_cast<unsigned>(channels));
    for (interpolation rule : rules) {
      check<float>(x, {rule}, 3 + channels % 5, 2 + channels % 7, gap);
      check<double>(x, {rule}, 3 + channels % 5, 2 + channels % 7, gap);
    }
  });
}

TEST_CASE("resizing works for all extents, down to one pixel") {
  for (interpolation rule : rules) {
    for (int input : {1, 2, 3, 7}) {
      for (int output : {1, 2, 5, 7, 14}) {
        check<double>(maps::random_grid(1, input, output, 2, 1), {rule}, output, input, 0);
      }
    }
  }
}

TEST_CASE("resizing follows PyTorch's rules") {
  // torch.nn.functional.interpolate of [[1, 2, 4]], PyTorch 2.13
  const std::vector<double> x{1, 2, 4};
  CHECK(resized(x, 5, {interpolation::nearest}) == std::vector<double>{1, 1, 2, 2, 4});
  // twice the pixels: floor(o / 2), though 6 / 2.25 rounds to other places (PyTorch 2.13)
  CHECK(resized(x, 6, {interpolation::nearest, 2.25, 2.25}) == std::vector<double>{1, 1, 2, 2, 4, 4});
  CHECK(resized(x, 5, {interpolation::nearest_exact}) == std::vector<double>{1, 1, 2, 4, 4});
  CHECK(maps::error(resized(x, 6, {interpolation::bilinear}), {1, 1.25, 1.75, 2.5, 3.5, 4}) < 1e-12);
  CHECK(maps::error(resized(x, 5, {interpolation::bilinear_align_corners}), {1, 1.5, 2, 3, 4}) < 1e-12);
  CHECK(resized(x, 1, {interpolation::bilinear_align_corners}) == std::vector<double>{1});
  CHECK(resized(x, 1, {interpolation::bilinear}) == std::vector<double>{2});
  CHECK(resized({5}, 3, {interpolation::bilinear_align_corners}) == std::vector<double>{5, 5, 5});
  // scale_factor = 1.8, so that 3 pixels become 5, each 1 / 1.8 of a pixel apart rather than 3 / 5
  const std::vector<double> scaled{1, 1.3333333333333335, 1.888888888888889, 2.888888888888889, 4};
  CHECK(maps::error(resized(x, 5, {interpolation::bilinear, 0, 1.8}), scaled) < 1e-12);
}

TEST_CASE("the gradient of resizing equals finite differences") {
  for (interpolation rule : rules) {
    grid x = maps::random_grid(1, 3, 4, 2, 2);
    const grid g = maps::random_grid(1, 5, 3, 2, 3);
    std::vector<double> scratch = scratch_for<double>(g);
    padded<double> y(g, 0), gy(g, 0), gx(x, 0);
    simd::resize_backward(gy, {rule}, gx.map(), false, scratch);
    const auto loss = [&] {
      padded<double> xs(x, 0);
      simd::resize(xs, {rule}, y.map(), scratch);
      return dot(y.values(), g);
    };
    CHECK(maps::error(gx.values().values, maps::numeric_gradient(x.values, loss)) < 1e-8);
  }
}

TEST_CASE("resizing does not depend on threads, and checks what it is given") {
  const grid x = maps::random_grid(2, 40, 50, 20, 3);
  const grid g = maps::random_grid(2, 70, 60, 20, 4);
  std::vector<float> scratch = scratch_for<float>(g);
  CHECK(maps::same_for_all_threads([&] {
    padded<float> xs(x, 0), y(g, 1), gx(x, 1);
    simd::resize(xs, {}, y.map(), scratch);
    simd::resize_backward(y, {}, gx.map(), true, scratch);
    std::vector<float> result = y.memory();
    result.insert(result.end(), gx.memory().begin(), gx.memory().end());
    return result;
  }));
  padded<float> xs(x, 0), y(g, 0), narrow(grid(2, 3, 3, 19), 0);
  CHECK_THROWS_AS(simd::resize(xs, {}, narrow.map(), scratch), lookalike::value_error);
  scratch.resize(scratch.size() - 1);
  CHECK_THROWS_AS(simd::resize(xs, {}, y.map(), scratch), lookalike::value_error);
}

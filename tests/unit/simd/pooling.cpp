#include <cmath>
#include <limits>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include <lookalike/core/error.hpp>
#include <lookalike/simd/pooling.hpp>

#include "maps.hpp"

using maps::grid;
using maps::padded;
namespace simd = lookalike::simd;
using simd::window;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

/// Bins of a window or an adaptive pool by their definition: the pixels (y, x) that output (oy, ox) sees.
struct seen_pixels {
  int height, width;
  bool adaptive = false;
  int out_height = 1, out_width = 1;
  window w;

  template <class Visit>
  void visit(int oy, int ox, const Visit& f) const {
    if (adaptive) {
      const auto low = [](int o, int in, int out) {
        return static_cast<int>(std::floor(1.0 * o * in / out));
      };
      const auto high = [](int o, int in, int out) {
        return static_cast<int>(std::ceil(1.0 * (o + 1) * in / out));
      };
      for (int y = low(oy, height, out_height); y < high(oy, height, out_height); ++y)
        for (int x = low(ox, width, out_width); x < high(ox, width, out_width); ++x) f(y, x, true);
      return;
    }
    for (int i = 0; i < w.kernel_height; ++i) {
      for (int j = 0; j < w.kernel_width; ++j) {
        const int y = oy * w.stride_height - w.padding_top + i * w.dilation_height;
        const int x = ox * w.stride_width - w.padding_left + j * w.dilation_width;
        // what hangs over the padding in ceil mode does not exist at all
        if (y >= height + w.padding_bottom || x >= width + w.padding_right) continue;
        f(y, x, y >= 0 && x >= 0 && y < height && x < width);
      }
    }
  }
};

grid naive_maximum(const grid& x, const seen_pixels& pixels, grid* indices = nullptr) {
  grid y(x.batch, pixels.out_height, pixels.out_width, x.channels, -infinity);
  if (indices) *indices = grid(x.batch, pixels.out_height, pixels.out_width, x.channels, -1);
  maps::for_all(y, [&](int n, int oy, int ox, int c) {
    bool first = true;
    pixels.visit(oy, ox, [&](int iy, int ix, bool inside) {
      if (!inside) return;
      const double value = x(n, iy, ix, c);
      if (first || value > y(n, oy, ox, c) || std::isnan(value)) {
        y(n, oy, ox, c) = value;
        if (indices) (*indices)(n, oy, ox, c) = iy * x.width + ix;
      }
      first = false;
    });
  });
  return y;
}

grid naive_mean(const grid& x, const seen_pixels& pixels, bool count_include_pad) {
  grid y(x.batch, pixels.out_height, pixels.out_width, x.channels);
  maps::for_all(y, [&](int n, int oy, int ox, int c) {
    double sum = 0;
    int count = 0, inside_count = 0;
    pixels.visit(oy, ox, [&](int iy, int ix, bool inside) {
      if (inside) sum += x(n, iy, ix, c);
      inside_count += inside;
      count += inside || count_include_pad;
    });
    y(n, oy, ox, c) = inside_count ? sum / count : 0;
  });
  return y;
}

grid naive_maximum_backward(const grid& x, const grid& gy, const seen_pixels& pixels) {
  grid indices = gy, gx = x.zeros();
  naive_maximum(x, pixels, &indices);
  maps::for_all(gy, [&](int n, int oy, int ox, int c) {
    const int at = static_cast<int>(indices(n, oy, ox, c));
    if (at >= 0) gx(n, at / x.width, at % x.width, c) += gy(n, oy, ox, c);
  });
  return gx;
}

grid naive_mean_backward(const grid& like_x, const grid& gy, const seen_pixels& pixels,
                         bool count_include_pad) {
  grid gx = like_x.zeros();
  maps::for_all(gy, [&](int n, int oy, int ox, int c) {
    int count = 0;
    pixels.visit(oy, ox, [&](int, int, bool inside) { count += inside || count_include_pad; });
    pixels.visit(oy, ox, [&](int iy, int ix, bool inside) {
      if (inside) gx(n, iy, ix, c) += gy(n, oy, ox, c) / count;
    });
  });
  return gx;
}

/// Pools of all kinds over windows `w` with floor or ceil mode.
seen_pixels sliding(const grid& x, const window& w, bool ceil) {
  const auto positions = ceil ? simd::window_positions_ceil : simd::window_positions;
  return {
      x.height,
      x.width,
      false,
      positions(x.height, w.kernel_height, w.stride_height, w.dilation_height, w.padding_top,
                w.padding_bottom),
      positions(x.width, w.kernel_width, w.stride_width, w.dilation_width, w.padding_left, w.padding_right),
      w};
}

/// Forward and backward, overwriting and adding, against the naive ones.
template <class Scalar, class Forward, class Backward>
void check(const grid& x, const grid& expected_y, const grid& gy, const grid& expected_gx, int gap,
           const Forward& forward, const Backward& backward) {
  padded<Scalar> xs(x, gap), ys(expected_y.zeros(), gap + 1), gys(gy, 2 * gap);
  forward(xs, ys.map());
  CHECK(maps::error(ys.values(), expected_y) < maps::tolerance<Scalar>);
  CHECK(ys.gaps_untouched());
  const grid before = maps::random_grid(x.batch, x.height, x.width, x.channels, 5);
  padded<Scalar> gx(before, gap);
  backward(xs, gys, gx.map(), false);
  CHECK(maps::error(gx.values(), expected_gx) < maps::tolerance<Scalar>);
  padded<Scalar> added(before, gap);
  backward(xs, gys, added.map(), true);
  CHECK(maps::error(added.values(), sum(before, expected_gx)) < maps::tolerance<Scalar>);
  CHECK(added.gaps_untouched());
}

template <class Scalar>
void check_sliding(const grid& x, const window& w, bool ceil, int gap) {
  using map = simd::feature_map<Scalar>;
  using input = simd::feature_map<const Scalar>;
  const seen_pixels pixels = sliding(x, w, ceil);
  const grid gy = maps::random_grid(x.batch, pixels.out_height, pixels.out_width, x.channels, 4);
  check<Scalar>(
      x, naive_maximum(x, pixels), gy, naive_maximum_backward(x, gy, pixels), gap,
      [&](input in, map out) { simd::max_pool(in, w, out); },
      [&](input in, input g, map gx, bool a) { simd::max_pool_backward(in, g, w, gx, a); });
  for (bool pad : {false, true}) {
    check<Scalar>(
        x, naive_mean(x, pixels, pad), gy, naive_mean_backward(x, gy, pixels, pad), gap,
        [&](input in, map out) { simd::average_pool(in, w, pad, out); },
        [&](input, input g, map gx, bool a) { simd::average_pool_backward(g, w, pad, gx, a); });
  }
  grid indices = gy;
  naive_maximum(x, pixels, &indices);
  padded<Scalar> xs(x, gap), found(gy, gap);
  simd::max_pool_indices(xs, w, found.map());
  CHECK(found.values().values == indices.values);
}

template <class Scalar>
void check_adaptive(const grid& x, int height, int width, int gap) {
  using map = simd::feature_map<Scalar>;
  using input = simd::feature_map<const Scalar>;
  const seen_pixels pixels{x.height, x.width, true, height, width, {}};
  const grid gy = maps::random_grid(x.batch, height, width, x.channels, 4);
  const bool global = height == 1 && width == 1;
  check<Scalar>(
      x, naive_maximum(x, pixels), gy, naive_maximum_backward(x, gy, pixels), gap,
      [&](input in, map out) { global ? simd::global_max_pool(in, out) : simd::adaptive_max_pool(in, out); },
      [&](input in, input g, map gx, bool a) {
        global ? simd::global_max_pool_backward(in, g, gx, a)
               : simd::adaptive_max_pool_backward(in, g, gx, a);
      });
  check<Scalar>(
      x, naive_mean(x, pixels, false), gy, naive_mean_backward(x, gy, pixels, false), gap,
      [&](input in, map out) {
        global ? simd::global_average_pool(in, out) : simd::adaptive_average_pool(in, out);
      },
      [&](input, input g, map gx, bool a) {
        global ? simd::global_average_pool_backward(g, gx, a)
               : simd::adaptive_average_pool_backward(g, gx, a);
      });
}

const std::vector<std::pair<window, bool>> windows = {
    {{2, 2, 2, 2}, false},
    {{2, 2, 2, 2}, true},
    {{3, 3, 2, 2, 1, 1, 1, 1, 1, 1}, false},
    {{3, 3, 2, 2, 1, 1, 1, 1, 1, 1}, true},
    {{3, 2, 1, 3, 2, 1, 1, 0, 2, 1}, false},
    {{2, 3, 3, 2, 1, 2, 0, 1, 0, 0}, true},
    {{1, 1, 2, 3}, false},
    {{3, 3, 3, 3, 1, 1, -1, 0, 0, -2}, false},  // negative padding crops
};

/// What PyTorch 2.13 says of one plane; see the test.
std::vector<double> pool(std::vector<double> plane, int height, int width, const window& w, bool ceil,
                         int mode) {
  grid x(1, height, width, 1);
  x.values = std::move(plane);
  const seen_pixels pixels = sliding(x, w, ceil);
  padded<double> xs(x, 0), ys(grid(1, pixels.out_height, pixels.out_width, 1), 0);
  if (mode == 0) simd::max_pool(xs, w, ys.map());
  if (mode > 0) simd::average_pool(xs, w, mode == 2, ys.map());
  return ys.values().values;
}

}  // namespace

TEST_CASE("pools equal their definition for all tails and pitches") {
  maps::for_tails([](int channels, int gap) {
    INFO(channels << " channels, gap " << gap);
    const grid x = maps::random_grid(2, 7, 6, channels, static_cast<unsigned>(channels));
    const auto& [w, ceil] = windows[static_cast<std::size_t>(channels) % windows.size()];
    check_sliding<float>(x, w, ceil, gap);
    check_sliding<double>(x, w, ceil, gap);
    check_adaptive<float>(x, 1 + channels % 4, 1 + channels % 3, gap);
    check_adaptive<double>(x, 1 + channels % 4, 1 + channels % 3, gap);
  });
}

TEST_CASE("pools equal their definition for many windows, extents and ties") {
  for (const auto& [w, ceil] : windows) {
    for (int height : {3, 4, 5, 8}) {
      INFO(w.kernel_height << " x " << w.kernel_width << ", stride " << w.stride_height << ", ceil " << ceil
                           << ", height " << height);
      grid x = maps::random_grid(2, height, 9, 3, 1);
      if (sliding(x, w, ceil).out_height == 0) continue;  // cropped to less than a window
      check_sliding<float>(x, w, ceil, 0);
      for (double& value : x.values) value = std::round(value);  // ties
      check_sliding<double>(x, w, ceil, 1);
    }
  }
  for (int extent : {1, 2, 5, 7, 9}) {
    check_adaptive<double>(maps::random_grid(2, 7, 5, 3, 2), extent, 1, 0);
    check_adaptive<double>(maps::random_grid(2, 7, 5, 3, 2), 3, extent, 0);
  }
}

TEST_CASE("pools follow PyTorch's rules at the border") {
  // torch.nn.functional.max_pool2d, avg_pool2d (ceil_mode, padding, count_include_pad) of [[1, 2, 3, 4, 5]]
  const window w{1, 2, 1, 2};
  CHECK(pool({1, 2, 3, 4, 5}, 1, 5, w, false, 0) == std::vector<double>{2, 4});
  CHECK(pool({1, 2, 3, 4, 5}, 1, 5, w, true, 0) == std::vector<double>{2, 4, 5});
  CHECK(pool({1, 2, 3, 4, 5}, 1, 5, w, true, 1) == std::vector<double>{1.5, 3.5, 5});
  CHECK(pool({1, 2, 3, 4, 5}, 1, 5, w, true, 2) == std::vector<double>{1.5, 3.5, 5});
  window p{1, 3, 1, 2};
  p.padding_left = p.padding_right = 1;
  CHECK(pool({1, 2, 3, 4}, 1, 4, p, false, 2) == std::vector<double>{1, 3});
  CHECK(pool({1, 2, 3, 4}, 1, 4, p, false, 1) == std::vector<double>{1.5, 3});
  // the last window starts at pixel 3: pixel 4, the padding, and one beyond that does not count
  CHECK(pool({1, 2, 3, 4}, 1, 4, p, true, 2) == std::vector<double>{1, 3, 2});
  CHECK(pool({1, 2, 3, 4}, 1, 4, p, true, 1) == std::vector<double>{1.5, 3, 4});
  // a window that would start in the padding behind the map does not exist
  window s{1, 1, 1, 2};
  s.padding_right = 1;
  CHECK(pool({1, 2, 3}, 1, 3, s, true, 0) == std::vector<double>{1, 3});
}

TEST_CASE("NaN comes out of a maximum, and receives its gradient") {
  grid x(1, 1, 4, 2);
  x.values = {1, NAN,       NAN, 7,
              2, -infinity, NAN, -infinity};  // channel 0: 1 NaN 2 NaN; channel 1: NaN 7 -inf -inf
  const window w{1, 4, 1, 4};
  padded<float> xs(x, 0), y(grid(1, 1, 1, 2), 0), gx(x, 0), gy(grid(1, 1, 1, 2, 5), 0);
  simd::max_pool(xs, w, y.map());
  CHECK(std::isnan(y.values().values[0]));
  CHECK(std::isnan(y.values().values[1]));
  simd::max_pool_indices(xs, w, y.map());
  CHECK(y.values().values == std::vector<double>{3, 0});  // the last NaN, as PyTorch has it
  simd::max_pool_backward(xs, gy, w, gx.map(), false);
  CHECK(gx.values().values == std::vector<double>{0, 5, 0, 0, 0, 0, 5, 0});
}

TEST_CASE("a maximum of minus infinities belongs to the first pixel") {
  padded<double> x(grid(1, 2, 2, 3, -infinity), 0), gx(grid(1, 2, 2, 3), 0), gy(grid(1, 1, 1, 3, 1), 0);
  simd::max_pool_backward(x, gy, {2, 2, 2, 2}, gx.map(), false);
  CHECK(gx.values().values == std::vector<double>{1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0});
}

TEST_CASE("backward of pools equals finite differences") {
  const window w{3, 2, 2, 1, 1, 1, 1, 0, 1, 1};
  grid x = maps::random_grid(1, 5, 4, 2, 12);
  const seen_pixels pixels = sliding(x, w, false);
  const grid g = maps::random_grid(1, pixels.out_height, pixels.out_width, 2, 13);
  padded<double> gy(g, 0), gx(x, 0), xs(x, 0), y(g, 0);
  simd::max_pool_backward(xs, gy, w, gx.map(), false);
  const auto max_loss = [&] {
    padded<double> now(x, 0);
    simd::max_pool(now, w, y.map());
    return dot(y.values(), g);
  };
  CHECK(maps::error(gx.values().values, maps::numeric_gradient(x.values, max_loss)) < 1e-8);
  simd::average_pool_backward(gy, w, true, gx.map(), false);
  const auto mean_loss = [&] {
    padded<double> now(x, 0);
    simd::average_pool(now, w, true, y.map());
    return dot(y.values(), g);
  };
  CHECK(maps::error(gx.values().values, maps::numeric_gradient(x.values, mean_loss)) < 1e-8);
}

TEST_CASE("unpooling puts maxima back to their places, and its gradient takes them from there") {
  maps::for_tails([](int channels, int gap) {
    const grid x = maps::random_grid(2, 6, 4, channels, 8);
    const window w{2, 2, 2, 2};
    padded<float> xs(x, gap), pooled(grid(2, 3, 2, channels), gap), indices(grid(2, 3, 2, channels), gap);
    padded<float> back(x, gap + 2);
    simd::max_pool(xs, w, pooled.map());
    simd::max_pool_indices(xs, w, indices.map());
    simd::max_unpool(pooled, indices, back.map());
    // pooling again changes nothing, and all but the maxima is zero
    padded<float> again(grid(2, 3, 2, channels), 0);
    simd::max_pool(back, w, again.map());
    const grid maxima = pooled.values(), places = indices.values(), result = back.values();
    maps::for_all(x, [&](int n, int y, int xx, int c) {
      const bool here = places(n, y / 2, xx / 2, c) == y * 4 + xx;
      if (result(n, y, xx, c) != (here ? maxima(n, y / 2, xx / 2, c) : 0))
        FAIL("wrong at " << y << ", " << xx);
    });
    CHECK(back.gaps_untouched());
    const grid gradient = maps::random_grid(2, 6, 4, channels, 9);
    padded<float> gy(gradient, 1), gx(maxima, gap);
    simd::max_unpool_backward(indices, gy, gx.map(), true);
    maps::for_all(maxima, [&](int n, int y, int xx, int c) {
      const int at = static_cast<int>(places(n, y, xx, c));
      const double expected = maxima(n, y, xx, c) + gradient(n, at / 4, at % 4, c);
      if (std::abs(gx.map().pixel(n, y, xx)[c] - static_cast<float>(expected)) > 1e-6f)
        FAIL("wrong gradient");
    });
    simd::max_unpool_backward(indices, gy, gx.map(), false);
    CHECK(dot(gx.values(), maxima) == Approx(dot(result, gradient)).margin(1e-4));
  });
}

TEST_CASE("an index outside the plane is an error that names it") {
  padded<float> x(grid(1, 1, 1, 2, 1), 0), indices(grid(1, 1, 1, 2, 16), 0), y(grid(1, 4, 4, 2), 0);
  CHECK_THROWS_WITH(simd::max_unpool(x, indices, y.map()),
                    Catch::Contains("index 16") && Catch::Contains("15"));
  indices.map().data[0] = 0.5f;
  CHECK_THROWS_AS(simd::max_unpool(x, indices, y.map()), lookalike::value_error);
  indices.map().data[0] = NAN;
  CHECK_THROWS_AS(simd::max_unpool(x, indices, y.map()), lookalike::value_error);
  CHECK_THROWS_AS(simd::global_average_pool(y, y.map()), lookalike::value_error);
  padded<float> other(grid(1, 1, 1, 3), 0);
  CHECK_THROWS_AS(simd::global_average_pool(y, other.map()), lookalike::value_error);
}

TEST_CASE("a mean over a large picture is precise, and equal numbers have exactly themselves as mean") {
  grid x = maps::random_grid(1, 300, 200, 3, 4, 0, 1);
  double means[3] = {};
  maps::for_all(x, [&](int, int y, int xx, int c) { means[c] += x(0, y, xx, c) / 60000; });
  padded<float> xs(x, 0), y(grid(1, 1, 1, 3), 0);
  simd::global_average_pool(xs, y.map());
  for (std::size_t c = 0; c < 3; ++c) CHECK(y.values().values[c] == Approx(means[c]).epsilon(1e-6));
  padded<float> equal(grid(1, 7, 7, 5, 0.3f), 0), out(grid(1, 1, 1, 5), 0);
  simd::global_average_pool(equal, out.map());
  CHECK(out.values().values[0] == Approx(0.3f).epsilon(1e-7));
}

TEST_CASE("pools do not depend on threads, nor a picture on its batch") {
  const grid x = maps::random_grid(9, 40, 30, 20, 3);
  const window w{3, 3, 2, 2, 1, 1, 1, 1, 1, 1};
  const grid gy = maps::random_grid(9, 20, 15, 20, 6);
  const auto run = [&](simd::feature_map<const float> in, simd::feature_map<const float> g) {
    padded<float> y(grid(in.batch, 20, 15, 20), 0), gx(grid(in.batch, 40, 30, 20), 0);
    simd::max_pool(in, w, y.map());
    simd::max_pool_backward(in, g, w, gx.map(), true);
    simd::average_pool_backward(g, w, true, gx.map(), true);
    std::vector<float> result = gx.memory();
    result.insert(result.end(), y.memory().begin(), y.memory().end());
    simd::average_pool(in, w, true, y.map());
    result.insert(result.end(), y.memory().begin(), y.memory().end());
    return result;
  };
  padded<float> xs(x, 0), gys(gy, 0);
  CHECK(maps::same_for_all_threads([&] { return run(xs, gys); }));
  const std::vector<float> all = run(xs, gys), one = run(xs.map().picture(4), gys.map().picture(4));
  const std::size_t size = 40 * 30 * 20;
  CHECK(std::equal(one.begin(), one.begin() + size, all.begin() + 4 * size));
}

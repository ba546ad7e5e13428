#include <cmath>
#include <limits>

#include <catch2/catch.hpp>

#include <lookalike/nn/dynamic_model.hpp>
#include <lookalike/nn/layers/adaptive_pooling.hpp>
#include <lookalike/nn/layers/pooling.hpp>
#include <lookalike/nn/model.hpp>

#include "layer_run.hpp"

namespace pooling_test {

using namespace lookalike;
using layer_test::array4;
using layer_test::check_backward;
using layer_test::layer_run;
using layer_test::tolerance;

namespace {

int draw(std::mt19937& generator, int low, int high) {
  return std::uniform_int_distribution<int>(low, high)(generator);
}

template <class Layer>
Layer random_pool(std::mt19937& generator) {
  Layer l;
  l.kernel_height = draw(generator, 1, 4);
  l.kernel_width = draw(generator, 1, 4);
  l.stride_height = draw(generator, 1, 4);
  l.stride_width = draw(generator, 1, 4);
  l.dilation_height = draw(generator, 1, 2);
  l.dilation_width = draw(generator, 1, 2);
  const simd::window w = l.geometry();
  l.padding_top = draw(generator, 0, w.reach_height() / 2);
  l.padding_bottom = draw(generator, 0, w.reach_height() / 2);
  l.padding_left = draw(generator, 0, w.reach_width() / 2);
  l.padding_right = draw(generator, 0, w.reach_width() / 2);
  l.ceil_mode = draw(generator, 0, 1) == 1;
  return l;
}

/// How many positions there are, counted one by one.
int counted_positions(int extent, int reach, int stride, int before, int after, bool ceil_mode) {
  int count = 0;
  for (int start = -before;; start += stride, ++count) {
    const bool whole = start + reach <= extent + after;
    const bool hangs = ceil_mode && start < extent && start - stride + reach < extent + after;
    if (!whole && !hangs) return count;
  }
}

/// Calls `visit(i, j)`, and `visit(-1, -1)` for taps in the padding, for the window at (row, column).
template <class Visit>
void for_window(const detail::sliding_pool& l, const array4& x, int row, int column, const Visit& visit) {
  for (int k = 0; k < l.kernel_height; ++k)
    for (int m = 0; m < l.kernel_width; ++m) {
      const int i = row * l.stride_height - l.padding_top + k * l.dilation_height;
      const int j = column * l.stride_width - l.padding_left + m * l.dilation_width;
      if (i >= x.height + l.padding_bottom || j >= x.width + l.padding_right) continue;  // hangs over
      const bool inside = i >= 0 && i < x.height && j >= 0 && j < x.width;
      visit(inside ? i : -1, inside ? j : -1);
    }
}

shape some_extents(std::mt19937& generator, const simd::window& w) {
  return {draw(generator, 1, 19), draw(generator, w.reach_height(), w.reach_height() + 7),
          draw(generator, w.reach_width(), w.reach_width() + 7)};
}

template <class Layer>
void check_extents(const Layer& l, const array4& x, const shape& out) {
  const simd::window w = l.geometry();
  CHECK(out.height == counted_positions(x.height, w.reach_height(), l.stride_height, l.padding_top,
                                        l.padding_bottom, l.ceil_mode));
  CHECK(out.width == counted_positions(x.width, w.reach_width(), l.stride_width, l.padding_left,
                                       l.padding_right, l.ceil_mode));
}

template <class Scalar>
void compare_max_pool(unsigned seed) {
  std::mt19937 generator(seed);
  const auto l = random_pool<layers::max_pool>(generator);
  array4 x =
      layer_test::random_array(generator, draw(generator, 1, 3), some_extents(generator, l.geometry()));
  if (seed % 3 == 0)
    for (double& v : x.values) v = std::floor(4 * v);  // many equal maxima
  layer_run<Scalar, layers::max_pool> run(l, {x}, generator);
  CAPTURE(seed);
  check_extents(l, x, run.output_shape());
  array4 expected(x.batch, run.output_shape());
  const array4 gy = layer_test::random_array(generator, x.batch, run.output_shape());
  typename layer_run<Scalar, layers::max_pool>::gradients gradients;
  gradients.inputs.emplace_back(x.batch, x.extents());
  for (int n = 0; n < x.batch; ++n)
    for (int c = 0; c < x.channels; ++c)
      for (int row = 0; row < expected.height; ++row)
        for (int column = 0; column < expected.width; ++column) {
          double best = -std::numeric_limits<double>::infinity();
          int at_row = 0, at_column = 0;
          for_window(l, x, row, column, [&](int i, int j) {
            if (i < 0 || !(x(n, c, i, j) > best)) return;
            best = x(n, c, i, j);
            at_row = i;
            at_column = j;
          });
          expected(n, c, row, column) = best;
          gradients.inputs[0](n, c, at_row, at_column) += gy(n, c, row, column);
        }
  CHECK(run.forward().values == expected.values);
  check_backward(run, gy, gradients, generator);
}

template <class Scalar>
void compare_average_pool(unsigned seed) {
  std::mt19937 generator(seed);
  auto l = random_pool<layers::average_pool>(generator);
  l.include_padding = draw(generator, 0, 1) == 1;
  const array4 x =
      layer_test::random_array(generator, draw(generator, 1, 3), some_extents(generator, l.geometry()));
  layer_run<Scalar, layers::average_pool> run(l, {x}, generator);
  CAPTURE(seed);
  check_extents(l, x, run.output_shape());
  array4 expected(x.batch, run.output_shape());
  const array4 gy = layer_test::random_array(generator, x.batch, run.output_shape());
  typename layer_run<Scalar, layers::average_pool>::gradients gradients;
  gradients.inputs.emplace_back(x.batch, x.extents());
  for (int n = 0; n < x.batch; ++n)
    for (int c = 0; c < x.channels; ++c)
      for (int row = 0; row < expected.height; ++row)
        for (int column = 0; column < expected.width; ++column) {
          double sum = 0;
          int count = 0;
          for_window(l, x, row, column, [&](int i, int j) {
            if (i >= 0) sum += x(n, c, i, j);
            if (i >= 0 || l.include_padding) ++count;
          });
          expected(n, c, row, column) = sum / std::max(count, 1);
          for_window(l, x, row, column, [&](int i, int j) {
            if (i >= 0) gradients.inputs[0](n, c, i, j) += gy(n, c, row, column) / count;
          });
        }
  CHECK(layer_test::relative_error(run.forward(), expected) <= tolerance<Scalar>);
  check_backward(run, gy, gradients, generator);
}

/// Adaptive and global pools: `mean` or the maximum over real-valued bounds, which integers round outward.
template <class Scalar, class Layer>
void compare_bins(const Layer& l, bool mean, unsigned seed) {
  std::mt19937 generator(seed);
  const array4 x =
      layer_test::random_array(generator, draw(generator, 1, 3),
                               {draw(generator, 1, 19), draw(generator, 1, 11), draw(generator, 1, 11)});
  layer_run<Scalar, Layer> run(l, {x}, generator);
  CAPTURE(seed, l.height, l.width);
  REQUIRE(run.output_shape() == shape{x.channels, l.height, l.width});
  array4 expected(x.batch, run.output_shape());
  const array4 gy = layer_test::random_array(generator, x.batch, run.output_shape());
  typename layer_run<Scalar, Layer>::gradients gradients;
  gradients.inputs.emplace_back(x.batch, x.extents());
  const auto inside = [](int i, int o, int extent, int positions) {
    // [i, i + 1) and [o extent / positions, (o + 1) extent / positions) have more than a point in common
    return (i + 1) * positions > o * extent && i * positions < (o + 1) * extent;
  };
  for (int n = 0; n < x.batch; ++n)
    for (int c = 0; c < x.channels; ++c)
      for (int row = 0; row < l.height; ++row)
        for (int column = 0; column < l.width; ++column) {
          double best = -std::numeric_limits<double>::infinity(), sum = 0;
          int at_row = 0, at_column = 0, count = 0;
          for (int i = 0; i < x.height; ++i)
            for (int j = 0; j < x.width; ++j) {
              if (!inside(i, row, x.height, l.height) || !inside(j, column, x.width, l.width)) continue;
              ++count;
              sum += x(n, c, i, j);
              if (!(x(n, c, i, j) > best)) continue;
              best = x(n, c, i, j);
              at_row = i;
              at_column = j;
            }
          const double g = gy(n, c, row, column);
          expected(n, c, row, column) = mean ? sum / count : best;
          if (!mean) gradients.inputs[0](n, c, at_row, at_column) += g;
          for (int i = 0; mean && i < x.height; ++i)
            for (int j = 0; j < x.width; ++j)
              if (inside(i, row, x.height, l.height) && inside(j, column, x.width, l.width))
                gradients.inputs[0](n, c, i, j) += g / count;
        }
  CHECK(layer_test::relative_error(run.forward(), expected) <= tolerance<Scalar>);
  check_backward(run, gy, gradients, generator);
}

template <class Scalar>
void compare_all_bins(unsigned seed) {
  std::mt19937 generator(seed);
  const int height = draw(generator, 1, 7), width = draw(generator, 1, 7);
  compare_bins<Scalar>(layers::adaptive_average_pool{{height, width}}, true, seed);
  compare_bins<Scalar>(layers::adaptive_max_pool{{height, width}}, false, seed);
  compare_bins<Scalar>(layers::global_average_pool{}, true, seed);
  compare_bins<Scalar>(layers::global_max_pool{}, false, seed);
}

/// 1 2 3 ... by rows.
tensor<float> counted(std::int64_t height, std::int64_t width) {
  tensor<float> x(1, 1, height, width);
  float v = 0;
  for (float& e : x) e = v += 1;
  return x;
}

tensor<float> run_once(const architecture& body, const tensor<float>& x) {
  return dynamic_model<float>(input(1) | body)(x);
}

std::vector<float> values(const tensor<float>& t) {
  return {t.begin(), t.end()};
}

struct pools {
  static constexpr architecture define() {
    return input(3) | max_pool(3, {.stride = 2, .padding = 1}) | average_pool({2, 3}, {.ceil_mode = true}) |
           adaptive_max_pool(5, 4) | adaptive_average_pool(2, 2) |
           branch(global_max_pool(), global_average_pool());
  }
};
static_assert(model<pools, float, 224, 224>::static_output_shape() == shape{3, 1, 1});
struct two_pools {
  static constexpr architecture define() {
    return input(3) | max_pool(3, {.stride = 2, .padding = 1}) | average_pool({2, 3}, {.ceil_mode = true});
  }
};
static_assert(model<two_pools, float, 225, 224>::static_output_shape() == shape{3, 57, 38});
static_assert(model<two_pools>::static_output_shape() == shape{3, dynamic, dynamic});
static_assert(layers::max_pool(3, {.stride = 2, .padding = 1, .dilation = 2}).window().extent_height == 5);
static_assert(layers::global_max_pool{}.window().everything);

}  // namespace

TEST_CASE("max pools and their gradients equal double loops, for any options") {
  for (unsigned seed = 0; seed < 100; ++seed) compare_max_pool<float>(seed);
  for (unsigned seed = 100; seed < 160; ++seed) compare_max_pool<double>(seed);
}

TEST_CASE("average pools and their gradients equal double loops, for any options") {
  for (unsigned seed = 0; seed < 100; ++seed) compare_average_pool<float>(seed);
  for (unsigned seed = 100; seed < 160; ++seed) compare_average_pool<double>(seed);
}

TEST_CASE("adaptive and global pools and their gradients equal double loops") {
  for (unsigned seed = 0; seed < 40; ++seed) compare_all_bins<float>(seed);
  for (unsigned seed = 40; seed < 70; ++seed) compare_all_bins<double>(seed);
}

TEST_CASE("the stride of a pool is its kernel unless given, and padding may be same") {
  CHECK(max_pool({2, 3}) == max_pool({2, 3}, {.stride = {2, 3}}));
  CHECK(max_pool(3, {.stride = 1, .padding = same}) == max_pool(3, {.stride = 1, .padding = 1}));
  CHECK(average_pool(2) != max_pool(2));
}

// Worked by hand from PyTorch's documentation.
TEST_CASE("in ceil mode a last window may hang over the border, unless it starts there") {
  const tensor<float> x = counted(1, 5);
  CHECK(values(run_once(max_pool({1, 2}), x)) == std::vector<float>{2, 4});
  CHECK(values(run_once(max_pool({1, 2}, {.ceil_mode = true}), x)) == std::vector<float>{2, 4, 5});
  // A third window would start in the padding behind.
  CHECK(values(run_once(max_pool({1, 2}, {.padding = {0, 1}, .ceil_mode = true}), counted(1, 4))) ==
        std::vector<float>{1, 3, 4});
  CHECK(values(run_once(max_pool({1, 3}, {.stride = 3, .padding = {0, 1}, .ceil_mode = true}),
                        counted(1, 5))) == std::vector<float>{2, 5});
}

TEST_CASE("padding counts in a mean if asked, what hangs over the padding never does") {
  const tensor<float> x = counted(1, 4);
  CHECK(values(run_once(average_pool({1, 2}, {.padding = {0, 1}}), x)) == std::vector<float>{0.5f, 2.5f, 2});
  CHECK(values(run_once(average_pool({1, 2}, {.padding = {0, 1}, .include_padding = false}), x)) ==
        std::vector<float>{1, 2.5f, 4});
  // The last window sees 5 only: its second tap lies behind everything.
  CHECK(values(run_once(average_pool({1, 2}, {.ceil_mode = true}), counted(1, 5))) ==
        std::vector<float>{1.5f, 3.5f, 5});
  // One pixel of padding: the last window sees 5 and a zero of the padding, but not the tap behind it.
  CHECK(values(run_once(average_pool({1, 3}, {.stride = 2, .padding = {0, 1}, .ceil_mode = true}),
                        counted(1, 6))) == std::vector<float>{1, 3, 5, 3});
}

TEST_CASE("bins of an adaptive pool overlap where extents do not divide") {
  CHECK(values(run_once(adaptive_average_pool(1, 3), counted(1, 5))) == std::vector<float>{1.5f, 3, 4.5f});
  CHECK(values(run_once(adaptive_max_pool(1, 4), counted(1, 2))) == std::vector<float>{1, 1, 2, 2});
}

}  // namespace pooling_test

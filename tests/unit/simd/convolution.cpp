#include <cstring>

#include <catch2/catch.hpp>

#include <lookalike/core/parallel.hpp>
#include <lookalike/simd/convolution.hpp>

#include "convolution_reference.hpp"

using namespace lookalike;
using namespace lookalike::simd;
using namespace convolution_test;

namespace {

/// Random data for one problem.
template <class Scalar>
struct operands {
  watched_map<Scalar> x, y;
  std::vector<Scalar> weights;

  operands(const problem& p, std::mt19937& chance)
      : x(p.batch, p.height, p.width, p.inputs, draw(chance, 0, 1) * draw(chance, 0, 9), chance),
        y(p.batch, p.out_height, p.out_width, p.outputs, draw(chance, 0, 1) * draw(chance, 0, 9), chance),
        weights(random_values<Scalar>(p.weights(), chance)) {}
};

template <class Scalar>
void check_forward(const problem& p, std::mt19937& chance) {
  operands<Scalar> data(p, chance);
  const auto x = data.x.map(), y = data.y.map();
  const random_epilogue<Scalar> store(y, chance);
  dense_map in(x), wanted(y);
  wanted.clear();
  for_each_product(p, [&](int n, int oy, int ox, int o, int iy, int ix, int c, std::size_t w) {
    wanted.at(n, oy, ox, o) += in.at(n, iy, ix, c) * static_cast<double>(data.weights[w]);
  });
  const double before_epilogue = largest_value(wanted.values);
  store.apply(wanted, p.batch);
  guarded_scratch<Scalar> scratch(convolve_scratch<Scalar>(x, p.window, p.mode, p.groups, y));
  convolve(x, data.weights.data(), p.window, p.mode, p.groups, store.epilogue, y, scratch.span());
  INFO(p.text());
  CHECK(relative_error(dense_map(y).values, wanted.values, before_epilogue) < tolerance<Scalar>);
  CHECK(data.y.surroundings_are_untouched());
  CHECK_FALSE(scratch.overrun());
}

template <class Scalar>
void check_backward_data(const problem& p, std::mt19937& chance) {
  operands<Scalar> data(p, chance);
  const auto gx = data.x.map(), gy = data.y.map();
  const bool accumulate = draw(chance, 0, 1) == 1;
  dense_map out(gy), wanted(gx);
  if (!accumulate) wanted.clear();
  for_each_product(p, [&](int n, int oy, int ox, int o, int iy, int ix, int c, std::size_t w) {
    wanted.at(n, iy, ix, c) += out.at(n, oy, ox, o) * static_cast<double>(data.weights[w]);
  });
  guarded_scratch<Scalar> scratch(convolve_backward_data_scratch<Scalar>(gy, p.window, p.mode, p.groups, gx));
  convolve_backward_data(gy, data.weights.data(), p.window, p.mode, p.groups, gx, accumulate, scratch.span());
  INFO(p.text());
  CHECK(relative_error(dense_map(gx).values, wanted.values) < tolerance<Scalar>);
  CHECK(data.x.surroundings_are_untouched());
  CHECK_FALSE(scratch.overrun());
}

template <class Scalar>
void check_backward_weights(const problem& p, std::mt19937& chance) {
  operands<Scalar> data(p, chance);
  const auto x = data.x.map(), gy = data.y.map();
  auto gb = random_values<Scalar>(static_cast<std::size_t>(p.outputs), chance);
  const bool has_bias = draw(chance, 0, 1) == 1;
  dense_map in(x), out(gy);
  std::vector<double> wanted = as_double(data.weights), wanted_bias = as_double(gb);
  for_each_product(p, [&](int n, int oy, int ox, int o, int iy, int ix, int c, std::size_t w) {
    wanted[w] += in.at(n, iy, ix, c) * out.at(n, oy, ox, o);
  });
  for (std::size_t i = 0; has_bias && i < out.values.size(); ++i) wanted_bias[i % gb.size()] += out.values[i];
  guarded_scratch<Scalar> scratch(
      convolve_backward_weights_scratch<Scalar>(x, gy, p.window, p.mode, p.groups));
  convolve_backward_weights(x, gy, p.window, p.mode, p.groups, data.weights.data(),
                            has_bias ? gb.data() : nullptr, scratch.span());
  INFO(p.text());
  CHECK(relative_error(as_double(data.weights), wanted) < tolerance<Scalar>);
  CHECK(relative_error(as_double(gb), wanted_bias) < tolerance<Scalar>);
  CHECK_FALSE(scratch.overrun());
}

template <class Scalar>
void check_all(const problem& p, std::mt19937& chance) {
  check_forward<Scalar>(p, chance);
  check_backward_data<Scalar>(p, chance);
  check_backward_weights<Scalar>(p, chance);
}

/// Everything that three functions compute for the maps of `data`, on so many threads.
struct results {
  std::vector<double> y, gx;
  std::vector<float> gw;
};
results compute(const problem& p, const feature_map<float>& x, const feature_map<float>& gy,
                const std::vector<float>& weights, int thread_count) {
  const thread_scope scope(thread_count);
  std::mt19937 chance(5);
  watched_map<float> y(gy.batch, p.out_height, p.out_width, p.outputs, 0, chance);
  watched_map<float> gx(x.batch, p.height, p.width, p.inputs, 0, chance);
  results r;
  r.gw.assign(weights.size(), 0.0f);
  guarded_scratch<float> forward(convolve_scratch<float>(x, p.window, p.mode, p.groups, gy));
  convolve(x, weights.data(), p.window, p.mode, p.groups, {}, y.map(), forward.span());
  guarded_scratch<float> backward(convolve_backward_data_scratch<float>(gy, p.window, p.mode, p.groups, x));
  convolve_backward_data(gy, weights.data(), p.window, p.mode, p.groups, gx.map(), false, backward.span());
  guarded_scratch<float> gradient(
      convolve_backward_weights_scratch<float>(x, gy, p.window, p.mode, p.groups));
  convolve_backward_weights(x, gy, p.window, p.mode, p.groups, r.gw.data(), nullptr, gradient.span());
  CHECK_FALSE((forward.overrun() || backward.overrun() || gradient.overrun()));
  r.y = dense_map(y.map()).values;
  r.gx = dense_map(gx.map()).values;
  return r;
}

}  // namespace

TEST_CASE("convolution and its gradients are sums over the definition, for any geometry", "[convolution]") {
  std::mt19937 chance(11);
  for (int i = 0; i < 150; ++i) {
    const problem p = random_problem(chance);
    check_all<float>(p, chance);
    if (i % 3 == 0) check_all<double>(p, chance);
  }
}

TEST_CASE("all numbers of channels are convolved", "[convolution]") {
  std::mt19937 chance(12);
  for (int channels = 1; channels <= 40; ++channels) {
    problem p{.batch = 2, .inputs = channels, .outputs = 41 - channels, .height = 5, .width = 9};
    p.window = {3, 3, 1, 1, 1, 1, 1, 1, 1, 1};
    check_all<float>(with_output(p), chance);
    p.outputs = p.groups = channels;  // depthwise
    p.window.stride_height = p.window.stride_width = 1 + channels % 2;
    check_all<float>(with_output(p), chance);
  }
}

TEST_CASE("convolutions large enough to be computed in several blocks", "[convolution]") {
  std::mt19937 chance(13);
  const window same{3, 3, 1, 1, 1, 1, 1, 1, 1, 1};
  const window halving{3, 3, 2, 2, 1, 1, 1, 1, 1, 1};
  const window stem{7, 7, 2, 2, 1, 1, 3, 3, 3, 3};
  const window pointwise{};
  const window dilated{3, 3, 1, 1, 2, 2, 2, 2, 2, 2};
  check_all<float>(
      with_output({.batch = 1, .inputs = 16, .outputs = 16, .height = 90, .width = 300, .window = same}),
      chance);
  check_all<float>(with_output({.batch = 1,
                                .inputs = 20,
                                .outputs = 20,
                                .groups = 20,
                                .height = 90,
                                .width = 200,
                                .window = same,
                                .mode = padding_mode::reflect}),
                   chance);
  check_all<float>(
      with_output({.batch = 1, .inputs = 260, .outputs = 70, .height = 9, .width = 40, .window = same}),
      chance);
  check_all<float>(
      with_output({.batch = 40, .inputs = 8, .outputs = 40, .height = 8, .width = 8, .window = halving}),
      chance);
  check_all<float>(
      with_output({.batch = 2, .inputs = 3, .outputs = 24, .height = 60, .width = 61, .window = stem}),
      chance);
  check_all<float>(
      with_output({.batch = 3, .inputs = 70, .outputs = 140, .height = 13, .width = 17, .window = pointwise}),
      chance);
  check_all<float>(with_output({.batch = 1,
                                .inputs = 24,
                                .outputs = 33,
                                .height = 40,
                                .width = 41,
                                .window = dilated,
                                .mode = padding_mode::replicate}),
                   chance);
}

TEST_CASE("convolutions with few products, few outputs, or pixels half a page apart", "[convolution]") {
  std::mt19937 chance(17);
  const window same{3, 3, 1, 1, 1, 1, 1, 1, 1, 1};
  const window dilated{3, 3, 1, 1, 2, 2, 2, 2, 2, 2};
  const window row{1, 5, 1, 2, 1, 1, 0, 0, 2, 2};
  const window pointwise{}, halving{1, 1, 2, 2};
  for (const int outputs : {16, 24, 29, 64}) {
    for (int repeat = 0; repeat < 6; ++repeat) {  // each with another epilogue
      check_all<float>(
          with_output(
              {.batch = 2, .inputs = 1, .outputs = outputs, .height = 9, .width = 13, .window = same}),
          chance);
      check_all<float>(
          with_output(
              {.batch = 1, .inputs = 1, .outputs = outputs, .height = 40, .width = 7, .window = dilated}),
          chance);
      check_all<float>(
          with_output({.batch = 1, .inputs = 1, .outputs = outputs, .height = 3, .width = 31, .window = row}),
          chance);
      for (const int inputs : {1, 4, 7, 9}) {
        check_all<float>(with_output({.batch = 1,
                                      .inputs = inputs,
                                      .outputs = outputs,
                                      .height = 6,
                                      .width = 11,
                                      .window = pointwise}),
                         chance);
      }
    }
  }
  for (const int outputs : {1, 2, 3}) {
    for (const int inputs : {32, 37, 64, 313}) {
      for (int repeat = 0; repeat < 6; ++repeat) {
        check_all<float>(with_output({.batch = 2,
                                      .inputs = inputs,
                                      .outputs = outputs,
                                      .height = 5,
                                      .width = 7,
                                      .window = pointwise}),
                         chance);
        check_all<float>(
            with_output(
                {.batch = 1, .inputs = inputs, .outputs = outputs, .height = 6, .width = 9, .window = same}),
            chance);
      }
    }
  }
  for (int repeat = 0; repeat < 4; ++repeat) {
    check_all<float>(
        with_output({.batch = 1, .inputs = 512, .outputs = 72, .height = 7, .width = 7, .window = pointwise}),
        chance);
    check_all<float>(
        with_output({.batch = 2, .inputs = 256, .outputs = 64, .height = 9, .width = 8, .window = halving}),
        chance);
  }
}

#ifdef LOOKALIKE_HAS_WIDE_TILE
namespace tiles = lookalike::simd::detail;

TEST_CASE("tiles of 512-bit registers compute what those of 256 do, bit for bit", "[convolution]") {
  if (!tiles::has_wide_registers) {
    WARN("skipped: this processor has no 512-bit registers");
    return;
  }
  constexpr int width = tiles::panel_channels;
  std::mt19937 chance(18);
  for (const int count : {1, 4, 5, 12, 16, 17, 24, 25, 28}) {
    for (const int length : {1, 3, 4, 31, 130}) {
      for (const int kind : {0, 1, 2, 3}) {
        CAPTURE(count, length, kind);
        const tiles::input_runs runs{.outer_count = 2,
                                     .outer_step = length + 5,
                                     .inner_count = 3,
                                     .inner_step = 2 * length,
                                     .length = length};
        const auto size = static_cast<std::size_t>(28 * (8 * length + 5));
        const auto x = random_values<float>(size, chance);
        const auto weights = random_values<float>(static_cast<std::size_t>(6 * length * width), chance);
        const auto factors = random_values<float>(3 * width, chance);
        const auto residual = random_values<float>(28 * width, chance);
        epilogue<float> whole;
        whole.bias = factors.data();
        if (kind >= 1) whole.activation.function = activation_function::relu;
        if (kind >= 2) whole.scale = factors.data() + width, whole.shift = factors.data() + 2 * width;
        if (kind == 3) whole.residual = {residual.data(), 1, 1, 28, width, width};
        const tiles::panel_epilogue store(whole, 0, width);
        std::vector<float> wide(28 * width, -1), narrow(wide);
        const float *pixels[28], *residuals[28];
        float *to_wide[28], *to_narrow[28];
        for (int r = 0; r < 28; ++r) {
          pixels[r] = x.data() + r * (8 * length + 5) - (r >= count ? (r - count + 1) * (8 * length + 5) : 0);
          residuals[r] = residual.data() + r * width;
          to_wide[r] = wide.data() + r * width;
          to_narrow[r] = narrow.data() + r * width;
        }
        int done = 0, left = count;
        tiles::for_wide_tiles(left, [&](auto height) {
          tiles::wide_tile<height()>(pixels + done, runs, weights.data(), weights.data(), store,
                                     residuals + done, to_wide + done, 0, std::min(height(), left));
          left -= height();
          done += height();
        });
        for (int r = 0; r < count; ++r) {
          alignas(64) float sums[width];
          float* to = sums;
          tiles::register_tile<1, width / tiles::float_lanes>(pixels + r, runs, weights.data(),
                                                              weights.data(), store.start, &to, 0);
          tiles::finish_tile(sums, width, 1, store, residuals + r, to_narrow + r, 0);
        }
        CHECK(std::memcmp(wide.data(), narrow.data(), wide.size() * sizeof(float)) == 0);
      }
    }
  }
}

TEST_CASE("tiles of four panels compute what those of one do, bit for bit", "[convolution]") {
  if (!tiles::has_wide_registers) {
    WARN("skipped: this processor has no 512-bit registers");
    return;
  }
  constexpr int channels = tiles::group_panels * tiles::panel_channels;
  std::mt19937 chance(19);
  // Inputs of pixels; outputs that make one or more groups, and some more.
  for (const int inputs : {1, 3, 4, 30, 130}) {
    for (const int outputs : {channels, channels + 20, 2 * channels, 2 * channels + 7}) {
      for (const int pixels : {1, 2, 3, 4, 5, 6, 7, 8, 11, 13, 49}) {
        const window same{3, 3, 1, 1, 1, 1, 1, 1, 1, 1}, pointwise{};
        for (const window& w : {same, pointwise}) {
          if (pixels > 8 && inputs > 30) continue;
          const problem p = with_output(
              {.batch = 1, .inputs = inputs, .outputs = outputs, .height = 1, .width = pixels, .window = w});
          watched_map<float> x(1, 1, pixels, inputs, 3, chance), y(1, 1, pixels, outputs, 5, chance);
          const auto weights = random_values<float>(p.weights(), chance);
          const random_epilogue<float> store(y.map(), chance);
          guarded_scratch<float> scratch(convolve_scratch<float>(x.map(), w, p.mode, 1, y.map(), threads(),
                                                                 convolution_algorithm::direct));
          convolve(x.map(), weights.data(), w, p.mode, 1, store.epilogue, y.map(), scratch.span(),
                   convolution_algorithm::direct);
          CHECK(y.surroundings_are_untouched());
          const auto together = dense_map(y.map()).values;
          // One panel at a time: a slice of the outputs.
          const std::ptrdiff_t weights_each = std::ssize(weights) / outputs;
          for (int first = 0; first < outputs; first += tiles::panel_channels) {
            const int count = std::min(tiles::panel_channels, outputs - first);
            const auto slice = y.map().slice(first, count);
            const auto part = store.epilogue.slice(first, count);
            convolve(x.map(), weights.data() + weights_each * first, w, p.mode, 1, part, slice,
                     scratch.span(), convolution_algorithm::direct);
          }
          CHECK(dense_map(y.map()).values == together);
        }
      }
    }
  }
}
#endif

TEST_CASE("the gradient for the data is the adjoint of the convolution", "[convolution]") {
  std::mt19937 chance(14);
  for (int i = 0; i < 40; ++i) {
    const problem p = random_problem(chance);
    operands<double> data(p, chance), other(p, chance);
    const auto x = data.x.map(), gy = data.y.map();
    const auto y = other.y.map(), gx = other.x.map();
    const dense_map x_before(x), gy_before(gy);
    guarded_scratch<double> forward(convolve_scratch<double>(x, p.window, p.mode, p.groups, y));
    convolve(x, data.weights.data(), p.window, p.mode, p.groups, {}, y, forward.span());
    guarded_scratch<double> backward(
        convolve_backward_data_scratch<double>(gy, p.window, p.mode, p.groups, gx));
    convolve_backward_data(gy, data.weights.data(), p.window, p.mode, p.groups, gx, false, backward.span());
    double left = 0, right = 0, size = 1;
    const dense_map ax(y), ay(gx);
    for (std::size_t k = 0; k < ax.values.size(); ++k) {
      left += ax.values[k] * gy_before.values[k];
      size += std::abs(ax.values[k] * gy_before.values[k]);
    }
    for (std::size_t k = 0; k < ay.values.size(); ++k) right += ay.values[k] * x_before.values[k];
    INFO(p.text());
    CHECK(std::abs(left - right) < 1e-12 * size);
  }
}

TEST_CASE("the number of threads changes no bit, and a picture does not depend on its batch",
          "[convolution]") {
  std::mt19937 chance(15);
  std::vector<problem> problems;
  for (int i = 0; i < 20; ++i) problems.push_back(random_problem(chance));
  const window same{3, 3, 1, 1, 1, 1, 1, 1, 1, 1};
  problems.push_back(with_output({.inputs = 16, .outputs = 16, .height = 32, .width = 32, .window = same}));
  problems.push_back(with_output({.inputs = 48, .outputs = 100, .height = 4, .width = 4, .window = same}));
  problems.push_back(with_output({.inputs = 8, .outputs = 16, .height = 100, .width = 150, .window = same}));
  for (problem p : problems) {
    p.batch = 5;
    operands<float> data(p, chance);
    const auto x = data.x.map(), gy = data.y.map();
    const results one = compute(p, x, gy, data.weights, 1);
    const results three = compute(p, x, gy, data.weights, 3);
    INFO(p.text());
    CHECK(one.y == three.y);
    CHECK(one.gx == three.gx);
    CHECK(std::memcmp(one.gw.data(), three.gw.data(), one.gw.size() * sizeof(float)) == 0);
    const int n = draw(chance, 0, 4);
    const results alone = compute(p, x.picture(n), gy.picture(n), data.weights, 1);
    CHECK(std::equal(alone.y.begin(), alone.y.end(),
                     one.y.begin() + n * static_cast<std::ptrdiff_t>(alone.y.size())));
    CHECK(std::equal(alone.gx.begin(), alone.gx.end(),
                     one.gx.begin() + n * static_cast<std::ptrdiff_t>(alone.gx.size())));
  }
}

TEST_CASE("weights packed once give what weights packed on each call give", "[convolution]") {
  std::mt19937 chance(16);
  const problem p = with_output({.batch = 2,
                                 .inputs = 12,
                                 .outputs = 36,
                                 .groups = 2,
                                 .height = 9,
                                 .width = 9,
                                 .window = {3, 3, 2, 2, 1, 1, 1, 1, 1, 1}});
  operands<float> data(p, chance), again(p, chance);
  const auto x = data.x.map(), y = data.y.map();
  guarded_scratch<float> scratch(convolve_scratch<float>(x, p.window, p.mode, p.groups, y));
  convolve(x, data.weights.data(), p.window, p.mode, p.groups, {}, y, scratch.span());
  guarded_scratch<float> packed(packed_convolution_size<float>(p.inputs, p.outputs, p.window, p.groups));
  pack_convolution(data.weights.data(), p.inputs, p.outputs, p.window, p.groups, packed.span().data());
  CHECK_FALSE(packed.overrun());
  guarded_scratch<float> rest(convolve_packed_scratch<float>(x, p.window, p.mode, p.groups, y));
  convolve_packed(x, packed.span().data(), p.window, p.mode, p.groups, {}, again.y.map(), rest.span());
  CHECK(dense_map(y).values == dense_map(again.y.map()).values);

  guarded_scratch<float> backward(convolve_backward_data_scratch<float>(y, p.window, p.mode, p.groups, x));
  convolve_backward_data(y, data.weights.data(), p.window, p.mode, p.groups, x, false, backward.span());
  guarded_scratch<float> adjoint(
      packed_convolution_backward_data_size<float>(p.inputs, p.outputs, p.window, p.groups));
  pack_convolution_backward_data(data.weights.data(), p.inputs, p.outputs, p.window, p.groups,
                                 adjoint.span().data());
  CHECK_FALSE(adjoint.overrun());
  guarded_scratch<float> backward_rest(
      convolve_backward_data_packed_scratch<float>(y, p.window, p.mode, p.groups, x));
  convolve_backward_data_packed(y, adjoint.span().data(), p.window, p.mode, p.groups, again.x.map(), false,
                                backward_rest.span());
  CHECK(dense_map(x).values == dense_map(again.x.map()).values);
}

TEST_CASE("maps and scratch that do not go together are refused", "[convolution]") {
  std::mt19937 chance(17);
  watched_map<float> x(2, 4, 4, 6, 0, chance), y(2, 4, 4, 6, 0, chance);
  std::vector<float> weights(36);
  std::vector<float> scratch(1 << 20);
  const auto run = [&](feature_map<float> in, int groups, std::span<float> memory) {
    convolve(in, weights.data(), {}, padding_mode::zeros, groups, {}, y.map(), memory);
  };
  CHECK_NOTHROW(run(x.map(), 1, scratch));
  CHECK_THROWS_AS(run(x.map().picture(0), 1, scratch), value_error);
  CHECK_THROWS_AS(run(x.map(), 4, scratch), value_error);
  CHECK_THROWS_AS(run(x.map(), 1, std::span<float>(scratch).first(1)), value_error);
}

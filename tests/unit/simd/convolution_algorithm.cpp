#include <cstring>

#include <catch2/catch.hpp>

#include <lookalike/core/parallel.hpp>
#include <lookalike/simd/convolution.hpp>

#include "convolution_reference.hpp"

using namespace lookalike;
using namespace lookalike::simd;
using namespace convolution_test;
using enum convolution_algorithm;

namespace {

/// Documented in simd/convolution_algorithm.hpp.
double error_bound(convolution_algorithm algorithm) {
  return algorithm == winograd_6x6 ? 5e-5 : 5e-6;
}

constexpr convolution_algorithm all_algorithms[] = {direct, winograd_2x2, winograd_4x4, winograd_6x6};

/// A problem that Winograd's algorithms can solve, with tails and gaps of all kinds.
problem random_winograd_problem(std::mt19937& chance) {
  problem p;
  do {
    auto& w = p.window;
    w.kernel_height = w.kernel_width = 3;
    p.batch = draw(chance, 1, 3);
    p.inputs = draw(chance, 1, 40);
    p.outputs = draw(chance, 1, 50);
    p.height = draw(chance, 1, 19);
    p.width = draw(chance, 1, 23);
    w.dilation_height = draw(chance, 0, 2) == 0 ? draw(chance, 2, 5) : 1;
    w.dilation_width = draw(chance, 0, 2) == 0 ? draw(chance, 2, 5) : w.dilation_height;
    p = with_random_padding(p, chance);
  } while (p.out_height < 1 || p.out_width < 1);
  return p;
}

/// With kernels of 5 x 5.
problem random_wide_problem(std::mt19937& chance) {
  problem p;
  do {
    p = random_winograd_problem(chance);
    p.window.kernel_height = p.window.kernel_width = 5;
    p = with_random_padding(p, chance);
  } while (p.out_height < 1 || p.out_width < 1);
  return p;
}

/// With stride 2.
problem random_strided_problem(std::mt19937& chance) {
  problem p;
  do {
    p = random_winograd_problem(chance);
    p.height = draw(chance, 1, 39);
    p.width = draw(chance, 1, 43);
    p.window.kernel_height = draw(chance, 3, 4);
    p.window.kernel_width = draw(chance, 0, 1) == 0 ? p.window.kernel_height : draw(chance, 3, 4);
    p.window.stride_height = p.window.stride_width = 2;
    p.window.dilation_height = p.window.dilation_width = 1;
    p = with_random_padding(p, chance);
  } while (p.out_height < 1 || p.out_width < 1);
  return p;
}

void check(const problem& p, convolution_algorithm algorithm, std::mt19937& chance) {
  watched_map<float> x(p.batch, p.height, p.width, p.inputs, draw(chance, 0, 9), chance);
  watched_map<float> y(p.batch, p.out_height, p.out_width, p.outputs, draw(chance, 0, 9), chance);
  const auto weights = random_values<float>(p.weights(), chance);
  const random_epilogue<float> store(y.map(), chance);
  const bool accumulate = draw(chance, 0, 1) == 1;
  INFO(p.text() << ", algorithm " << static_cast<int>(algorithm));

  dense_map in(x.map()), wanted(y.map());
  wanted.clear();
  for_each_product(p, [&](int n, int oy, int ox, int o, int iy, int ix, int c, std::size_t w) {
    wanted.at(n, oy, ox, o) += in.at(n, iy, ix, c) * static_cast<double>(weights[w]);
  });
  const double before_epilogue = largest_value(wanted.values);
  store.apply(wanted, p.batch);
  guarded_scratch<float> scratch(
      convolve_scratch<float>(x.map(), p.window, p.mode, 1, y.map(), threads(), algorithm));
  convolve(x.map(), weights.data(), p.window, p.mode, 1, store.epilogue, y.map(), scratch.span(), algorithm);
  CHECK(relative_error(dense_map(y.map()).values, wanted.values, before_epilogue) < error_bound(algorithm));
  CHECK(y.surroundings_are_untouched());
  CHECK_FALSE(scratch.overrun());

  y.refill(chance);
  auto gw = random_values<float>(p.weights(), chance);
  std::vector<double> wanted_gw = as_double(gw);
  dense_map gy(y.map());
  for_each_product(p, [&](int n, int oy, int ox, int o, int iy, int ix, int c, std::size_t w) {
    wanted_gw[w] += in.at(n, iy, ix, c) * gy.at(n, oy, ox, o);
  });
  guarded_scratch<float> learning(
      convolve_backward_weights_scratch<float>(x.map(), y.map(), p.window, p.mode, 1, threads(), algorithm));
  convolve_backward_weights(x.map(), y.map(), p.window, p.mode, 1, gw.data(), nullptr, learning.span(),
                            algorithm);
  CHECK(relative_error(as_double(gw), wanted_gw) < 5e-6);
  CHECK_FALSE(learning.overrun());

  dense_map out(y.map()), gradient(x.map());
  if (!accumulate) gradient.clear();
  for_each_product(p, [&](int n, int oy, int ox, int o, int iy, int ix, int c, std::size_t w) {
    gradient.at(n, iy, ix, c) += out.at(n, oy, ox, o) * static_cast<double>(weights[w]);
  });
  guarded_scratch<float> backward(
      convolve_backward_data_scratch<float>(y.map(), p.window, p.mode, 1, x.map(), threads(), algorithm));
  convolve_backward_data(y.map(), weights.data(), p.window, p.mode, 1, x.map(), accumulate, backward.span(),
                         algorithm);
  CHECK(relative_error(dense_map(x.map()).values, gradient.values) < error_bound(algorithm));
  CHECK(x.surroundings_are_untouched());
  CHECK_FALSE(backward.overrun());
}

}  // namespace

TEST_CASE("every algorithm is the sum over the definition, for any geometry", "[convolution]") {
  std::mt19937 chance(21);
  for (int i = 0; i < 60; ++i) {
    const problem p = random_winograd_problem(chance);
    for (const convolution_algorithm algorithm : all_algorithms) check(p, algorithm, chance);
  }
}

TEST_CASE("with kernels of 5x5 every algorithm is the sum over the definition, too", "[convolution]") {
  std::mt19937 chance(27);
  for (int i = 0; i < 60; ++i) {
    const problem p = random_wide_problem(chance);
    for (const convolution_algorithm algorithm : {direct, winograd_2x2}) check(p, algorithm, chance);
  }
  check(with_output({.inputs = 512,
                     .outputs = 40,
                     .height = 12,
                     .width = 12,
                     .window = {5, 5, 1, 1, 1, 1, 2, 2, 2, 2}}),
        winograd_2x2, chance);
}

TEST_CASE("with stride 2 every algorithm is the sum over the definition, too", "[convolution]") {
  std::mt19937 chance(26);
  for (int i = 0; i < 60; ++i) {
    const problem p = random_strided_problem(chance);
    REQUIRE(is_winograd_strided_convolution(p.window, 1));
    for (const convolution_algorithm algorithm : {direct, winograd_4x4}) check(p, algorithm, chance);
  }
}

TEST_CASE("many channels and tiles, so that there are several blocks and partial sums", "[convolution]") {
  std::mt19937 chance(22);
  const window same{3, 3, 1, 1, 1, 1, 1, 1, 1, 1};
  const window dilated{3, 3, 1, 1, 4, 4, 4, 4, 4, 4};
  const window strided{3, 3, 2, 2, 1, 1, 1, 1, 1, 1};
  const problem problems[] = {
      with_output({.batch = 1, .inputs = 300, .outputs = 20, .height = 17, .width = 14, .window = same}),
      with_output({.batch = 1, .inputs = 17, .outputs = 290, .height = 9, .width = 30, .window = same}),
      with_output({.batch = 2, .inputs = 24, .outputs = 24, .height = 60, .width = 41, .window = same}),
      with_output({.batch = 5, .inputs = 40, .outputs = 40, .height = 7, .width = 7, .window = same}),
      with_output({.batch = 2, .inputs = 32, .outputs = 16, .height = 30, .width = 21, .window = dilated}),
      with_output({.batch = 2, .inputs = 150, .outputs = 40, .height = 50, .width = 41, .window = strided}),
      with_output({.batch = 1, .inputs = 20, .outputs = 290, .height = 90, .width = 70, .window = strided})};
  for (const problem& p : problems)
    for (const convolution_algorithm algorithm : all_algorithms) check(p, algorithm, chance);
}

TEST_CASE("with 512 channels the error is still within its bound", "[convolution]") {
  std::mt19937 chance(23);
  const problem p = with_output(
      {.inputs = 512, .outputs = 64, .height = 12, .width = 12, .window = {3, 3, 1, 1, 1, 1, 1, 1, 1, 1}});
  for (const convolution_algorithm algorithm : all_algorithms) check(p, algorithm, chance);
}

TEST_CASE("the number of threads changes no bit of any algorithm, and a picture does not depend on its batch",
          "[convolution]") {
  std::mt19937 chance(24);
  const window same{3, 3, 1, 1, 1, 1, 1, 1, 1, 1}, strided{4, 4, 2, 2, 1, 1, 1, 1, 1, 1};
  const problem problems[] = {
      with_output({.batch = 5, .inputs = 20, .outputs = 70, .height = 7, .width = 9, .window = same}),
      with_output({.batch = 3, .inputs = 16, .outputs = 24, .height = 40, .width = 40, .window = same}),
      with_output({.batch = 3, .inputs = 16, .outputs = 24, .height = 60, .width = 50, .window = strided})};
  for (const problem& p : problems) {
    for (const convolution_algorithm algorithm : all_algorithms) {
      watched_map<float> x(p.batch, p.height, p.width, p.inputs, 0, chance);
      const auto weights = random_values<float>(p.weights(), chance);
      const auto run = [&](const feature_map<float>& in, int thread_count) {
        const thread_scope scope(thread_count);
        watched_map<float> y(in.batch, p.out_height, p.out_width, p.outputs, 0, chance);
        guarded_scratch<float> scratch(
            convolve_scratch<float>(in, p.window, p.mode, 1, y.map(), thread_count, algorithm));
        convolve(in, weights.data(), p.window, p.mode, 1, {}, y.map(), scratch.span(), algorithm);
        return dense_map(y.map()).values;
      };
      watched_map<float> gy(p.batch, p.out_height, p.out_width, p.outputs, 0, chance);
      const auto learn = [&](int thread_count) {
        const thread_scope scope(thread_count);
        std::vector<float> gw(weights.size());
        guarded_scratch<float> scratch(convolve_backward_weights_scratch<float>(
            x.map(), gy.map(), p.window, p.mode, 1, thread_count, algorithm));
        convolve_backward_weights(x.map(), gy.map(), p.window, p.mode, 1, gw.data(), nullptr, scratch.span(),
                                  algorithm);
        return gw;
      };
      CHECK(learn(1) == learn(3));
      const auto one = run(x.map(), 1);
      CHECK(one == run(x.map(), 3));
      const auto last = run(x.map().picture(p.batch - 1), 1);
      CHECK(std::equal(last.begin(), last.end(), one.end() - static_cast<std::ptrdiff_t>(last.size())));
    }
  }
}

TEST_CASE("weights packed for an algorithm give what it gives with weights as they are", "[convolution]") {
  std::mt19937 chance(25);
  for (const window& w : {window{3, 3, 1, 1, 1, 1, 1, 1, 1, 1}, window{3, 4, 2, 2, 1, 1, 1, 1, 1, 1},
                          window{5, 5, 1, 1, 1, 1, 2, 2, 2, 2}}) {
    const problem p =
        with_output({.batch = 2, .inputs = 19, .outputs = 21, .height = 11, .width = 9, .window = w});
    watched_map<float> x(p.batch, p.height, p.width, p.inputs, 0, chance);
    watched_map<float> y(p.batch, p.out_height, p.out_width, p.outputs, 0, chance);
    const auto weights = random_values<float>(p.weights(), chance);
    for (const convolution_algorithm algorithm : all_algorithms) {
      guarded_scratch<float> whole(
          convolve_scratch<float>(x.map(), p.window, p.mode, 1, y.map(), threads(), algorithm));
      convolve(x.map(), weights.data(), p.window, p.mode, 1, {}, y.map(), whole.span(), algorithm);
      const auto wanted = dense_map(y.map()).values;
      guarded_scratch<float> packed(
          packed_convolution_size<float>(p.inputs, p.outputs, p.window, 1, algorithm));
      pack_convolution(weights.data(), p.inputs, p.outputs, p.window, 1, packed.span().data(), algorithm);
      CHECK_FALSE(packed.overrun());
      guarded_scratch<float> rest(
          convolve_packed_scratch<float>(x.map(), p.window, p.mode, 1, y.map(), threads(), algorithm));
      convolve_packed(x.map(), packed.span().data(), p.window, p.mode, 1, {}, y.map(), rest.span(),
                      algorithm);
      CHECK(dense_map(y.map()).values == wanted);
    }
  }
}

TEST_CASE("gradients of weights take F(4x4) where its products are fewer by far", "[convolution]") {
  const window same{3, 3, 1, 1, 1, 1, 1, 1, 1, 1}, dilated{3, 3, 1, 1, 8, 8, 8, 8, 8, 8};
  window strided = same;
  strided.stride_width = 2;
  const auto chosen = [](convolution_algorithm asked_for, const window& w, int groups, int channels,
                         int extent, int batch = 8) {
    return choose_weight_gradient_algorithm(asked_for, channels, 64, w, groups, batch, extent, extent);
  };
  for (const int extent : {7, 8, 28, 56}) CHECK(chosen(automatic, same, 1, 64, extent) == winograd_4x4);
  CHECK(chosen(automatic, same, 1, 64, 7, 1) == direct);
  CHECK(chosen(automatic, same, 1, 64, 28, 1) == winograd_4x4);
  CHECK(chosen(automatic, same, 1, 64, 5) == direct);
  CHECK(chosen(automatic, same, 1, 3, 28) == direct);
  CHECK(chosen(automatic, dilated, 1, 64, 28) == winograd_4x4);
  CHECK(chosen(automatic, dilated, 1, 64, 16) == direct);  // 64 maps of 2 x 2
  CHECK(chosen(winograd_4x4, same, 1, 3, 5) == winograd_4x4);
  CHECK(chosen(winograd_2x2, same, 1, 64, 28) == direct);
  CHECK(chosen(winograd_4x4, strided, 1, 64, 28) == direct);
  CHECK(chosen(winograd_4x4, same, 2, 64, 28) == direct);
}

TEST_CASE("what Winograd's algorithms do not fit is computed directly", "[convolution]") {
  const window same{3, 3, 1, 1, 1, 1, 1, 1, 1, 1};
  window strided = same, wide = same;
  strided.stride_width = 2;
  wide.kernel_width = 5;
  const auto chosen = [](convolution_algorithm asked_for, const window& w, int groups, int extent = 28) {
    return choose_convolution_algorithm(asked_for, 64, 64, w, groups, extent, extent);
  };
  for (const convolution_algorithm algorithm : all_algorithms) {
    CHECK(chosen(algorithm, same, 1) == algorithm);
    CHECK(chosen(algorithm, strided, 1) == direct);
    CHECK(chosen(algorithm, wide, 1) == direct);
    CHECK(chosen(algorithm, same, 2) == direct);
  }
  CHECK(chosen(automatic, same, 1) == winograd_4x4);
  CHECK(chosen(automatic, same, 1, 7) == winograd_2x2);
  CHECK(chosen(automatic, same, 1, 3) == direct);
  CHECK(chosen(automatic, strided, 1) == direct);

  window five = wide;
  five.kernel_height = 5;
  for (const convolution_algorithm algorithm : {automatic, winograd_2x2, winograd_4x4, winograd_6x6})
    CHECK(chosen(algorithm, five, 1) == winograd_2x2);
  CHECK(chosen(direct, five, 1) == direct);
  CHECK(choose_weight_gradient_algorithm(winograd_4x4, 64, 64, five, 1, 8, 28, 28) == direct);
  const window halving{3, 3, 2, 2, 1, 1, 1, 1, 1, 1};
  window four = halving, dilated = halving;
  four.kernel_height = four.kernel_width = 4;
  dilated.dilation_width = 2;
  for (const convolution_algorithm algorithm : {winograd_2x2, winograd_4x4, winograd_6x6}) {
    CHECK(chosen(algorithm, halving, 1) == winograd_4x4);
    CHECK(chosen(algorithm, dilated, 1) == direct);
  }
  CHECK(chosen(direct, halving, 1) == direct);
  CHECK(chosen(automatic, halving, 1, 28) == direct);
  CHECK(chosen(automatic, halving, 1, 64) == winograd_4x4);
  CHECK(chosen(automatic, four, 1, 28) == winograd_4x4);
  CHECK(chosen(automatic, four, 1, 14) == direct);
  const auto transposed = [](convolution_algorithm asked_for, const window& w, int extent) {
    return choose_transposed_convolution_algorithm(asked_for, 64, 64, w, 1, extent, extent);
  };
  CHECK(transposed(automatic, four, 64) == winograd_4x4);
  CHECK(transposed(automatic, four, 32) == direct);
  CHECK(transposed(winograd_2x2, four, 32) == winograd_4x4);
  CHECK(transposed(winograd_4x4, halving, 64) == direct);
  CHECK(transposed(winograd_2x2, same, 64) == winograd_2x2);

  // and a double never is anything else
  std::mt19937 chance(26);
  const problem p = with_output({.inputs = 20, .outputs = 20, .height = 12, .width = 12, .window = same});
  watched_map<double> x(1, 12, 12, 20, 0, chance), y(1, 12, 12, 20, 0, chance);
  const auto weights = random_values<double>(p.weights(), chance);
  convolve(x.map(), weights.data(), same, p.mode, 1, {}, y.map(), {}, direct);
  const auto wanted = dense_map(y.map()).values;
  convolve(x.map(), weights.data(), same, p.mode, 1, {}, y.map(), {}, winograd_4x4);
  CHECK(dense_map(y.map()).values == wanted);
}

TEST_CASE("weights cannot be packed for an algorithm that depends on the extents", "[convolution]") {
  const window same{3, 3, 1, 1, 1, 1, 1, 1, 1, 1};
  CHECK_THROWS_AS(packed_convolution_size<float>(16, 16, same, 1, automatic), value_error);
}

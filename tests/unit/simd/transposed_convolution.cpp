#include <cstring>

#include <catch2/catch.hpp>

#include <lookalike/core/parallel.hpp>
#include <lookalike/simd/transposed_convolution.hpp>

#include "convolution_reference.hpp"

using namespace lookalike;
using namespace lookalike::simd;
using namespace convolution_test;

namespace {

/// Problems are those of the convolution whose adjoint is meant: its output is what we read, its input what
/// we write.
problem random_transposed_problem(std::mt19937& chance) {
  problem p = random_problem(chance);
  p.mode = padding_mode::zeros;
  return p;
}

template <class Scalar>
struct operands {
  watched_map<Scalar> x, y;
  std::vector<Scalar> weights;

  operands(const problem& p, std::mt19937& chance)
      : x(p.batch, p.out_height, p.out_width, p.outputs, draw(chance, 0, 1) * draw(chance, 0, 9), chance),
        y(p.batch, p.height, p.width, p.inputs, draw(chance, 0, 1) * draw(chance, 0, 9), chance),
        weights(random_values<Scalar>(p.weights(), chance)) {}
};

template <class Scalar>
void check_forward(const problem& p, std::mt19937& chance,
                   convolution_algorithm algorithm = convolution_algorithm::automatic) {
  operands<Scalar> data(p, chance);
  const auto x = data.x.map(), y = data.y.map();
  const random_epilogue<Scalar> store(y, chance);
  dense_map in(x), wanted(y);
  wanted.clear();
  for_each_product(p, [&](int n, int iy, int ix, int i, int oy, int ox, int o, std::size_t w) {
    wanted.at(n, oy, ox, o) += in.at(n, iy, ix, i) * static_cast<double>(data.weights[w]);
  });
  const double before_epilogue = largest_value(wanted.values);
  store.apply(wanted, p.batch);
  guarded_scratch<Scalar> scratch(
      convolve_transposed_scratch<Scalar>(x, p.window, p.groups, y, threads(), algorithm));
  convolve_transposed(x, data.weights.data(), p.window, p.groups, store.epilogue, y, scratch.span(),
                      algorithm);
  INFO(p.text());
  // Documented in simd/convolution_algorithm.hpp.
  const double bound = algorithm == convolution_algorithm::winograd_4x4 ? 5e-6 : tolerance<Scalar>;
  CHECK(relative_error(dense_map(y).values, wanted.values, before_epilogue) < bound);
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
  for_each_product(p, [&](int n, int iy, int ix, int i, int oy, int ox, int o, std::size_t w) {
    wanted.at(n, iy, ix, i) += out.at(n, oy, ox, o) * static_cast<double>(data.weights[w]);
  });
  guarded_scratch<Scalar> scratch(
      convolve_transposed_backward_data_scratch<Scalar>(gy, p.window, p.groups, gx));
  convolve_transposed_backward_data(gy, data.weights.data(), p.window, p.groups, gx, accumulate,
                                    scratch.span());
  INFO(p.text());
  CHECK(relative_error(dense_map(gx).values, wanted.values) < tolerance<Scalar>);
  CHECK(data.x.surroundings_are_untouched());
  CHECK_FALSE(scratch.overrun());
}

template <class Scalar>
void check_backward_weights(const problem& p, std::mt19937& chance) {
  operands<Scalar> data(p, chance);
  const auto x = data.x.map(), gy = data.y.map();
  auto gb = random_values<Scalar>(static_cast<std::size_t>(p.inputs), chance);
  dense_map in(x), out(gy);
  std::vector<double> wanted = as_double(data.weights), wanted_bias = as_double(gb);
  for_each_product(p, [&](int n, int iy, int ix, int i, int oy, int ox, int o, std::size_t w) {
    wanted[w] += in.at(n, iy, ix, i) * out.at(n, oy, ox, o);
  });
  for (std::size_t i = 0; i < out.values.size(); ++i) wanted_bias[i % gb.size()] += out.values[i];
  guarded_scratch<Scalar> scratch(
      convolve_transposed_backward_weights_scratch<Scalar>(x, gy, p.window, p.groups));
  convolve_transposed_backward_weights(x, gy, p.window, p.groups, data.weights.data(), gb.data(),
                                       scratch.span());
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

}  // namespace

TEST_CASE("transposed convolution and its gradients scatter as defined, for any geometry",
          "[transposed_convolution]") {
  std::mt19937 chance(21);
  for (int i = 0; i < 120; ++i) {
    const problem p = random_transposed_problem(chance);
    check_all<float>(p, chance);
    if (i % 3 == 0) check_all<double>(p, chance);
  }
}

TEST_CASE("the transposed convolutions of networks", "[transposed_convolution]") {
  std::mt19937 chance(22);
  // 2 x 2 with stride 2, 4 x 4 with stride 2 and padding 1, 3 x 3 with stride 2 and output padding 1
  const problem two{.batch = 2,
                    .inputs = 32,
                    .outputs = 64,
                    .height = 28,
                    .width = 28,
                    .out_height = 14,
                    .out_width = 14,
                    .window = {2, 2, 2, 2}};
  problem four = two, three = two;
  four.window = {4, 4, 2, 2, 1, 1, 1, 1, 1, 1};
  three.window = {3, 3, 2, 2, 1, 1, 1, 1, 1, 1};
  for (const problem& p : {two, four, three}) {
    check_all<float>(p, chance);
    check_all<double>(p, chance);
  }
}

TEST_CASE("transposed convolution by Winograd's filtering scatters as defined, for any padding and extents",
          "[transposed_convolution]") {
  std::mt19937 chance(25);
  for (int i = 0; i < 150; ++i) {
    problem p;
    do {
      p = random_transposed_problem(chance);
      p.groups = 1;
      p.inputs = draw(chance, 1, 40);
      p.outputs = draw(chance, 1, 70);
      p.window = {4, 4, 2, 2};
      p.window.padding_top = draw(chance, -1, 4);
      p.window.padding_bottom = draw(chance, -1, 4);
      p.window.padding_left = draw(chance, -1, 4);
      p.window.padding_right = draw(chance, -1, 4);
      p = with_output(p);
    } while (p.out_height < 1 || p.out_width < 1);
    REQUIRE(is_winograd_transposed_convolution(p.window, p.groups));
    check_forward<float>(p, chance, convolution_algorithm::winograd_4x4);
    check_forward<float>(p, chance, convolution_algorithm::direct);
  }
  const problem many = with_output(
      {.inputs = 24, .outputs = 512, .height = 40, .width = 36, .window = {4, 4, 2, 2, 1, 1, 1, 1, 1, 1}});
  check_forward<float>(many, chance, convolution_algorithm::winograd_4x4);
}

TEST_CASE("transposed convolution of maps so wide that a few rows go at a time", "[transposed_convolution]") {
  std::mt19937 chance(24);
  for (const window& w : {window{2, 2, 2, 2}, window{4, 4, 2, 2, 1, 1, 1, 1, 1, 1},
                          window{3, 2, 3, 2, 1, 1, 2, 1, 1, 0}, window{5, 5, 4, 1, 1, 1, 2, 2, 2, 2}}) {
    problem p{.batch = 2, .inputs = 3, .outputs = 2, .height = 11, .width = 1900, .window = w};
    p = with_output(p);
    check_all<float>(p, chance);
  }
}

TEST_CASE("transposed convolution gives a picture the same bits in any batch and on any number of threads",
          "[transposed_convolution]") {
  std::mt19937 chance(23);
  for (int i = 0; i < 20; ++i) {
    problem p = random_transposed_problem(chance);
    if (i % 4 == 0)
      p = {.inputs = 40, .outputs = 20, .height = 50, .width = 44, .window = {4, 4, 2, 2, 1, 1, 1, 1, 1, 1}};
    if (i % 4 == 0) p = with_output(p);
    p.batch = 4;
    operands<float> data(p, chance);
    const auto run = [&](const feature_map<float>& x, int thread_count) {
      const thread_scope scope(thread_count);
      watched_map<float> y(x.batch, p.height, p.width, p.inputs, 0, chance);
      guarded_scratch<float> scratch(convolve_transposed_scratch<float>(x, p.window, p.groups, y.map()));
      convolve_transposed(x, data.weights.data(), p.window, p.groups, {}, y.map(), scratch.span());
      return dense_map(y.map()).values;
    };
    const auto one = run(data.x.map(), 1);
    CHECK(one == run(data.x.map(), 3));
    const auto alone = run(data.x.map().picture(2), 2);
    CHECK(
        std::equal(alone.begin(), alone.end(), one.begin() + 2 * static_cast<std::ptrdiff_t>(alone.size())));
  }
}

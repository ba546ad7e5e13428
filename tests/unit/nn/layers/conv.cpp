#include <catch2/catch.hpp>

#include <lookalike/nn/gradient_check.hpp>
#include <lookalike/nn/layers/conv.hpp>
#include <lookalike/nn/model.hpp>

#include "layer_run.hpp"

namespace conv_test {

using namespace lookalike;
using layer_test::array4;
using layer_test::layer_run;
using layer_test::tolerance;

namespace {

/// Where row or column `i` is found; -1 where there is nothing.
int bordered(int i, int extent, padding_mode border) {
  if (i >= 0 && i < extent) return i;
  if (border == padding_mode::zeros) return -1;
  if (border == padding_mode::replicate) return i < 0 ? 0 : extent - 1;
  return i < 0 ? -i : 2 * (extent - 1) - i;
}

/// Calls `visit(n, o, i, j, c, y, x, index of the weight)` for every product of the convolution.
template <class Visit>
void for_each_product(const layers::conv& l, const array4& in, const shape& out, const Visit& visit) {
  const int inputs_seen = in.channels / l.groups;
  for (int n = 0; n < in.batch; ++n)
    for (int o = 0; o < out.channels; ++o)
      for (int i = 0; i < out.height; ++i)
        for (int j = 0; j < out.width; ++j)
          for (int c = 0; c < inputs_seen; ++c)
            for (int k = 0; k < l.kernel_height; ++k)
              for (int m = 0; m < l.kernel_width; ++m) {
                const int y = bordered(i * l.stride_height - l.padding_top + k * l.dilation_height, in.height,
                                       l.border);
                const int x =
                    bordered(j * l.stride_width - l.padding_left + m * l.dilation_width, in.width, l.border);
                if (y < 0 || x < 0) continue;
                const int group = o / (out.channels / l.groups);
                visit(n, o, i, j, group * inputs_seen + c, y, x,
                      static_cast<std::size_t>(
                          ((o * inputs_seen + c) * l.kernel_height + k) * l.kernel_width + m));
              }
}

layers::conv random_conv(std::mt19937& generator, int& inputs) {
  const auto draw = [&](int low, int high) {
    return std::uniform_int_distribution<int>(low, high)(generator);
  };
  layers::conv l;
  l.groups = draw(0, 2) == 0 ? draw(2, 3) : 1;
  inputs = l.groups * draw(1, 7);
  l.channels = l.groups * draw(1, 11);
  if (draw(0, 9) == 0) l.groups = inputs, l.channels = inputs;  // depthwise
  l.kernel_height = draw(1, 4);
  l.kernel_width = draw(1, 4);
  l.stride_height = draw(1, 3);
  l.stride_width = draw(1, 3);
  l.dilation_height = draw(1, 2);
  l.dilation_width = draw(1, 2);
  l.padding_top = draw(0, 3);
  l.padding_left = draw(0, 3);
  l.padding_bottom = draw(0, 3);
  l.padding_right = draw(0, 3);
  l.bias = draw(0, 1) == 1;
  l.border = static_cast<padding_mode>(draw(0, 2));
  return l;
}

template <class Scalar>
void compare_with_loops(unsigned seed) {
  std::mt19937 generator(seed);
  int inputs = 0;
  const layers::conv l = random_conv(generator, inputs);
  const int least = l.geometry().reach_height() > l.geometry().reach_width() ? l.geometry().reach_height()
                                                                             : l.geometry().reach_width();
  const shape extents{inputs, least + static_cast<int>(generator() % 9),
                      least + static_cast<int>(generator() % 9)};
  if (l.border == padding_mode::reflect && (extents.height <= 3 || extents.width <= 3)) return;
  const array4 x = layer_test::random_array(generator, 1 + static_cast<int>(generator() % 3), extents);
  layer_run<Scalar, layers::conv> run(l, {x}, generator);
  CAPTURE(seed, inputs, l.channels, l.groups, l.kernel_height, l.kernel_width, static_cast<int>(l.border));

  const std::vector<double> weight = run.parameter(0);
  array4 expected(x.batch, run.output_shape());
  if (l.bias) {
    for (int n = 0; n < x.batch; ++n)
      for (int o = 0; o < l.channels; ++o)
        for (int i = 0; i < expected.height; ++i)
          for (int j = 0; j < expected.width; ++j)
            expected(n, o, i, j) = run.parameter(1)[static_cast<std::size_t>(o)];
  }
  for_each_product(l, x, run.output_shape(),
                   [&](int n, int o, int i, int j, int c, int y, int z, std::size_t w) {
                     expected(n, o, i, j) += weight[w] * x(n, c, y, z);
                   });
  CHECK(layer_test::relative_error(run.forward(), expected) <= tolerance<Scalar>);

  const array4 gy = layer_test::random_array(generator, x.batch, run.output_shape());
  typename layer_run<Scalar, layers::conv>::gradients gradients;
  gradients.inputs.emplace_back(x.batch, extents);
  gradients.parameters.emplace_back(weight.size());
  for_each_product(l, x, run.output_shape(),
                   [&](int n, int o, int i, int j, int c, int y, int z, std::size_t w) {
                     gradients.inputs[0](n, c, y, z) += weight[w] * gy(n, o, i, j);
                     gradients.parameters[0][w] += x(n, c, y, z) * gy(n, o, i, j);
                   });
  if (l.bias) {
    gradients.parameters.emplace_back(static_cast<std::size_t>(l.channels));
    for (int n = 0; n < x.batch; ++n)
      for (int o = 0; o < l.channels; ++o)
        for (int i = 0; i < gy.height; ++i)
          for (int j = 0; j < gy.width; ++j)
            gradients.parameters[1][static_cast<std::size_t>(o)] += gy(n, o, i, j);
  }
  layer_test::check_backward(run, gy, gradients, generator);
}

struct strided {
  static constexpr architecture define() {
    return input(3) | conv(64, {.kernel = 7, .stride = 2, .bias = false}) | conv(8, {.kernel = {3, 5}}) |
           conv(8, {.padding = 0, .dilation = 2, .groups = 4, .inputs = 8});
  }
};
static_assert(model<strided, float, 224, 224>::static_output_shape() == shape{8, 108, 108});
static_assert(model<strided>::static_output_shape() == shape{8, dynamic, dynamic});
static_assert(model<strided>::static_parameter_count == 64 * 3 * 49 + (8 * 64 * 15 + 8) + (8 * 2 * 9 + 8));
static_assert(model<strided, float, 225, 223>::static_output_shape() == shape{8, 109, 108});

// An even kernel keeps the extents too: the larger half of the padding comes after.
struct even {
  static constexpr architecture define() { return input(2) | conv(2, {.kernel = 4}); }
};
static_assert(model<even, float, 9, 10>::static_output_shape() == shape{2, 9, 10});

constexpr layers::conv wide{.channels = 6,
                            .kernel_height = 3,
                            .kernel_width = 5,
                            .stride_height = 2,
                            .padding_top = 4,
                            .dilation_height = 2};
static_assert(wide.window().extent_height == 5);
static_assert(wide.window().extent_width == 5);
static_assert(wide.window().stride_height == 2);
static_assert(wide.window().padding_top == 4);
static_assert([] {
  const std::array<shape, 1> in{shape{4, 10, 10}};
  return wide.multiply_adds(in, {6, 5, 6}) == 6 * 5 * 6 * 4 * 15;
}());

}  // namespace

TEST_CASE("convolution in float and its gradients equal double loops, for any options") {
  for (unsigned seed = 0; seed < 150; ++seed) compare_with_loops<float>(seed);
}

TEST_CASE("convolution in double and its gradients equal double loops, for any options") {
  for (unsigned seed = 1000; seed < 1100; ++seed) compare_with_loops<double>(seed);
}

TEST_CASE("a convolution stores through what is fused into it, with its own bias first") {
  std::mt19937 generator(3);
  const array4 x = layer_test::random_array(generator, 2, {5, 7, 6});
  layer_run<float, layers::conv> run({.channels = 9}, {x}, generator);
  const array4 plain = run.forward();
  const std::vector<float> scale(9, 2.0f), shift(9, 0.5f);
  const layer_test::gapped_map<float> shortcut(layer_test::random_array(generator, 2, run.output_shape()), 2);
  simd::epilogue<float> fused;
  fused.scale = scale.data();
  fused.shift = shift.data();
  fused.residual = shortcut.map();
  fused.activation = {.function = simd::activation_function::leaky_relu, .slope = 0.25};
  array4 expected = shortcut.values();
  for (std::size_t i = 0; i < expected.values.size(); ++i) {
    const double v = 2 * plain.values[i] + 0.5 + expected.values[i];
    expected.values[i] = v < 0 ? 0.25 * v : v;
  }
  CHECK(layer_test::relative_error(run.forward(&fused), expected) <= 1e-6);
}

TEST_CASE("padding = same stands for the numbers it resolves to") {
  CHECK(conv(4, {.kernel = {4, 5}, .dilation = {3, 1}}) ==
        conv(4, {.kernel = {4, 5}, .padding = {4, 2, 5, 2}, .dilation = {3, 1}}));
}

TEST_CASE("options arrive at run time as they do during compilation") {
  // g++ 12 for AVX-512 copies some structs of constants wrongly; those that meet it are passed by reference.
  constexpr bool equal = conv(4, {.kernel = 1, .padding = 0}) == conv(4, {.kernel = 1});
  static_assert(equal);
  CHECK(conv(4, {.kernel = 1, .padding = 0}) == conv(4, {.kernel = 1}));
  CHECK(conv(4, {.kernel = 2, .stride = 2, .padding = 0}) ==
        conv(4, {.kernel = {2, 2}, .stride = {2, 2}, .padding = {0, 0, 0, 0}}));
  CHECK(conv(4, {.kernel = 2, .stride = 2, .padding = 0}).numbers[5] == 0);
}

TEST_CASE("gradients of convolutions are differences of their values") {
  for (const architecture& l :
       {conv(3), conv(6, {.kernel = {3, 2}, .stride = 2, .groups = 2, .bias = false}),
        conv(4,
             {.kernel = 3, .padding = {2, 1}, .dilation = 2, .groups = 4, .border = padding_mode::reflect}),
        conv(5, {.kernel = 5, .stride = {1, 2}, .border = padding_mode::replicate})}) {
    const gradient_report report = check_layer(l, {{4, dynamic, dynamic}});
    INFO(report.text());
    CHECK(report.ok());
  }
}

}  // namespace conv_test

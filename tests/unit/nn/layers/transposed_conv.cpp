#include <catch2/catch.hpp>

#include <lookalike/nn/gradient_check.hpp>
#include <lookalike/nn/layers/transposed_conv.hpp>
#include <lookalike/nn/model.hpp>

#include "layer_run.hpp"

namespace transposed_conv_test {

using namespace lookalike;
using layer_test::array4;
using layer_test::layer_run;
using layer_test::tolerance;

namespace {

/// Calls `visit(n, c, i, j, o, y, x, index of the weight)` for every product: x[c, i, j] reaches y[o, y, x].
template <class Visit>
void for_each_product(const layers::transposed_conv& l, const array4& in, const shape& out,
                      const Visit& visit) {
  const int reached = l.channels / l.groups;
  for (int n = 0; n < in.batch; ++n)
    for (int c = 0; c < in.channels; ++c)
      for (int i = 0; i < in.height; ++i)
        for (int j = 0; j < in.width; ++j)
          for (int o = 0; o < reached; ++o)
            for (int k = 0; k < l.kernel_height; ++k)
              for (int m = 0; m < l.kernel_width; ++m) {
                const int y = i * l.stride_height - l.padding_top + k * l.dilation_height;
                const int x = j * l.stride_width - l.padding_left + m * l.dilation_width;
                if (y < 0 || x < 0 || y >= out.height || x >= out.width) continue;
                const int group = c / (in.channels / l.groups);
                visit(
                    n, c, i, j, group * reached + o, y, x,
                    static_cast<std::size_t>(((c * reached + o) * l.kernel_height + k) * l.kernel_width + m));
              }
}

template <class Scalar>
void compare_with_loops(unsigned seed) {
  std::mt19937 generator(seed);
  const auto draw = [&](int low, int high) {
    return std::uniform_int_distribution<int>(low, high)(generator);
  };
  layers::transposed_conv l;
  l.groups = draw(0, 2) == 0 ? draw(2, 3) : 1;
  const shape extents{l.groups * draw(1, 9), draw(2, 7), draw(2, 7)};
  l.channels = l.groups * draw(1, 7);
  l.kernel_height = draw(1, 5);
  l.kernel_width = draw(1, 5);
  l.stride_height = draw(1, 3);
  l.stride_width = draw(1, 3);
  l.dilation_height = draw(1, 2);
  l.dilation_width = draw(1, 2);
  l.padding_top = draw(0, l.kernel_height / 2);
  l.padding_left = draw(0, l.kernel_width / 2);
  l.padding_bottom = draw(0, l.kernel_height / 2);
  l.padding_right = draw(0, l.kernel_width / 2);
  l.output_padding_height = draw(0, std::max(l.stride_height, l.dilation_height) - 1);
  l.output_padding_width = draw(0, std::max(l.stride_width, l.dilation_width) - 1);
  l.bias = draw(0, 1) == 1;
  const array4 x = layer_test::random_array(generator, draw(1, 3), extents);
  CAPTURE(seed, extents.channels, l.channels, l.groups, l.kernel_height, l.kernel_width, l.stride_height,
          l.stride_width);
  layer_run<Scalar, layers::transposed_conv> run(l, {x}, generator);

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
                   [&](int n, int c, int i, int j, int o, int y, int z, std::size_t w) {
                     expected(n, o, y, z) += weight[w] * x(n, c, i, j);
                   });
  CHECK(layer_test::relative_error(run.forward(), expected) <= tolerance<Scalar>);

  const array4 gy = layer_test::random_array(generator, x.batch, run.output_shape());
  typename layer_run<Scalar, layers::transposed_conv>::gradients gradients;
  gradients.inputs.emplace_back(x.batch, extents);
  gradients.parameters.emplace_back(weight.size());
  for_each_product(l, x, run.output_shape(),
                   [&](int n, int c, int i, int j, int o, int y, int z, std::size_t w) {
                     gradients.inputs[0](n, c, i, j) += weight[w] * gy(n, o, y, z);
                     gradients.parameters[0][w] += x(n, c, i, j) * gy(n, o, y, z);
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

struct decoder {
  static constexpr architecture define() {
    return input(8) | up_conv(4) | transposed_conv(6, {.kernel = 4, .padding = 1, .groups = 2}) |
           transposed_conv(3, {.kernel = 3, .padding = 1, .output_padding = {1, 0}, .bias = false});
  }
};
static_assert(model<decoder, float, 5, 7>::static_output_shape() == shape{3, 40, 55});
static_assert(model<decoder>::static_parameter_count == (8 * 4 * 4 + 4) + (4 * 3 * 16 + 6) + 6 * 3 * 9);

/// The first and last input row that output row `i` reads, by trying all of them; last < first: none.
std::pair<int, int> rows_read(const layers::transposed_conv& l, int i) {
  int first = 1000, last = -1000;
  for (int row = -100; row <= 100; ++row) {
    for (int k = 0; k < l.kernel_height; ++k) {
      if (row * l.stride_height - l.padding_top + k * l.dilation_height != i) continue;
      first = std::min(first, row);
      last = std::max(last, row);
    }
  }
  return {first, last};
}

}  // namespace

TEST_CASE("transposed convolution in float and its gradients equal double loops, for any options") {
  for (unsigned seed = 0; seed < 150; ++seed) compare_with_loops<float>(seed);
}

TEST_CASE("transposed convolution in double and its gradients equal double loops, for any options") {
  for (unsigned seed = 1000; seed < 1100; ++seed) compare_with_loops<double>(seed);
}

TEST_CASE("the window of a transposed convolution covers the inputs that an output reads") {
  for (int kernel = 1; kernel <= 5; ++kernel) {
    for (int stride = 1; stride <= 3; ++stride) {
      for (int padding = 0; padding <= 4; ++padding) {
        const layers::transposed_conv l{
            .kernel_height = kernel, .stride_height = stride, .padding_top = padding};
        const layer_window w = l.window();
        CAPTURE(kernel, stride, padding);
        CHECK(w.upsampling_height == stride);
        // An output row that is a multiple of the stride is an input row, exactly.
        int widest = 0;
        for (int i = 0; i < 3 * stride; ++i) {
          const auto [first, last] = rows_read(l, i);
          if (last < first) continue;
          CHECK(first >= i / stride - w.padding_top);
          CHECK(last <= i / stride - w.padding_top + w.extent_height);
          widest = std::max(widest, last - first + 1);
        }
        CHECK(w.extent_height == widest);
      }
    }
  }
}

TEST_CASE("an up-convolution makes each pixel from one pixel") {
  CHECK(up_conv(7) == transposed_conv(7, {.kernel = 2, .stride = 2}));
  CHECK(up_conv(7, 3) == transposed_conv(7, {.kernel = 3, .stride = 3}));
}

TEST_CASE("gradients of transposed convolutions are differences of their values") {
  for (const architecture& l :
       {up_conv(3), transposed_conv(6, {.kernel = 4, .padding = 1, .groups = 2, .bias = false}),
        transposed_conv(2, {.kernel = {3, 2},
                           .stride = {2, 1},
                           .padding = 1,
                           .output_padding = {1, 0},
                           .dilation = {1, 2}})}) {
    const gradient_report report = check_layer(l, {{4, dynamic, dynamic}});
    INFO(report.text());
    CHECK(report.ok());
  }
}

}  // namespace transposed_conv_test

#include <cmath>
#include <type_traits>

#include <catch2/catch.hpp>

#include <lookalike/nn/dynamic_model.hpp>
#include <lookalike/nn/layers/resize.hpp>
#include <lookalike/nn/model.hpp>

#include "layer_run.hpp"

namespace resize_test {

using namespace lookalike;
using layer_test::array4;
using layer_test::layer_run;
using layer_test::tolerance;

namespace {

int draw(std::mt19937& generator, int low, int high) {
  return std::uniform_int_distribution<int>(low, high)(generator);
}

/// What output position `o` makes of input positions, as weights; `scale` inputs an output.
std::vector<double> weights(const layers::interpolated& l, int o, int extent, int positions, double scale) {
  std::vector<double> w(static_cast<std::size_t>(extent));
  double at = 0;
  if (l.align_corners) {
    at = positions > 1 ? o * double(extent - 1) / (positions - 1) : 0;
  } else if (l.method == interpolation::bilinear) {
    at = std::max(0.0, (o + 0.5) * scale - 0.5);
  } else if (l.method == interpolation::nearest && (positions == extent || positions == 2 * extent)) {
    at = positions == extent ? o : o / 2;  // PyTorch's rule, whatever the factor
  } else {
    at = std::floor((l.method == interpolation::nearest ? o : o + 0.5) * scale);
  }
  at = std::min(at, double(extent - 1));
  const int lower = static_cast<int>(at);
  w[static_cast<std::size_t>(lower)] += 1 - (at - lower);
  w[static_cast<std::size_t>(std::min(lower + 1, extent - 1))] += at - lower;
  return w;
}

template <class Scalar, class Layer>
void compare(const Layer& l, const array4& x, double scale_height, double scale_width,
             std::mt19937& generator) {
  layer_run<Scalar, Layer> run(l, {x}, generator);
  array4 expected(x.batch, run.output_shape());
  const array4 gy = layer_test::random_array(generator, x.batch, run.output_shape());
  typename layer_run<Scalar, Layer>::gradients gradients;
  gradients.inputs.emplace_back(x.batch, x.extents());
  for (int row = 0; row < expected.height; ++row)
    for (int column = 0; column < expected.width; ++column) {
      const auto down = weights(l, row, x.height, expected.height, scale_height);
      const auto across = weights(l, column, x.width, expected.width, scale_width);
      for (int i = 0; i < x.height; ++i)
        for (int j = 0; j < x.width; ++j) {
          const double w = down[static_cast<std::size_t>(i)] * across[static_cast<std::size_t>(j)];
          for (int n = 0; n < x.batch && w != 0; ++n)
            for (int c = 0; c < x.channels; ++c) {
              expected(n, c, row, column) += w * x(n, c, i, j);
              gradients.inputs[0](n, c, i, j) += w * gy(n, c, row, column);
            }
        }
    }
  CHECK(layer_test::relative_error(run.forward(), expected) <= tolerance<Scalar>);
  layer_test::check_backward(run, gy, gradients, generator);
}

/// Powers of two and whole factors, so that positions are exact in float too.
template <class Scalar>
void compare_all(unsigned seed) {
  std::mt19937 generator(seed);
  CAPTURE(seed);
  const bool exact = std::is_same_v<Scalar, float>;
  const auto extent = [&] { return exact ? 1 << draw(generator, 0, 3) : draw(generator, 1, 9); };
  const array4 x = layer_test::random_array(generator, draw(generator, 1, 3),
                                            {draw(generator, 1, 19), extent(), extent()});
  layers::resize to;
  to.height = exact ? 1 << draw(generator, 0, 4) : draw(generator, 1, 17);
  to.width = exact ? 1 << draw(generator, 0, 4) : draw(generator, 1, 17);
  to.method = static_cast<interpolation>(draw(generator, 0, 2));
  to.align_corners = to.method == interpolation::bilinear && draw(generator, 0, 1) == 1;
  compare<Scalar>(to, x, double(x.height) / to.height, double(x.width) / to.width, generator);
  layers::upsample by;
  by.factor = exact ? double(1 << draw(generator, 0, 2)) : draw(generator, 4, 13) / 4.0;
  by.method = to.method;
  by.align_corners = to.align_corners;
  compare<Scalar>(by, x, 1 / by.factor, 1 / by.factor, generator);
}

struct decoder {
  static constexpr architecture define() {
    return input(3) | upsample(2) |
           upsample(1.5, {.method = interpolation::bilinear, .align_corners = true}) | upsample(0.5);
  }
};
static_assert(model<decoder, float, 5, 7>::static_output_shape() == shape{3, 7, 10});
static_assert(model<decoder>::static_output_shape() == shape{3, dynamic, dynamic});
struct fixed {
  static constexpr architecture define() { return input(3) | resize(7, 5); }
};
static_assert(model<fixed>::static_output_shape() == shape{3, 7, 5});

std::vector<float> run_once(const architecture& body, const std::vector<float>& row) {
  tensor<float> x(1, 1, 1, static_cast<std::int64_t>(row.size()));
  std::copy(row.begin(), row.end(), x.begin());
  const tensor<float> y = dynamic_model<float>(input(1) | body)(x);
  return {y.begin(), y.end()};
}

}  // namespace

TEST_CASE("resizing and its gradient equal double loops, for any options") {
  for (unsigned seed = 0; seed < 80; ++seed) compare_all<float>(seed);
  for (unsigned seed = 80; seed < 180; ++seed) compare_all<double>(seed);
}

// Worked by hand from PyTorch's rules for torch.nn.functional.interpolate.
TEST_CASE("corners are aligned if asked, corners of pixels otherwise") {
  CHECK(run_once(resize(1, 4, {.method = interpolation::bilinear}), {0, 4}) ==
        std::vector<float>{0, 1, 3, 4});
  CHECK(run_once(resize(1, 5, {.method = interpolation::bilinear, .align_corners = true}), {0, 4}) ==
        std::vector<float>{0, 1, 2, 3, 4});
  CHECK(run_once(resize(1, 2, {.method = interpolation::bilinear}), {0, 1, 2, 3}) ==
        std::vector<float>{0.5f, 2.5f});
}

TEST_CASE("the nearest pixel is the one before, unless it is to be exact") {
  CHECK(run_once(resize(1, 3), {1, 2, 3, 4, 5}) == std::vector<float>{1, 2, 4});
  CHECK(run_once(resize(1, 3, {.method = interpolation::nearest_exact}), {1, 2, 3, 4, 5}) ==
        std::vector<float>{1, 3, 5});
  CHECK(run_once(upsample(2), {1}) == std::vector<float>{1, 1, 1, 1});
}

TEST_CASE("a factor is used as it is given, though extents are rounded down") {
  // floor(2.6 * 3) = 7 positions at multiples of 1 / 2.6, not of 3 / 7
  CHECK(run_once(upsample(2.6), {1, 2, 3}) == std::vector<float>{1, 1, 1, 2, 2, 2, 3, 1, 1, 1, 2, 2, 2, 3});
  CHECK(run_once(resize(1, 7), {1, 2, 3}) == std::vector<float>{1, 1, 1, 2, 2, 3, 3});
  CHECK(run_once(upsample(2.5, {.method = interpolation::bilinear}), {0, 5}).back() == 5);
}

}  // namespace resize_test

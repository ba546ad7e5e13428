#include <catch2/catch.hpp>

#include <lookalike/nn/dynamic_model.hpp>
#include <lookalike/nn/layers/max_unpool.hpp>
#include <lookalike/nn/layers/pooling.hpp>
#include <lookalike/nn/model.hpp>

#include "layer_run.hpp"

namespace max_unpool_test {

using namespace lookalike;
using layer_test::array4;
using layer_test::check_backward;
using layer_test::layer_run;

namespace {

int draw(std::mt19937& generator, int low, int high) {
  return std::uniform_int_distribution<int>(low, high)(generator);
}

template <class Scalar>
void compare_indices(unsigned seed) {
  std::mt19937 generator(seed);
  layers::max_pool_indices l;
  l.kernel_height = draw(generator, 1, 4);
  l.kernel_width = draw(generator, 1, 4);
  l.stride_height = draw(generator, 1, 3);
  l.stride_width = draw(generator, 1, 3);
  l.padding_top = draw(generator, 0, l.kernel_height / 2);
  l.padding_right = draw(generator, 0, l.kernel_width / 2);
  l.ceil_mode = draw(generator, 0, 1) == 1;
  const array4 x =
      layer_test::random_array(generator, draw(generator, 1, 3),
                               {draw(generator, 1, 11), draw(generator, 4, 9), draw(generator, 4, 9)});
  layer_run<Scalar, layers::max_pool_indices> run(l, {x}, generator);
  layer_run<Scalar, layers::max_pool> values(
      layers::max_pool({l.kernel_height, l.kernel_width}, {.stride = {l.stride_height, l.stride_width},
                                                           .padding = {l.padding_top, 0, 0, l.padding_right},
                                                           .ceil_mode = l.ceil_mode}),
      {x}, generator);
  CAPTURE(seed);
  const array4 indices = run.forward();
  const array4 maxima = values.forward();
  REQUIRE(indices.extents() == maxima.extents());
  bool right = true;
  for (int n = 0; n < x.batch; ++n)
    for (int c = 0; c < x.channels; ++c)
      for (int i = 0; i < indices.height; ++i)
        for (int j = 0; j < indices.width; ++j) {
          const int at = static_cast<int>(indices(n, c, i, j));
          right = right && x(n, c, at / x.width, at % x.width) == maxima(n, c, i, j);
        }
  CHECK(right);
  const array4 gy = layer_test::random_array(generator, x.batch, run.output_shape());
  typename layer_run<Scalar, layers::max_pool_indices>::gradients gradients;
  gradients.inputs.emplace_back(x.batch, x.extents());
  check_backward(run, gy, gradients, generator);
}

template <class Scalar>
void compare_unpool(unsigned seed) {
  std::mt19937 generator(seed);
  layers::max_unpool l;
  l.kernel_height = draw(generator, 1, 4);
  l.kernel_width = draw(generator, 1, 4);
  l.stride_height = draw(generator, 1, 4);
  l.stride_width = draw(generator, 1, 4);
  if (draw(generator, 0, 2) == 0) {
    l.output_height = draw(generator, 2, 12);
    l.output_width = draw(generator, 2, 12);
  }
  const array4 x =
      layer_test::random_array(generator, draw(generator, 1, 3),
                               {draw(generator, 1, 11), draw(generator, 2, 5), draw(generator, 2, 5)});
  array4 indices(x.batch, x.extents());
  const int height =
      l.output_height != 0 ? l.output_height : (x.height - 1) * l.stride_height + l.kernel_height;
  const int width = l.output_width != 0 ? l.output_width : (x.width - 1) * l.stride_width + l.kernel_width;
  for (double& v : indices.values) v = draw(generator, 0, height * width - 1);
  layer_run<Scalar, layers::max_unpool> run(l, {x, indices}, generator);
  CAPTURE(seed);
  REQUIRE(run.output_shape() == shape{x.channels, height, width});
  array4 expected(x.batch, run.output_shape());
  const array4 gy = layer_test::random_array(generator, x.batch, run.output_shape());
  typename layer_run<Scalar, layers::max_unpool>::gradients gradients;
  gradients.inputs.emplace_back(x.batch, x.extents());
  gradients.inputs.emplace_back(x.batch, x.extents());
  for (int n = 0; n < x.batch; ++n)
    for (int c = 0; c < x.channels; ++c)
      for (int i = 0; i < x.height; ++i)
        for (int j = 0; j < x.width; ++j) {
          const int at = static_cast<int>(indices(n, c, i, j));
          expected(n, c, at / width, at % width) = x(n, c, i, j);
          gradients.inputs[0](n, c, i, j) = gy(n, c, at / width, at % width);
        }
  CHECK(run.forward().values == expected.values);
  check_backward(run, gy, gradients, generator);
}

constexpr architecture there_and_back() {
  return branch(max_pool(2), max_pool_indices(2)) | max_unpool(2);
}
struct autoencoder {
  static constexpr architecture define() { return input(3) | there_and_back(); }
};
static_assert(model<autoencoder, float, 8, 6>::static_output_shape() == shape{3, 8, 6});
static_assert(model<autoencoder>::static_output_shape() == shape{3, dynamic, dynamic});
struct odd {
  static constexpr architecture define() {
    return input(1) | branch(max_pool(2, {.ceil_mode = true}), max_pool_indices(2, {.ceil_mode = true})) |
           max_unpool(2, {.output = {5, 3}});
  }
};
static_assert(model<odd, float, 5, 3>::static_output_shape() == shape{1, 5, 3});

}  // namespace

TEST_CASE("indices of maxima name the pixels that a max pool yields") {
  for (unsigned seed = 0; seed < 50; ++seed) compare_indices<float>(seed);
  for (unsigned seed = 50; seed < 80; ++seed) compare_indices<double>(seed);
}

TEST_CASE("unpooling and its gradient equal loops, the last of several values stays") {
  for (unsigned seed = 0; seed < 50; ++seed) compare_unpool<float>(seed);
  for (unsigned seed = 50; seed < 80; ++seed) compare_unpool<double>(seed);
}

TEST_CASE("a pool and its unpool keep the maxima in their places, zeros elsewhere") {
  const dynamic_model<float> net(input(1) | there_and_back());
  tensor<float> x(1, 1, 2, 4);
  const std::vector<float> given{1, 5, 2, 2, 3, 4, 0, 7};
  std::copy(given.begin(), given.end(), x.begin());
  const tensor<float> y = net(x);
  CHECK(std::vector<float>(y.begin(), y.end()) == std::vector<float>{0, 5, 0, 0, 0, 0, 0, 7});
}

TEST_CASE("an index outside the map is an error") {
  const dynamic_model<float> net(branch(input("values", 1), input("indices", 1)) | max_unpool(2));
  tensor<float> values(1, 1), indices(1, 1);
  for (const float wrong : {-1.0f, 4.0f, 0.5f}) {
    *indices.begin() = wrong;
    CHECK_THROWS_AS(net.forward({values, indices}), value_error);
  }
  *indices.begin() = 3;
  CHECK_NOTHROW(net.forward({values, indices}));
}

}  // namespace max_unpool_test

#include <catch2/catch.hpp>

#include <lookalike/nn/combinators.hpp>
#include <lookalike/nn/dynamic_model.hpp>
#include <lookalike/nn/gradient_check.hpp>
#include <lookalike/nn/layers/layer_norm.hpp>
#include <lookalike/nn/model.hpp>

#include "normalization_reference.hpp"

namespace layer_norm_test {

using namespace lookalike;
using layer_test::array4;

namespace {

template <class Scalar>
void compare_with_loops(unsigned seed, layer_norm_scope scope) {
  std::mt19937 generator(seed);
  shape extents = layer_test::random_extents(generator);
  extents.channels += 1;
  const array4 x = layer_test::random_features(generator, 1 + static_cast<int>(generator() % 3), extents);
  const layers::layer_norm l{.epsilon = 1e-2, .affine = seed % 3 != 0, .scope = scope};
  CAPTURE(seed, extents.channels, extents.height, extents.width);
  layer_test::layer_run<Scalar, layers::layer_norm> run(l, {x}, generator);
  if (scope == layer_norm_scope::pixel) {
    layer_test::compare_normalization(
        run, x, x.batch * x.height * x.width,
        [&](int n, int, int i, int j) { return (n * x.height + i) * x.width + j; },
        [](int c, int, int) { return c; }, generator);
  } else {
    layer_test::compare_normalization(
        run, x, x.batch, [](int n, int, int, int) { return n; },
        [&](int c, int i, int j) { return (c * x.height + i) * x.width + j; }, generator);
  }
}

struct tokens {
  static constexpr architecture define() {
    return input(6, {.height = 3, .width = 4}) | layer_norm() | layer_norm({.affine = false}) |
           layer_norm({.scope = layer_norm_scope::picture});
  }
};
static_assert(model<tokens>::static_output_shape() == shape{6, 3, 4});
static_assert(model<tokens>::static_parameter_count == 2 * 6 + 2 * 6 * 3 * 4);

}  // namespace

TEST_CASE("layer normalization over the channels of a pixel and its gradients equal double loops") {
  for (unsigned seed = 0; seed < 40; ++seed) compare_with_loops<float>(seed, layer_norm_scope::pixel);
  for (unsigned seed = 100; seed < 140; ++seed) compare_with_loops<double>(seed, layer_norm_scope::pixel);
}

TEST_CASE("layer normalization over a picture and its gradients equal double loops") {
  for (unsigned seed = 0; seed < 40; ++seed) compare_with_loops<float>(seed, layer_norm_scope::picture);
  for (unsigned seed = 100; seed < 140; ++seed) compare_with_loops<double>(seed, layer_norm_scope::picture);
}

TEST_CASE("weights for every element of a picture need its extents") {
  const architecture net = input(3) | layer_norm({.scope = layer_norm_scope::picture});
  CHECK_THROWS_WITH(dynamic_model<float>(net),
                    "layer_norm0: expects all extents of its input to be known, for its weight; give them to "
                    "input(...) or to the model");
  CHECK(dynamic_model<float>(net, 4, 5).parameter_count() == 2 * 60);
}

TEST_CASE("gradients of layer normalization are differences of its values") {
  for (const architecture& l :
       {layer_norm(), layer_norm({.affine = false, .scope = layer_norm_scope::picture})}) {
    const gradient_report report = check_layer(l, {{4, dynamic, dynamic}});
    INFO(report.text());
    CHECK(report.ok());
  }
}

TEST_CASE("gradients of layer normalization with a weight for every element are differences of its values") {
  const gradient_report report = check_layer(layer_norm({.scope = layer_norm_scope::picture}), {{3, 4, 5}});
  INFO(report.text());
  CHECK(report.ok());
}

}  // namespace layer_norm_test

#include <catch2/catch.hpp>

#include <lookalike/nn/combinators.hpp>
#include <lookalike/nn/gradient_check.hpp>
#include <lookalike/nn/layers/instance_norm.hpp>
#include <lookalike/nn/model.hpp>

#include "normalization_reference.hpp"

namespace instance_norm_test {

using namespace lookalike;
using layer_test::array4;

namespace {

template <class Scalar>
void compare_with_loops(unsigned seed) {
  std::mt19937 generator(seed);
  const shape extents = layer_test::random_extents(generator);
  const array4 x = layer_test::random_features(generator, 1 + static_cast<int>(generator() % 3), extents);
  const layers::instance_norm l{.epsilon = 1e-3, .affine = seed % 3 != 0};
  CAPTURE(seed, extents.channels, extents.height, extents.width);
  layer_test::layer_run<Scalar, layers::instance_norm> run(l, {x}, generator);
  run.training = seed % 2 == 0;  // makes no difference
  layer_test::compare_normalization(
      run, x, x.batch * x.channels, [&](int n, int c, int, int) { return n * x.channels + c; },
      [](int c, int, int) { return c; }, generator);
}

struct styled {
  static constexpr architecture define() {
    return input(7) | instance_norm() | instance_norm({.affine = true});
  }
};
static_assert(model<styled, float, 3, 4>::static_output_shape() == shape{7, 3, 4});
static_assert(model<styled>::static_parameter_count == 14);  // none by default, as in PyTorch

}  // namespace

TEST_CASE("instance normalization and its gradients equal double loops") {
  for (unsigned seed = 0; seed < 50; ++seed) compare_with_loops<float>(seed);
  for (unsigned seed = 100; seed < 150; ++seed) compare_with_loops<double>(seed);
}

TEST_CASE("gradients of instance normalization are differences of its values") {
  for (const architecture& l : {instance_norm(), instance_norm({.affine = true})}) {
    const gradient_report report = check_layer(l, {{4, dynamic, dynamic}});
    INFO(report.text());
    CHECK(report.ok());
  }
}

}  // namespace instance_norm_test

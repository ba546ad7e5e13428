#include <catch2/catch.hpp>

#include <lookalike/nn/combinators.hpp>
#include <lookalike/nn/gradient_check.hpp>
#include <lookalike/nn/layers/group_norm.hpp>
#include <lookalike/nn/model.hpp>

#include "normalization_reference.hpp"

namespace group_norm_test {

using namespace lookalike;
using layer_test::array4;

namespace {

template <class Scalar>
void compare_with_loops(unsigned seed) {
  std::mt19937 generator(seed);
  const int groups = 1 + static_cast<int>(generator() % 5);
  shape extents = layer_test::random_extents(generator);
  extents.channels = groups * (1 + extents.channels / 4);
  const array4 x = layer_test::random_features(generator, 1 + static_cast<int>(generator() % 3), extents);
  const layers::group_norm l{.groups = groups, .epsilon = 1e-4, .affine = seed % 3 != 0};
  CAPTURE(seed, groups, extents.channels, extents.height, extents.width);
  layer_test::layer_run<Scalar, layers::group_norm> run(l, {x}, generator);
  run.training = seed % 2 == 0;  // makes no difference
  const int size = extents.channels / groups;
  layer_test::compare_normalization(
      run, x, x.batch * groups, [&](int n, int c, int, int) { return n * groups + c / size; },
      [](int c, int, int) { return c; }, generator);
}

struct grouped {
  static constexpr architecture define() {
    return input(12) | group_norm(4) | group_norm(1, {.affine = false});
  }
};
static_assert(model<grouped, float, 3, 4>::static_output_shape() == shape{12, 3, 4});
static_assert(model<grouped>::static_parameter_count == 24);

}  // namespace

TEST_CASE("group normalization and its gradients equal double loops") {
  for (unsigned seed = 0; seed < 50; ++seed) compare_with_loops<float>(seed);
  for (unsigned seed = 100; seed < 150; ++seed) compare_with_loops<double>(seed);
}

TEST_CASE("gradients of group normalization are differences of its values") {
  for (const architecture& l : {group_norm(2), group_norm(1, {.affine = false})}) {
    const gradient_report report = check_layer(l, {{4, dynamic, dynamic}});
    INFO(report.text());
    CHECK(report.ok());
  }
}

}  // namespace group_norm_test

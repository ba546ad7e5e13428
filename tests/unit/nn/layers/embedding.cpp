#include <catch2/catch.hpp>

#include <lookalike/nn/dynamic_model.hpp>
#include <lookalike/nn/layers/embedding.hpp>
#include <lookalike/nn/model.hpp>

#include "layer_run.hpp"

namespace embedding_test {

using namespace lookalike;
using layer_test::array4;
using layer_test::layer_run;

namespace {

template <class Scalar>
void compare(unsigned seed) {
  std::mt19937 generator(seed);
  const auto draw = [&](int low, int high) {
    return std::uniform_int_distribution<int>(low, high)(generator);
  };
  const layers::embedding l{draw(1, 9), draw(1, 70)};
  array4 x(draw(1, 3), {1, draw(1, 5), draw(1, 6)});
  for (double& v : x.values) v = draw(0, l.count - 1);
  layer_run<Scalar, layers::embedding> run(l, {x}, generator);
  REQUIRE(run.output_shape() == shape{l.dimension, x.height, x.width});
  array4 expected(x.batch, run.output_shape());
  const array4 gy = layer_test::random_array(generator, x.batch, run.output_shape());
  const std::vector<double> table = run.parameter(0);
  typename layer_run<Scalar, layers::embedding>::gradients gradients;
  gradients.inputs.emplace_back(x.batch, x.extents());
  gradients.parameters.emplace_back(table.size());
  for (int n = 0; n < x.batch; ++n)
    for (int i = 0; i < x.height; ++i)
      for (int j = 0; j < x.width; ++j)
        for (int c = 0; c < l.dimension; ++c) {
          const auto at = static_cast<std::size_t>(static_cast<int>(x(n, 0, i, j)) * l.dimension + c);
          expected(n, c, i, j) = table[at];
          gradients.parameters[0][at] += gy(n, c, i, j);
        }
  CAPTURE(seed, l.count, l.dimension);
  CHECK(run.forward().values == expected.values);
  layer_test::check_backward(run, gy, gradients, generator);
}

struct words {
  static constexpr architecture define() { return input(1, {.height = 1}) | embedding(1000, 16); }
};
static_assert(model<words>::static_output_shape() == shape{16, 1, dynamic});
static_assert(model<words>::static_parameter_count == 16000);

}  // namespace

TEST_CASE("numbers become rows of a table, and gradients are added to those rows") {
  for (unsigned seed = 0; seed < 40; ++seed) compare<float>(seed);
  for (unsigned seed = 40; seed < 60; ++seed) compare<double>(seed);
}

TEST_CASE("a number that is no row is an error when the network runs") {
  const dynamic_model<float> net(input(1) | embedding(3, 2));
  tensor<float> x(1, 1);
  for (const float wrong : {-1.0f, 3.0f, 0.5f}) {
    *x.begin() = wrong;
    CHECK_THROWS_AS(net(x), value_error);
  }
}

}  // namespace embedding_test

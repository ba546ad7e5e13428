#include <cmath>

#include <catch2/catch.hpp>

#include <lookalike/nn/dynamic_model.hpp>
#include <lookalike/nn/model.hpp>
#include <lookalike/nn/pointwise.hpp>

#include "layers/layer_run.hpp"

namespace pointwise_test {

using namespace lookalike;
using layer_test::array4;
using layer_test::layer_run;
using layer_test::tolerance;

namespace {

/// x sigmoid(x) and its derivative, as a person writes them.
struct swish {
  static constexpr std::string_view name = "swish";
  auto operator()(auto x) const { return x / (1 + exp(-x)); }
  static double value(double x) { return x / (1 + std::exp(-x)); }
  static double slope(double x) {
    const double s = 1 / (1 + std::exp(-x));
    return s + x * s * (1 - s);
  }
};

struct gated {
  auto operator()(auto x, auto gate) const { return tanh(x) * sin(gate); }
};

template <class Scalar>
void compare_one(unsigned seed) {
  std::mt19937 generator(seed);
  const array4 x = layer_test::random_array(generator, 2, {1 + static_cast<int>(seed), 3, 4}, -4, 4);
  layer_run<Scalar, layers::pointwise<swish, 1>> run({}, {x}, generator);
  array4 expected(2, x.extents());
  const array4 gy = layer_test::random_array(generator, 2, x.extents());
  typename layer_run<Scalar, layers::pointwise<swish, 1>>::gradients gradients;
  gradients.inputs.emplace_back(2, x.extents());
  for (std::size_t i = 0; i < x.values.size(); ++i) {
    expected.values[i] = swish::value(x.values[i]);
    gradients.inputs[0].values[i] = gy.values[i] * swish::slope(x.values[i]);
  }
  CHECK(layer_test::relative_error(run.forward(), expected) <= tolerance<Scalar>);
  layer_test::check_backward(run, gy, gradients, generator);
}

template <class Scalar>
void compare_two(unsigned seed) {
  std::mt19937 generator(seed);
  const shape s{1 + static_cast<int>(seed), 3, 2};
  const array4 x = layer_test::random_array(generator, 3, s), z = layer_test::random_array(generator, 3, s);
  layer_run<Scalar, layers::pointwise<gated, 2>> run({}, {x, z}, generator);
  array4 expected(3, s);
  const array4 gy = layer_test::random_array(generator, 3, s);
  typename layer_run<Scalar, layers::pointwise<gated, 2>>::gradients gradients;
  gradients.inputs.assign(2, array4(3, s));
  for (std::size_t i = 0; i < x.values.size(); ++i) {
    const double t = std::tanh(x.values[i]);
    expected.values[i] = t * std::sin(z.values[i]);
    gradients.inputs[0].values[i] = gy.values[i] * (1 - t * t) * std::sin(z.values[i]);
    gradients.inputs[1].values[i] = gy.values[i] * t * std::cos(z.values[i]);
  }
  CHECK(layer_test::relative_error(run.forward(), expected) <= tolerance<Scalar>);
  layer_test::check_backward(run, gy, gradients, generator);
}

struct net {
  static constexpr architecture define() {
    return input(3) | pointwise(swish{}) | branch(pointwise([](auto x) { return 2 * x; }), identity()) |
           pointwise([](auto x, auto y) { return x * y; }) | branch(identity(), identity(), identity()) |
           pointwise<3>([](auto... x) { return (x + ...); });
  }
};
static_assert(model<net>::static_output_shape() == shape{3, dynamic, dynamic});

}  // namespace

TEST_CASE("a function of one number is a layer whose gradient is its derivative") {
  for (unsigned seed = 0; seed < 20; ++seed) compare_one<float>(seed);
  for (unsigned seed = 20; seed < 30; ++seed) compare_one<double>(seed);
}

TEST_CASE("a function of two numbers is a layer of two inputs") {
  for (unsigned seed = 0; seed < 20; ++seed) compare_two<float>(seed);
  for (unsigned seed = 20; seed < 30; ++seed) compare_two<double>(seed);
}

TEST_CASE("functions run in networks, made at compile time or at run time") {
  const model<net, double> fixed;
  const dynamic_model<double> open(net::define());
  tensor<double> x(2, 3, 4, 5);
  double v = -3;
  for (double& e : x) e = v += 0.05;
  const tensor<double> y = fixed(x);
  CHECK(y == open(x));
  for (std::ptrdiff_t i = 0; i < x.size(); ++i) {
    const double s = swish::value(x.begin()[i]);
    CHECK(y.begin()[i] == Approx(3 * 2 * s * s).epsilon(1e-12));
  }
}

TEST_CASE("a function may have a name of its own") {
  const dynamic_model<double> open(net::define());
  auto p = open.forward(tensor<double>(1, 3, 1, 1), {.differentiable = true});
  CHECK_THROWS_WITH(p["swish0"], Catch::Contains("has not been kept"));
  CHECK_THROWS_WITH(p["pointwise3"], Catch::Contains("no part"));
}

}  // namespace pointwise_test

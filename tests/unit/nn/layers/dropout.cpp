#include <algorithm>
#include <cmath>

#include <catch2/catch.hpp>

#include <lookalike/nn/dynamic_model.hpp>
#include <lookalike/nn/layers/dropout.hpp>

#include "layer_run.hpp"

namespace dropout_test {

using namespace lookalike;
using layer_test::array4;
using layer_test::layer_run;

namespace {

tensor<double> ones(std::int64_t batch, std::int64_t channels, std::int64_t height, std::int64_t width) {
  tensor<double> t(batch, channels, height, width);
  std::fill(t.begin(), t.end(), 1.0);
  return t;
}

tensor<double> drop(double probability, std::uint64_t seed) {
  const dynamic_model<double> net(input(5) | dropout(probability));
  return tensor<double>(net.forward(ones(3, 5, 40, 50), {.training = true, .seed = seed}).output());
}

template <class Scalar>
void compare(double probability, bool training) {
  std::mt19937 generator(5);
  const array4 x = layer_test::random_array(generator, 2, {7, 5, 4}, 1, 2);
  layer_run<Scalar, layers::dropout> run(layers::dropout{probability}, {x}, generator);
  run.training = training;
  run.seed = 9;
  const array4 y = run.forward();
  const array4 gy = layer_test::random_array(generator, 2, x.extents());
  typename layer_run<Scalar, layers::dropout>::gradients gradients;
  gradients.inputs.push_back(gy);
  const double kept = training ? 1 / (1 - probability) : 1;
  bool either = true;
  for (std::size_t i = 0; i < x.values.size(); ++i) {
    const bool lost = y.values[i] == 0;
    either = either && (lost ? training : std::abs(y.values[i] - kept * x.values[i]) <= 1e-6);
    gradients.inputs[0].values[i] = lost ? 0 : kept * gy.values[i];
  }
  CHECK(either);
  layer_test::check_backward(run, gy, gradients, generator);
}

}  // namespace

TEST_CASE("dropout loses numbers in training and their gradients with them; the identity otherwise") {
  for (const double probability : {0.0, 0.25, 0.5, 0.9}) {
    compare<float>(probability, true);
    compare<double>(probability, true);
    compare<float>(probability, false);
  }
}

TEST_CASE("as many numbers are lost as is likely, and their mean stays") {
  for (const double probability : {0.1, 0.5, 0.8}) {
    const tensor<double> y = drop(probability, 3);
    const auto count = static_cast<double>(y.size());
    const auto lost = static_cast<double>(std::count(y.begin(), y.end(), 0.0));
    const double deviation = std::sqrt(count * probability * (1 - probability));
    CHECK(std::abs(lost - count * probability) < 5 * deviation);
    CHECK(*std::max_element(y.begin(), y.end()) == Approx(1 / (1 - probability)));
  }
  const tensor<double> nothing = drop(1, 3);
  CHECK(std::count(nothing.begin(), nothing.end(), 0.0) == nothing.size());
}

TEST_CASE("what is lost follows from the seed, and differs between layers and pictures") {
  CHECK(drop(0.5, 3) == drop(0.5, 3));
  CHECK_FALSE(drop(0.5, 3) == drop(0.5, 4));
  const dynamic_model<double> two(input(1) | branch(dropout(), dropout()));
  const auto p = two.forward(ones(2, 1, 8, 8), {.training = true});
  const tensor<double> first(p.output(0)), second(p.output(1));
  CHECK_FALSE(first == second);
  CHECK_FALSE(std::equal(first.begin(), first.begin() + 64, first.begin() + 64));
}

TEST_CASE("dropout is gone from networks in inference") {
  const dynamic_model<float> with(input(3) | dropout(0.9)), without(input(3) | identity());
  tensor<float> x(1, 3, 4, 4);
  float v = 0;
  for (float& e : x) e = v += 1;
  CHECK(with(x) == x);
  CHECK(with.forward(x).memory() == without.forward(x).memory());
}

}  // namespace dropout_test

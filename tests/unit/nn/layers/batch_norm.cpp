#include <catch2/catch.hpp>

#include <lookalike/nn/combinators.hpp>
#include <lookalike/nn/gradient_check.hpp>
#include <lookalike/nn/layers/batch_norm.hpp>
#include <lookalike/nn/model.hpp>

#include "normalization_reference.hpp"

namespace batch_norm_test {

using namespace lookalike;
using layer_test::array4;
using layer_test::layer_run;
using layer_test::normalization_tolerance;

namespace {

const auto channel_of = [](int, int c, int, int) { return c; };
const auto weight_of = [](int c, int, int) { return c; };

template <class Scalar>
void compare_with_loops(unsigned seed, bool training) {
  std::mt19937 generator(seed);
  const shape extents = layer_test::random_extents(generator);
  const int batch = 1 + static_cast<int>(generator() % 4);
  const array4 x = layer_test::random_features(generator, batch, extents);
  const layers::batch_norm l{.epsilon = seed % 3 == 0 ? 1e-3 : 1e-5,
                             .momentum = layer_test::random_number(generator, 0, 1),
                             .affine = seed % 4 != 0};
  layer_run<Scalar, layers::batch_norm> run(l, {x}, generator, 0.25, 2);  // variances are positive
  run.training = training;
  run.writes_buffers = seed % 5 != 0;
  CAPTURE(seed, extents.channels, extents.height, extents.width, batch, l.affine);
  REQUIRE(run.declared.size() == (l.affine ? 4 : 2));
  const std::size_t mean = l.affine ? 2 : 0;
  const std::vector<double> weight = l.affine ? run.parameter(0) : std::vector<double>();
  const std::vector<double> bias = l.affine ? run.parameter(1) : std::vector<double>();
  layer_test::reference_result running;
  running.mean = run.parameter(mean);
  running.variance = run.parameter(mean + 1);

  const array4 gy = layer_test::random_array(generator, batch, extents);
  const layer_test::reference_result expected = layer_test::reference_normalization(
      x, gy, extents.channels, channel_of, weight_of, l.epsilon, weight, bias, training ? nullptr : &running);
  CHECK(layer_test::relative_error(run.forward(), expected.y) <= normalization_tolerance<Scalar>);

  // Running averages: (1 - momentum) old + momentum new, the variance unbiased.
  if (training && run.writes_buffers) {
    for (std::size_t c = 0; c < expected.mean.size(); ++c) {
      const double unbiased = expected.variance[c] * expected.count[c] / (expected.count[c] - 1);
      running.mean[c] = (1 - l.momentum) * running.mean[c] + l.momentum * expected.mean[c];
      running.variance[c] = (1 - l.momentum) * running.variance[c] + l.momentum * unbiased;
    }
  }
  CHECK(layer_test::relative_error(run.parameter(mean), running.mean) <= normalization_tolerance<Scalar>);
  CHECK(layer_test::relative_error(run.parameter(mean + 1), running.variance) <=
        normalization_tolerance<Scalar>);

  typename layer_run<Scalar, layers::batch_norm>::gradients gradients;
  gradients.inputs.push_back(expected.gx);
  if (l.affine) gradients.parameters = {expected.weight_gradient, expected.bias_gradient};
  layer_test::check_backward(run, gy, gradients, generator, normalization_tolerance<Scalar>);
}

struct normalized {
  static constexpr architecture define() {
    return input(5) | named("a", batch_norm()) | named("b", batch_norm({.affine = false}));
  }
};
static_assert(model<normalized, float, 3, 4>::static_output_shape() == shape{5, 3, 4});
static_assert(model<normalized>::static_parameter_count == 10);  // running averages are not learned

}  // namespace

TEST_CASE("batch normalization by the batch, its gradients and running averages equal double loops") {
  for (unsigned seed = 0; seed < 60; ++seed) compare_with_loops<float>(seed, true);
  for (unsigned seed = 100; seed < 140; ++seed) compare_with_loops<double>(seed, true);
}

TEST_CASE("batch normalization by running averages and its gradients equal double loops") {
  for (unsigned seed = 200; seed < 240; ++seed) compare_with_loops<float>(seed, false);
  for (unsigned seed = 300; seed < 340; ++seed) compare_with_loops<double>(seed, false);
}

TEST_CASE("batch normalization starts as nothing but epsilon") {
  model<normalized> net;
  for (const parameter& p : net.parameters()) {
    const bool ones = p.name.ends_with("weight") || p.name.ends_with("running_variance");
    for (float v : net.values(p.name)) CHECK(v == (ones ? 1.0f : 0.0f));
    CHECK(p.trainable == !(p.name.ends_with("running_mean") || p.name.ends_with("running_variance")));
  }
  CHECK(net.parameters().size() == 6);
  CHECK(net.parameters()[2].name == "a.batch_norm0.running_mean");
  CHECK(net.parameters()[5].name == "b.batch_norm0.running_variance");
}

TEST_CASE("only training of a network that may change moves the running averages") {
  std::mt19937 generator(1);
  tensor<float> x(3, 5, 4, 4);
  for (float& v : x) v = static_cast<float>(layer_test::random_number(generator)) + 3;
  model<normalized> net;
  const auto mean = [&] { return net.values("a.batch_norm0.running_mean")[1]; };
  (void)net.forward(x);
  CHECK(mean() == 0);
  (void)std::as_const(net).forward(x, {.training = true});
  CHECK(mean() == 0);
  (void)net.forward(x, {.training = true});
  CHECK(mean() == Approx(0.3).epsilon(0.1));
}

TEST_CASE("one value a channel has no variance to train with") {
  model<normalized> net;
  const tensor<float> x(1, 5, 1, 1);
  CHECK_THROWS_AS(net.forward(x, {.training = true}), value_error);
  CHECK_NOTHROW(net.forward(x));
}

TEST_CASE("gradients of batch normalization are differences of its values") {
  for (const architecture& l : {batch_norm(), batch_norm({.epsilon = 0.1, .affine = false})}) {
    const gradient_report report = check_layer(l, {{4, dynamic, dynamic}});
    INFO(report.text());
    CHECK(report.ok());
  }
}

}  // namespace batch_norm_test

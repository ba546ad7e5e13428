#include <cmath>

#include <catch2/catch.hpp>

#include <lookalike/nn/gradient_check.hpp>
#include <lookalike/nn/layers/activations.hpp>
#include <lookalike/nn/model.hpp>

#include "layer_run.hpp"

namespace activations_test {

using namespace lookalike;
using layer_test::array4;
using layer_test::layer_run;
using layer_test::tolerance;

namespace {

/// Compares with `value(x)` and its derivative `slope(x)`, on maps with gaps, in place too.
template <class Scalar, class Layer, class Value, class Slope>
void compare(const Layer& l, const Value& value, const Slope& slope) {
  for (unsigned seed = 0; seed < 12; ++seed) {
    std::mt19937 generator(seed);
    const shape extents{1 + static_cast<int>(generator() % 40), 1 + static_cast<int>(generator() % 6),
                        1 + static_cast<int>(generator() % 6)};
    array4 x = layer_test::random_array(generator, 1 + static_cast<int>(generator() % 3), extents, -6, 6);
    x.values[0] = 0;
    layer_run<Scalar, Layer> run(l, {x}, generator);
    CHECK(run.output_shape() == extents);
    array4 expected = x;
    for (double& v : expected.values) v = value(v);
    CHECK(layer_test::relative_error(run.forward(), expected) <= tolerance<Scalar>);

    const array4 gy = layer_test::random_array(generator, x.batch, extents);
    typename layer_run<Scalar, Layer>::gradients gradients;
    gradients.inputs.push_back(gy);
    for (std::size_t i = 0; i < x.values.size(); ++i) gradients.inputs[0].values[i] *= slope(x.values[i]);
    layer_test::check_backward(run, gy, gradients, generator);

    const layer_test::gapped_map<Scalar> in_place(x, 3);
    const feature_map<const Scalar> input = in_place.map();
    forward_call<Scalar> call;
    call.inputs = {&input, 1};
    call.output = in_place.map();
    run.layer.forward(call);
    CHECK(layer_test::relative_error(in_place.values(), expected) <= tolerance<Scalar>);
    CHECK(in_place.gaps_are_untouched());
  }
}

template <class Layer, class Value, class Slope>
void compare_both(const Layer& l, const Value& value, const Slope& slope) {
  compare<float>(l, value, slope);
  compare<double>(l, value, slope);
  if constexpr (rules_of<Layer>.fusion == fusion_role::activates) {
    // What the fused store computes is the same function.
    for (double x = -6; x <= 6; x += 0.37) {
      CHECK(simd::activate(x, l.fused_activation()) == Approx(value(x)).epsilon(1e-13));
    }
  }
}

double sigmoid_of(double x) {
  return 1 / (1 + std::exp(-x));
}

struct all_of_them {
  static constexpr architecture define() {
    return input(3) | relu() | leaky_relu(0.2) | elu() | silu() | gelu() | sigmoid() | lookalike::tanh();
  }
};
static_assert(model<all_of_them, float, 4, 5>::static_output_shape() == shape{3, 4, 5});
static_assert(model<all_of_them>::static_parameter_count == 0);

}  // namespace

TEST_CASE("relu") {
  compare_both(
      layers::relu{}, [](double x) { return std::max(x, 0.0); }, [](double x) { return x > 0 ? 1.0 : 0.0; });
}

TEST_CASE("leaky_relu") {
  compare_both(
      layers::leaky_relu{.slope = 0.25}, [](double x) { return x < 0 ? 0.25 * x : x; },
      [](double x) { return x > 0 ? 1 : 0.25; });
}

TEST_CASE("elu") {
  compare_both(
      layers::elu{.alpha = 1.5}, [](double x) { return x < 0 ? 1.5 * std::expm1(x) : x; },
      [](double x) { return x > 0 ? 1 : 1.5 * std::exp(x); });
}

TEST_CASE("silu") {
  compare_both(
      layers::silu{}, [](double x) { return x * sigmoid_of(x); },
      [](double x) {
        const double s = sigmoid_of(x);
        return s + x * s * (1 - s);
      });
}

TEST_CASE("gelu, exactly") {
  const auto below = [](double x) { return 0.5 * std::erfc(-x / std::sqrt(2.0)); };
  compare_both(
      layers::gelu{}, [&](double x) { return x * below(x); },
      [&](double x) { return below(x) + x * std::exp(-x * x / 2) / std::sqrt(2 * std::acos(-1.0)); });
}

TEST_CASE("sigmoid") {
  compare_both(layers::sigmoid{}, sigmoid_of, [](double x) { return sigmoid_of(x) * (1 - sigmoid_of(x)); });
}

TEST_CASE("tanh") {
  compare_both(
      layers::tanh{}, [](double x) { return std::tanh(x); },
      [](double x) { return 1 - std::tanh(x) * std::tanh(x); });
}

TEST_CASE("gradients of activations are differences of their values") {
  for (const architecture& l :
       {relu(), leaky_relu(0.2), elu(1.5), silu(), gelu(), sigmoid(), lookalike::tanh()}) {
    const gradient_report report = check_layer(l, {{4, dynamic, dynamic}});
    INFO(report.text());
    CHECK(report.ok());
  }
}

}  // namespace activations_test

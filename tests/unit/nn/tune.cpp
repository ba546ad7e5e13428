// Algorithms layer by layer: what is chosen is what runs, and nothing else changes.

#include <cmath>
#include <cstring>

#include <catch2/catch.hpp>

#include <lookalike/nn/combinators.hpp>
#include <lookalike/nn/dynamic_model.hpp>
#include <lookalike/nn/layers.hpp>
#include <lookalike/nn/tune.hpp>

#include "random_architecture.hpp"

namespace tune_test {

using namespace lookalike;

namespace {

using enum simd::convolution_algorithm;

dynamic_model<float> three_convolutions() {
  return dynamic_model<float>(input(3) | conv(16) | relu() | conv(32, {.dilation = 2}) |
                              conv(24, {.kernel = 1, .stride = 2}) | conv(8));
}
tensor<float> picture() {
  return plain::random_tensor<float>(1, 3, 36, 28, 1);
}

bool same_bits(const tensor<float>& a, const tensor<float>& b) {
  return a.size() == b.size() &&
         std::memcmp(a.data(), b.data(), static_cast<std::size_t>(a.size()) * sizeof(float)) == 0;
}
double largest_difference(const tensor<float>& a, const tensor<float>& b) {
  double most = 0;
  for (std::int64_t i = 0; i < a.size(); ++i)
    most = std::max(most, std::abs(static_cast<double>(a.data()[i]) - static_cast<double>(b.data()[i])));
  return most;
}
tensor<float> run(const dynamic_model<float>& net) {
  return net(picture().view());
}

}  // namespace

TEST_CASE("set_algorithm changes one layer, prepared or not, and automatic takes it back") {
  dynamic_model<float> net = three_convolutions();
  const tensor<float> usual = run(net);
  net.set_execution({.algorithm = direct});
  const tensor<float> all_direct = run(net);
  CHECK_FALSE(same_bits(usual, all_direct));
  net.set_execution({});
  for (const char* layer : {"conv0", "conv1", "conv2", "conv3"}) net.set_algorithm(layer, direct);
  CHECK(same_bits(run(net), all_direct));
  net.prepare();
  CHECK(same_bits(run(net), all_direct));

  // One by one, beside the same network with that layer's algorithm for all.
  for (const char* layer : {"conv0", "conv2", "conv3"}) net.set_algorithm(layer, automatic);
  CHECK_FALSE(net.is_prepared());
  const tensor<float> second_direct = run(net);
  CHECK_FALSE(same_bits(second_direct, usual));
  CHECK(largest_difference(second_direct, usual) < 1e-5);
  net.set_algorithm("conv1", automatic);
  CHECK(same_bits(run(net), usual));
  CHECK_THROWS_WITH(net.set_algorithm("conv9", direct), Catch::Contains("no layer is called 'conv9'"));
}

TEST_CASE("a training pass does not know of a layer's own algorithm") {
  dynamic_model<float> net = three_convolutions();
  const tensor<float> usual(net.forward(picture(), {.differentiable = true}).output());
  net.set_algorithm("conv1", direct);
  CHECK(same_bits(tensor<float>(net.forward(picture(), {.differentiable = true}).output()), usual));
}

TEST_CASE("tune chooses among algorithms that differ for a layer, and sets what it returns") {
  dynamic_model<float> net = three_convolutions();
  const tensor<float> usual = run(net);
  net.set_algorithm("conv3", direct);
  for (const bool larger : {false, true}) {
    const std::vector<tuned_layer> chosen =
        tune(net, {picture()}, {.repetitions = 2, .winograd_6x6 = larger, .least_gain = 0});
    CHECK(net.is_prepared());
    CHECK(net.execution() == execution_options{});
    dynamic_model<float> by_hand = three_convolutions();
    std::copy(net.values().begin(), net.values().end(), by_hand.values().begin());
    std::vector<simd::convolution_algorithm> wanted(net.algorithms().size(), automatic);
    for (const tuned_layer& layer : chosen) {
      CAPTURE(layer.name);
      CHECK(layer.name != "conv2");  // 1x1: no choice
      CHECK(layer.algorithm != automatic);
      CHECK((larger || layer.algorithm != winograd_6x6));
      CHECK(layer.seconds < layer.default_seconds);
      by_hand.set_algorithm(layer.name, layer.algorithm);
    }
    const tensor<float> tuned = run(net);
    by_hand.prepare();
    CHECK(same_bits(run(by_hand), tuned));
    CHECK(largest_difference(tuned, usual) < (larger ? 1e-4 : 1e-5));
  }
}

TEST_CASE("tune finds what is faster by far, and leaves what is not") {
  // F(2x2) asked for where F(4x4) multiplies half as often: at this extent it takes most of the time.
  dynamic_model<float> net(input(64) | conv(64) | conv(64, {.kernel = 1}));
  net.set_execution({.algorithm = winograd_2x2});
  const tensor<float> x = plain::random_tensor<float>(1, 64, 64, 64, 1);
  const std::vector<tuned_layer> chosen = tune(net, {x}, {.repetitions = 5, .least_gain = 0.999});
  CHECK(chosen.empty());
  CHECK(net.execution().algorithm == winograd_2x2);
  // Low memory: nothing with larger weights than F(2x2)'s.
  net.set_execution({.low_memory = true});
  for (const tuned_layer& layer : tune(net, {x}, {.least_gain = 0})) CHECK(layer.algorithm == direct);
}

TEST_CASE("tune refuses bad options and inputs, and keeps the execution") {
  dynamic_model<float> net = three_convolutions();
  net.set_execution({.algorithm = direct});
  CHECK_THROWS_WITH(tune(net, {picture()}, {.repetitions = 0}), Catch::Contains("given 0 repetitions"));
  CHECK_THROWS_WITH(tune(net, {picture()}, {.least_gain = 1}), Catch::Contains("a least gain of 1"));
  CHECK_THROWS_AS(tune(net, {plain::random_tensor<float>(1, 4, 8, 8, 1)}), value_error);
  CHECK(net.execution().algorithm == direct);
}

}  // namespace tune_test

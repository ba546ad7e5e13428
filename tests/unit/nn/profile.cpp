// The time of each layer: the parts of a pass's own time, layer by layer.

#include <chrono>
#include <string>

#include <catch2/catch.hpp>

#include <lookalike/nn/combinators.hpp>
#include <lookalike/nn/dynamic_model.hpp>
#include <lookalike/nn/layers.hpp>
#include <lookalike/nn/profile.hpp>

#include "random_architecture.hpp"

namespace profile_test {

using namespace lookalike;

namespace {

dynamic_model<float> two_convolutions() {
  return dynamic_model<float>(input(3) | conv(16) | batch_norm() | relu() | conv(32) | max_pool(2));
}

}  // namespace

TEST_CASE("seconds are added to, layer by layer, and are no more than the passes take") {
  const dynamic_model<float> net = two_convolutions();
  const tensor<float> x = plain::random_tensor<float>(1, 3, 48, 40, 1);
  for (const bool differentiable : {false, true}) {
    std::vector<double> seconds(static_cast<std::size_t>(net.program().graph.size()));
    const auto start = std::chrono::steady_clock::now();
    net.forward(x, {.differentiable = differentiable, .seconds = seconds});
    const std::vector<double> once = seconds;
    net.forward(x, {.differentiable = differentiable, .seconds = seconds});
    const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - start;
    double sum = 0;
    for (std::size_t i = 0; i < seconds.size(); ++i) {
      const std::string_view name = net.program().name(static_cast<int>(i));
      CAPTURE(name);
      const bool is_input = i == 0;
      const bool is_fused = !differentiable && (name == "batch_norm0" || name == "relu0");
      CHECK((once[i] > 0) == !(is_input || is_fused));
      CHECK((seconds[i] > once[i]) == !(is_input || is_fused));
      sum += seconds[i];
    }
    CHECK(sum <= wall.count());
  }
  std::vector<double> too_few(2);
  CHECK_THROWS_WITH(net.forward(x, {.seconds = too_few}),
                    Catch::Contains("2 numbers for seconds, wanted one for each of 6 layers"));
}

TEST_CASE("a profile has a row for each layer that runs, in order, and their sum") {
  const dynamic_model<float> net = two_convolutions();
  const network_profile found = profile(net, {plain::random_tensor<float>(2, 3, 32, 32, 2)}, 3);
  REQUIRE(found.rows.size() == 3);
  CHECK(found.rows[0].name == "conv0");
  CHECK(found.rows[1].name == "conv1");
  CHECK(found.rows[2].name == "max_pool0");
  double sum = 0;
  for (const profile_row& row : found.rows) sum += row.seconds;
  CHECK(found.seconds() == Approx(sum));
  const std::string text = found.text();
  CHECK(std::count(text.begin(), text.end(), '\n') == 4);
  CHECK_THAT(text, Catch::StartsWith("conv0") && Catch::Contains("total") && Catch::EndsWith("100.0 %\n"));
  CHECK_THROWS_WITH(profile(net, {plain::random_tensor<float>(1, 3, 8, 8, 2)}, 0),
                    Catch::Contains("given 0 repetitions"));
}

}  // namespace profile_test

#include <array>
#include <cmath>

#include <catch2/catch.hpp>

#include <lookalike/nn/optimizers/adadelta.hpp>

#include "trajectory.hpp"

namespace adadelta_test {

using namespace lookalike;

TEST_CASE("ADADELTA arrives where PyTorch's does") {
  // O.Adadelta(p, lr=1.0, rho=0.95, eps=1e-6), O.Adadelta(p, lr=0.5, weight_decay=0.1) with its rho of 0.9
  test::check_against_torch(
      adadelta{}, {0.97350407248629067, -1.9749974579256238, 0.47246252674326805, 2.9739048684460716});
  test::check_against_torch(
      adadelta{.learning_rate = 0.5, .rho = 0.9, .weight_decay = 0.1},
      {0.99062940726710935, -1.9910567597119613, 0.49015057865691597, 2.991105495164359});
}

TEST_CASE("ADADELTA follows the paper's algorithm for parameters of any length") {
  const auto rms = [](double mean_square) { return std::sqrt(mean_square + 1e-6); };
  test::check_against_plain(adadelta{}, [&](double& v, double g, int, std::array<double, 2>& memory) {
    memory[0] = 0.95 * memory[0] + 0.05 * g * g;
    const double step = -rms(memory[1]) / rms(memory[0]) * g;
    memory[1] = 0.95 * memory[1] + 0.05 * step * step;
    v += step;
  });
}

TEST_CASE("ADADELTA finds the lowest point") {
  test::check_converges<double>(adadelta{}, 4000, 0.02);
}

TEST_CASE("ADADELTA refuses what makes no sense") {
  CHECK_THROWS_WITH(adadelta{.rho = 1.5}.validate(), "adadelta: given rho = 1.5, wanted 0 to 1");
  CHECK_THROWS_AS(adadelta{.epsilon = 0}.validate(), value_error);
  CHECK_THROWS_AS(adadelta{.learning_rate = -1}.validate(), value_error);
  CHECK_THROWS_AS(adadelta{.weight_decay = -1}.validate(), value_error);
}

}  // namespace adadelta_test

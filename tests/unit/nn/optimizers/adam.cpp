#include <array>
#include <cmath>

#include <catch2/catch.hpp>

#include <lookalike/nn/optimizers/adam.hpp>

#include "trajectory.hpp"

namespace adam_test {

using namespace lookalike;

TEST_CASE("Adam and AdamW arrive where PyTorch's do") {
  // O.Adam(p, lr=0.05, betas=(0.8, 0.95)), O.Adam(p, lr=0.05, weight_decay=0.1), O.AdamW(p, lr=0.05,
  // weight_decay=0.1)
  test::check_against_torch(
      adam{.learning_rate = 0.05, .beta1 = 0.8, .beta2 = 0.95},
      {0.74749891440179239, -1.7482467015733352, 0.24728681764501076, 2.747465923644135});
  test::check_against_torch(
      adam{.learning_rate = 0.05, .weight_decay = 0.1},
      {0.74891135907861595, -1.7491244349879971, 0.24890149562526398, 2.7491149969181472});
  test::check_against_torch(
      adamw{.learning_rate = 0.05, .weight_decay = 0.1},
      {0.72662169251435771, -1.7020856508660118, 0.23903048721524073, 2.6771189311485699});
}

TEST_CASE("Adam follows the paper's algorithm for parameters of any length") {
  // Algorithm 1 of Kingma and Ba, with corrected moments; algorithm 2 of Loshchilov and Hutter.
  const auto plain = [](double l2, double decoupled) {
    return [=](double& v, double g, int t, std::array<double, 2>& memory) {
      v -= 0.01 * decoupled * v;
      g += l2 * v;
      memory[0] = 0.9 * memory[0] + (1 - 0.9) * g;
      memory[1] = 0.99 * memory[1] + (1 - 0.99) * g * g;
      const double mean = memory[0] / (1 - std::pow(0.9, t));
      const double square = memory[1] / (1 - std::pow(0.99, t));
      v -= 0.01 * mean / (std::sqrt(square) + 1e-8);
    };
  };
  test::check_against_plain(adam{.learning_rate = 0.01, .beta2 = 0.99, .weight_decay = 0.1}, plain(0.1, 0));
  test::check_against_plain(adamw{.learning_rate = 0.01, .beta2 = 0.99, .weight_decay = 0.1}, plain(0, 0.1));
}

TEST_CASE("Adam finds the lowest point") {
  test::check_converges<double>(adam{.learning_rate = 0.05}, 2000, 1e-6);
  test::check_converges<float>(adamw{.learning_rate = 0.05, .weight_decay = 0}, 2000, 1e-4);
}

TEST_CASE("Adam's first step is as long as the learning rate, however steep it is") {
  for (const double steepness : {1e-3, 1.0, 1e3}) {
    const auto table = test::table_of({{"v", 1}});
    optimizer<adam, double> training(adam{.learning_rate = 0.01});
    std::array<double, 1> values{0}, gradients{steepness};
    training.step(table, values, gradients);
    CHECK(values[0] == Approx(-0.01).epsilon(2e-5));
  }
}

TEST_CASE("Adam refuses what makes no sense, by its own name") {
  CHECK_THROWS_WITH(adam{.beta1 = 1}.validate(), "adam: given beta1 = 1, wanted 0 or more and below 1");
  CHECK_THROWS_WITH(adamw{.beta2 = -0.5}.validate(),
                    "adamw: given beta2 = -0.5, wanted 0 or more and below 1");
  CHECK_THROWS_AS(adam{.learning_rate = -1}.validate(), value_error);
  CHECK_THROWS_AS(adam{.epsilon = -1}.validate(), value_error);
  CHECK_THROWS_AS(adamw{.weight_decay = -1}.validate(), value_error);
}

}  // namespace adam_test

#include <array>
#include <limits>

#include <catch2/catch.hpp>

#include <lookalike/nn/optimizers/sgd.hpp>

#include "trajectory.hpp"

namespace sgd_test {

using namespace lookalike;

TEST_CASE("gradient descent arrives where PyTorch's does") {
  // O.SGD(p, lr=0.1), then momentum=0.9 with weight_decay=0.01, dampening=0.3, nesterov=True and 0.02
  test::check_against_torch(sgd{.learning_rate = 0.1}, {0.63341337500000006, -0.91809800000000008,
                                                        -0.18276799999999999, 2.7789626775175797});
  test::check_against_torch(
      sgd{.learning_rate = 0.1, .momentum = 0.9, .weight_decay = 0.01},
      {0.11488985028733889, 0.61201766723982232, -0.97587953752223056, 2.4216471503515473});
  test::check_against_torch(
      sgd{.learning_rate = 0.1, .momentum = 0.9, .dampening = 0.3},
      {0.30374930933749994, 0.14685588220000018, -0.75951246080000001, 2.5770336159831571});
  test::check_against_torch(
      sgd{.learning_rate = 0.1, .momentum = 0.9, .weight_decay = 0.02, .nesterov = true},
      {-0.082331790828245655, 0.88984535180090107, -0.95537362599265174, 2.2125843227520963});
}

TEST_CASE("gradient descent follows its rule for parameters of any length") {
  test::check_against_plain(sgd{.learning_rate = 0.1, .weight_decay = 0.01},
                            [](double& v, double g, int, auto&) { v -= 0.1 * (g + 0.01 * v); });
  const auto momentum = [](bool nesterov, double dampening) {
    return [=](double& v, double g, int step, std::array<double, 2>& memory) {
      g += 0.01 * v;
      memory[0] = step == 1 ? g : 0.9 * memory[0] + (1 - dampening) * g;
      v -= 0.1 * (nesterov ? g + 0.9 * memory[0] : memory[0]);
    };
  };
  test::check_against_plain(sgd{.learning_rate = 0.1, .momentum = 0.9, .weight_decay = 0.01},
                            momentum(false, 0));
  test::check_against_plain(
      sgd{.learning_rate = 0.1, .momentum = 0.9, .dampening = 0.5, .weight_decay = 0.01},
      momentum(false, 0.5));
  test::check_against_plain(
      sgd{.learning_rate = 0.1, .momentum = 0.9, .weight_decay = 0.01, .nesterov = true}, momentum(true, 0));
}

TEST_CASE("gradient descent finds the lowest point") {
  test::check_converges<double>(sgd{.learning_rate = 1}, 200, 1e-8);
  test::check_converges<float>(sgd{.learning_rate = 0.3, .momentum = 0.9}, 400, 1e-5);
  test::check_converges<float>(sgd{.learning_rate = 0.3, .momentum = 0.9, .nesterov = true}, 400, 1e-5);
}

TEST_CASE("gradient descent remembers only what it needs, and refuses what makes no sense") {
  CHECK(sgd{}.state_names().empty());
  REQUIRE(sgd{.momentum = 0.5}.state_names().size() == 1);
  CHECK(sgd{.momentum = 0.5}.state_names()[0] == "momentum");
  CHECK_THROWS_WITH(sgd{.learning_rate = -1}.validate(),
                    "sgd: given the learning rate -1, wanted a finite number of 0 or more");
  CHECK_THROWS_AS(sgd{.learning_rate = std::numeric_limits<double>::quiet_NaN()}.validate(), value_error);
  CHECK_THROWS_AS(sgd{.momentum = -0.1}.validate(), value_error);
  CHECK_THROWS_AS(sgd{.weight_decay = -0.1}.validate(), value_error);
  CHECK_THROWS_AS(sgd{.nesterov = true}.validate(), value_error);
  CHECK_THROWS_AS((sgd{.momentum = 0.9, .dampening = 0.1, .nesterov = true}.validate()), value_error);
}

}  // namespace sgd_test

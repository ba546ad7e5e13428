#include <cmath>
#include <limits>
#include <vector>

#include <catch2/catch.hpp>

#include <lookalike/nn/early_stopping.hpp>

namespace early_stopping_test {

using namespace lookalike;

TEST_CASE("early stopping waits for as many values without improvement as it has patience") {
  early_stopping watch({.patience = 3});
  CHECK(watch.best_step() == -1);
  CHECK(watch.best() == std::numeric_limits<double>::infinity());
  const std::vector<double> values{5, 4, 4.5, 4, 3, 3, std::nan(""), 3.1};
  const std::vector<bool> best{true, true, false, false, true, false, false, false};
  for (std::size_t i = 0; i < values.size(); ++i) {
    CHECK_FALSE(watch.should_stop());
    CHECK(watch.update(values[i], static_cast<std::int64_t>(10 * i)) == best[i]);
  }
  CHECK(watch.should_stop());
  CHECK(watch.best() == 3);
  CHECK(watch.best_step() == 40);
}

TEST_CASE("an improvement has to be large enough, and may be upwards") {
  early_stopping down({.patience = 2, .minimum_improvement = 0.5});
  CHECK(down.update(4, 0));
  CHECK_FALSE(down.update(3.5, 1));
  CHECK(down.update(3.4, 2));
  CHECK_FALSE(down.should_stop());
  early_stopping up({.patience = 1, .minimum_improvement = 0.25, .larger_is_better = true});
  CHECK(up.update(-1, 0));
  CHECK(up.update(0, 1));
  CHECK_FALSE(up.update(0.25, 2));
  CHECK(up.should_stop());
}

TEST_CASE("early stopping goes on from its saved numbers") {
  const std::vector<double> values{5, 4, 4.5, 4, 3, 3, 3.1, 3.2, 3.1};
  for (std::size_t cut = 0; cut < values.size(); ++cut) {
    early_stopping first({.patience = 4}), second({.patience = 4});
    for (std::size_t i = 0; i < cut; ++i) first.update(values[i], static_cast<std::int64_t>(i));
    second.restore(first.state());
    for (std::size_t i = cut; i < values.size(); ++i) {
      const auto step = static_cast<std::int64_t>(i);
      CHECK(second.update(values[i], step) == first.update(values[i], step));
      CHECK(second.should_stop() == first.should_stop());
    }
    CHECK(second.best_step() == first.best_step());
    CHECK(second.best() == first.best());
  }
  early_stopping watch;
  auto numbers = watch.state();
  numbers[1].value = -1;
  CHECK_THROWS_AS(watch.restore(numbers), value_error);
  numbers[0].name = "other";
  CHECK_THROWS_WITH(watch.restore(numbers),
                    "early_stopping: given 3 numbers to go on from, none of which is 'best'");
}

TEST_CASE("early stopping refuses options that make no sense") {
  CHECK_THROWS_AS(early_stopping({.patience = 0}), value_error);
  CHECK_THROWS_AS(early_stopping({.minimum_improvement = -1}), value_error);
  early_stopping watch;
  CHECK_THROWS_AS(watch.update(1, -1), value_error);
}

}  // namespace early_stopping_test

#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include <catch2/catch.hpp>

#include <lookalike/nn/schedule.hpp>

namespace schedule_test {

using namespace lookalike;

// What PyTorch 2.13 does with a learning rate of 1, printed by
//
//     O = torch.optim; S = O.lr_scheduler
//     def run(make, n):
//         p = torch.zeros(1, requires_grad=True); o = O.SGD([p], lr=1.0); s = make(o)
//         for _ in range(n):
//             print(f"{o.param_groups[0]['lr']:.17g}"); o.step(); s.step()

namespace {

static_assert(schedule<schedules::constant> && schedule<schedules::warmed_up<schedules::cosine>>);
static_assert(!schedule<reduce_on_plateau>);

template <class Schedule>
void check(const Schedule& schedule, const std::vector<double>& wanted) {
  for (std::size_t step = 0; step < wanted.size(); ++step) {
    CAPTURE(step);
    CHECK(schedule(static_cast<std::int64_t>(step)) == Approx(wanted[step]).epsilon(1e-13).margin(1e-15));
  }
}

template <class Schedule>
void check_stays(const Schedule& schedule, std::int64_t end) {
  CHECK(schedule(end + 1) == schedule(end));
  CHECK(schedule(end + 1000000) == schedule(end));
}

}  // namespace

TEST_CASE("schedules are PyTorch's") {
  // MultiStepLR(o, [2, 5], 0.1); StepLR(o, 3, 0.5); CosineAnnealingLR(o, 6, 0.1); LinearLR(o, 1, 0.2, 4);
  // PolynomialLR(o, 5, 0.9)
  check(schedules::step_decay{.milestones = {5, 2}, .factor = 0.1}, {1, 1, 0.1, 0.1, 0.1, 0.01, 0.01, 0.01});
  check(schedules::exponential{.factor = 0.5, .every = 3}, {1, 1, 1, 0.5, 0.5, 0.5, 0.25, 0.25});
  check(schedules::cosine{.steps = 6, .last = 0.1},
        {1, 0.93971143170299742, 0.77500000000000002, 0.55000000000000004, 0.32500000000000018,
         0.16028856829700261, 0.10000000000000001});
  check(schedules::linear{.steps = 4, .last = 0.2}, {1, 0.8, 0.6, 0.4, 0.2, 0.2, 0.2});
  check(schedules::polynomial{.steps = 5, .power = 0.9},
        {1, 0.81805214605085841, 0.63144586748935527, 0.43838329055408698, 0.23492378861760377, 0, 0});
  // OneCycleLR(o, 1.0, total_steps=10); OneCycleLR(o, 1.0, total_steps=7, pct_start=0.5, div_factor=10,
  // final_div_factor=100)
  check(schedules::one_cycle{.steps = 10},
        {0.040000000000000036, 0.52000000000000002, 1, 0.95048463201347366, 0.81174565394976306,
         0.61126202193628931, 0.38874197806371075, 0.18825834605023697, 0.049519367986526286,
         3.9999999999999998e-06});
  check(schedules::one_cycle{.steps = 7, .rise = 0.5, .first = 0.1, .last = 0.001},
        {0.099999999999999978, 0.41094235253127365, 0.91405764746872631, 0.95053394951725834,
         0.61164920651117904, 0.18906684397156262, 0.001});
}

TEST_CASE("constant and linear schedules hold") {
  check(schedules::constant{}, {1, 1, 1});
  check(schedules::constant{.factor = 0.3}, {0.3, 0.3});
  check(schedules::linear{.steps = 4, .hold = 2}, {1, 1, 1, 0.75, 0.5, 0.25, 0, 0});
}

TEST_CASE("what has an end stays where it ended") {
  check_stays(schedules::cosine{.steps = 6, .last = 0.1}, 6);
  check_stays(schedules::linear{.steps = 6, .last = 0.1, .hold = 3}, 9);
  check_stays(schedules::polynomial{.steps = 6, .power = 2, .last = 0.1}, 6);
  check_stays(schedules::one_cycle{.steps = 6}, 5);
  CHECK(schedules::polynomial{.steps = 6, .power = 2, .last = 0.1}(6) == Approx(0.1));
}

TEST_CASE("a warm-up rises evenly to where the schedule after it begins") {
  check(schedules::warm_up(3, schedules::linear{.steps = 2}), {0.25, 0.5, 0.75, 1, 0.5, 0});
  check(schedules::warm_up(1, schedules::constant{.factor = 2}, 0.5), {1.5, 2, 2});
  check(schedules::warm_up(0, schedules::constant{}), {1});
  check(schedules::warm_up(1, [](std::int64_t step) { return 10.0 + static_cast<double>(step); }),
        {5, 10, 11});
  // Schedules nest like any function.
  check(schedules::warm_up(1, schedules::warm_up(1, schedules::constant{})), {0.25, 0.5, 1});
}

TEST_CASE("schedules refuse what makes no sense") {
  CHECK_THROWS_WITH(schedules::constant{}(-1), "schedule: given the step -1, wanted 0 or more");
  CHECK_THROWS_WITH(schedules::cosine{}(0), "schedule: given 0 steps, wanted 1 or more");
  CHECK_THROWS_AS(schedules::constant{.factor = -1}(0), value_error);
  CHECK_THROWS_AS(schedules::step_decay{.factor = -1}(0), value_error);
  CHECK_THROWS_AS(schedules::exponential{.every = 0}(0), value_error);
  CHECK_THROWS_AS((schedules::linear{.steps = 3, .hold = -1}(0)), value_error);
  CHECK_THROWS_AS((schedules::polynomial{.steps = 3, .power = 0}(0)), value_error);
  CHECK_THROWS_AS(schedules::one_cycle{.steps = 1}(0), value_error);
  CHECK_THROWS_AS((schedules::one_cycle{.steps = 10, .rise = 1}(0)), value_error);
  CHECK_THROWS_AS(schedules::warm_up(-1, schedules::constant{}), value_error);
  CHECK_THROWS_AS(schedules::warm_up(2, schedules::constant{})(-1), value_error);
}

TEST_CASE("reduction on a plateau is PyTorch's") {
  // S.ReduceLROnPlateau(o, factor=0.5, patience=2, cooldown=1, min_lr=0.1), then
  // S.ReduceLROnPlateau(o, mode='max', factor=0.1, patience=1, threshold=0.6)
  const auto check_factors = [](reduce_on_plateau watch, const std::vector<double>& values,
                                const std::vector<double>& wanted) {
    for (std::size_t i = 0; i < values.size(); ++i) {
      CAPTURE(i);
      CHECK(watch.update(values[i]) == Approx(wanted[i]));
    }
  };
  check_factors(reduce_on_plateau({.factor = 0.5, .patience = 2, .cooldown = 1, .minimum = 0.1}),
                {5, 4, 4, 4, 4, 4, 4, 3, 3.5, 2.9999, 3, 3, 3, 3, 3, 3},
                {1, 1, 1, 1, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.25, 0.25, 0.25, 0.25, 0.125, 0.125});
  check_factors(reduce_on_plateau({.factor = 0.1, .patience = 1, .threshold = 0.6, .larger_is_better = true}),
                {1, 2, 2, 2, 3, 3, 3, 3}, {1, 1, 1, 0.1, 0.1, 0.01, 0.01, 0.001});
}

TEST_CASE("on a plateau the factor never falls below its minimum, and what is no number is no better") {
  reduce_on_plateau watch({.factor = 0.1, .patience = 0, .minimum = 0.05});
  CHECK(watch.update(1) == 1);
  CHECK(watch.update(std::nan("")) == Approx(0.1));
  CHECK(watch.update(1) == Approx(0.05));
  CHECK(watch.update(1) == Approx(0.05));
  CHECK(watch.best() == 1);
  // The threshold is relative to a value's size: -1.05 beats -1 by 5 percent.
  reduce_on_plateau negative({.patience = 0, .threshold = 0.1});
  negative.update(-1);
  CHECK(negative.update(-1.05) == Approx(0.1));
  CHECK(negative.update(-1.2) == Approx(0.1));
}

TEST_CASE("reduction on a plateau goes on from its saved numbers") {
  const plateau_options options{.factor = 0.5, .patience = 2, .cooldown = 1};
  const std::vector<double> values{5, 4, 4, 4, 4, 4, 4, 3, 3.5, 3, 3, 3, 3, 3};
  for (std::size_t cut = 0; cut < values.size(); ++cut) {
    reduce_on_plateau first(options), second(options);
    for (std::size_t i = 0; i < cut; ++i) first.update(values[i]);
    second.restore(first.state());
    CHECK(second.factor() == first.factor());
    for (std::size_t i = cut; i < values.size(); ++i)
      CHECK(second.update(values[i]) == first.update(values[i]));
    CHECK(second.state() == first.state());
  }
  reduce_on_plateau watch(options);
  auto numbers = watch.state();
  numbers[3].value = 0.5;
  CHECK_THROWS_WITH(watch.restore(numbers),
                    "reduce_on_plateau: given cooling = 0.5, wanted a whole number of 0 or more");
  numbers.pop_back();
  CHECK_THROWS_WITH(watch.restore(numbers),
                    "reduce_on_plateau: given 3 numbers to go on from, none of which is 'cooling'");
}

TEST_CASE("reduction on a plateau refuses options that make no sense") {
  CHECK_THROWS_AS(reduce_on_plateau({.factor = 1}), value_error);
  CHECK_THROWS_AS(reduce_on_plateau({.factor = 0}), value_error);
  CHECK_THROWS_AS(reduce_on_plateau({.patience = -1}), value_error);
  CHECK_THROWS_AS(reduce_on_plateau({.threshold = -1}), value_error);
  CHECK_THROWS_AS(reduce_on_plateau({.minimum = -1}), value_error);
}

}  // namespace schedule_test

#include <array>
#include <cstddef>
#include <random>
#include <vector>

#include <catch2/catch.hpp>

#include <lookalike/simd/parameter_update.hpp>

using namespace lookalike;

namespace {

/// Runs `update` on four arrays of random numbers, cut after `cut` of them, and returns what is in them.
template <class Scalar, class Update>
std::array<std::vector<Scalar>, 4> updated(std::size_t count, std::size_t cut, const Update& update) {
  std::mt19937 chance(1);
  std::uniform_real_distribution<double> uniform(0.1, 2);
  std::array<std::vector<Scalar>, 4> arrays;
  for (auto& array : arrays) {
    for (std::size_t i = 0; i < count + 1; ++i) array.push_back(static_cast<Scalar>(uniform(chance)));
  }
  const auto run = [&](std::size_t from, std::size_t numbers) {
    update(arrays[0].data() + from, arrays[1].data() + from, arrays[2].data() + from, arrays[3].data() + from,
           numbers);
  };
  run(0, cut);
  run(cut, count - cut);
  return arrays;
}

template <class Scalar, class Update>
void check_cuts(const Update& update) {
  constexpr std::size_t count = 70;
  const auto whole = updated<Scalar>(count, 0, update);
  const auto untouched = updated<Scalar>(count, 0, [](auto&&...) {});
  CHECK(whole[0] != untouched[0]);
  for (std::size_t array = 0; array < 4; ++array) CHECK(whole[array].back() == untouched[array].back());
  for (std::size_t cut = 1; cut <= count; ++cut) REQUIRE(updated<Scalar>(count, cut, update) == whole);
}

template <class Scalar>
void check_all() {
  check_cuts<Scalar>([](auto* v, auto* g, auto*, auto*, std::size_t n) {
    simd::sgd_update(v, g, n, simd::sgd_settings{.learning_rate = 0.1, .weight_decay = 0.3});
  });
  for (const bool nesterov : {false, true}) {
    check_cuts<Scalar>([&](auto* v, auto* g, auto* m, auto*, std::size_t n) {
      simd::momentum_update(v, g, m, n,
                            simd::sgd_settings{.learning_rate = 0.1,
                                               .weight_decay = 0.3,
                                               .momentum = 0.9,
                                               .gradient_share = 0.7,
                                               .nesterov = nesterov});
    });
  }
  check_cuts<Scalar>([](auto* v, auto* g, auto* m, auto* s, std::size_t n) {
    simd::adam_update(v, g, m, s, n,
                      simd::adam_settings{.step_size = 0.1,
                                          .shrinkage = 0.01,
                                          .weight_decay = 0.3,
                                          .beta1 = 0.9,
                                          .beta2 = 0.99,
                                          .root_of_correction = 0.3,
                                          .epsilon = 1e-8});
  });
  check_cuts<Scalar>([](auto* v, auto* g, auto* s, auto* m, std::size_t n) {
    simd::adadelta_update(
        v, g, s, m, n,
        simd::adadelta_settings{.learning_rate = 0.5, .weight_decay = 0.3, .rho = 0.9, .epsilon = 1e-6});
  });
  check_cuts<Scalar>(
      [](auto* v, auto* g, auto*, auto*, std::size_t n) { simd::average_update(v, g, n, 0.3); });
}

}  // namespace

// That the numbers are those of the published rules is tested in nn/optimizers/.
TEST_CASE("updates may be cut anywhere without changing a bit, and touch nothing beyond their end") {
  check_all<float>();
  check_all<double>();
}

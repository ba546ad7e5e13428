#include <algorithm>

#include <catch2/catch.hpp>

#include <lookalike/nn/dynamic_model.hpp>
#include <lookalike/nn/layers/constant.hpp>
#include <lookalike/nn/model.hpp>

namespace constant_test {

using namespace lookalike;

namespace {

struct generator {
  static constexpr architecture define() { return input(5) | branch(identity(), constant(3, 2, 4)); }
};
static_assert(model<generator>::static_parameter_count == 24);

template <class Scalar>
void compare() {
  dynamic_model<Scalar> net(generator::define());
  Scalar v = 0;
  for (Scalar& e : net.values()) e = v += 1;
  const tensor<Scalar> x(3, 5, 7, 2);
  auto p = net.forward(x, {.differentiable = true});
  const tensor<Scalar> y(p.output(1));
  REQUIRE(y.extents() == std::array<std::int64_t, 4>{3, 3, 2, 4});
  // PyTorch's order, the same in every picture
  const auto weight = net.values("constant0.weight");
  for (std::ptrdiff_t n = 0; n < 3; ++n) CHECK(std::equal(weight.begin(), weight.end(), y.begin() + 24 * n));

  tensor<Scalar> g(3, 3, 2, 4);
  for (Scalar& e : g) e = v += 1;
  auto gradients = net.make_gradients();
  gradients[5] = 1000;
  p.backward({named_tensor<Scalar>("out1", g)}, gradients);
  for (std::size_t i = 0; i < 24; ++i) {
    const Scalar sum = g.data()[i] + g.data()[24 + i] + g.data()[48 + i];
    CHECK(gradients[i] == sum + (i == 5 ? 1000 : 0));
  }
}

}  // namespace

TEST_CASE("a constant is the same for every picture, and learns from all of them") {
  compare<float>();
  compare<double>();
}

TEST_CASE("a constant starts as it is told") {
  const dynamic_model<float> net(
      input(1) | branch(identity(), constant(4, 1, 1, {.initial = initial_value::ones}), constant(4, 1, 1)));
  const auto first = net.values("constant0.weight");
  CHECK(std::all_of(first.begin(), first.end(), [](float v) { return v == 1; }));
  const auto second = net.values("constant1.weight");
  CHECK(std::adjacent_find(second.begin(), second.end()) == second.end());
}

}  // namespace constant_test

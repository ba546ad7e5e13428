#include <string>
#include <vector>

#include <catch2/catch.hpp>

#include <lookalike/nn/dynamic_model.hpp>
#include <lookalike/nn/model.hpp>

#include "../allocations.hpp"
#include "random_architecture.hpp"

namespace pass_test {

using namespace lookalike;
using plain::conv;
using plain::random_tensor;

namespace {

constexpr architecture small() {
  return input(2) | named("enc", conv(3) | plain::norm() | plain::relu()) | plain::pool() |
         named("mid", skip(conv(2) | plain::bend())) | plain::drop() | conv(2) | expose("enc", "mid.conv0");
}

// Runs forward only.
struct opaque {
  static constexpr std::string_view kind = "opaque";
  constexpr shape infer_shape(std::span<const shape> x, diagnosis&) const { return x[0]; }
  void forward(const forward_call<float>&) const {}
  void forward(const forward_call<double>&) const {}
};

}  // namespace

TEST_CASE("parts are asked for by name: outputs, nodes, scopes that yield one value") {
  const dynamic_model<double> net(small() | skip(plain::scale(2)));
  const auto x = random_tensor(2, 2, 4, 4, 1);
  const auto pass = net.forward(x);
  CHECK(pass.output_count() == 2);
  CHECK(tensor<double>(pass["out"]) == tensor<double>(pass.output()));
  CHECK(tensor<double>(pass["out0"]) == tensor<double>(pass.output(0)));
  CHECK(tensor<double>(pass["out1"]) == tensor<double>(pass.output(1)));
  CHECK(tensor<double>(pass["scale0"]) == tensor<double>(pass.output(1)));
  CHECK(pass["enc"].extents == std::array<std::int64_t, 4>{2, 3, 4, 4});
  CHECK(tensor<double>(pass["enc.relu0"]) == tensor<double>(pass["enc"]));
  CHECK(pass["mid.conv0"].extents == std::array<std::int64_t, 4>{2, 2, 2, 2});
  CHECK_THROWS_WITH(
      pass["enc.conv0"],
      "pass: 'enc.conv0' has not been kept; expose(\"enc.conv0\") in the architecture keeps it");
  CHECK_THROWS_WITH(pass["out2"], "pass: no part of the network is called 'out2'");
  CHECK_THROWS_WITH(pass["mid"], "pass: no part of the network is called 'mid'");  // yields two values
  CHECK_THROWS_WITH(pass.output(2), "pass: given output 2, wanted one of 2");
}

TEST_CASE("a part that is called out comes before the first output") {
  const dynamic_model<double> net(input(1) | named("out", plain::scale(2)) | plain::scale(3) | expose("out"));
  const auto x = random_tensor(1, 1, 2, 2, 1);
  CHECK(net.forward(x)["out"](0, 0, 0, 0) == 2 * x(0, 0, 0, 0));
}

TEST_CASE("several passes live at once and go back in any order") {
  const dynamic_model<double> net(small());
  const auto a = random_tensor(2, 2, 4, 4, 1), b = random_tensor(1, 2, 6, 4, 2),
             g = random_tensor(2, 2, 2, 2, 3);
  const auto h = random_tensor(1, 2, 3, 2, 4);
  const forward_options options{.training = true, .seed = 5};
  auto alone = [&](const tensor<double>& x, const tensor<double>& gradient) {
    auto pass = net.forward(x, options);
    auto gradients = net.make_gradients();
    std::pair<tensor<double>, tensor<double>> r{tensor<double>(pass.output()), {}};
    r.second = tensor<double>(pass.backward({gradient}, gradients)[0]);
    return r;
  };
  const auto first = alone(a, g), second = alone(b, h);
  auto gradients = net.make_gradients();
  auto pass_a = net.forward(a, options);
  auto pass_b = net.forward(b, options);
  auto look = net.forward(a);
  CHECK(tensor<double>(pass_a.output()) == first.first);
  CHECK(tensor<double>(pass_b.output()) == second.first);
  CHECK(tensor<double>(pass_a.backward({g}, gradients)[0]) == first.second);
  CHECK(tensor<double>(pass_b.backward({h}, gradients)[0]) == second.second);
  // Gradients of parameters add up over passes.
  auto sum = net.make_gradients(), other = net.make_gradients();
  net.forward(a, options).backward({g}, sum);
  net.forward(b, options).backward({h}, other);
  for (std::size_t k = 0; k < sum.size(); ++k)
    REQUIRE(gradients[k] == Approx(sum[k] + other[k]).margin(1e-15));
}

TEST_CASE("the gradient of one network's input goes on into another network") {
  const architecture front = input(2) | conv(3) | plain::bend();
  const architecture back = conv(2) | plain::relu() | conv(1);
  const dynamic_model<double> whole(front | named("b", back));
  dynamic_model<double> a(front);
  dynamic_model<double> b(input(3) | named("b", back));
  for (const parameter& p : whole.parameters()) {
    auto& half = p.name.starts_with("b.") ? b : a;
    std::copy(whole.values(p.name).begin(), whole.values(p.name).end(), half.values(p.name).begin());
  }
  const auto x = random_tensor(2, 2, 5, 5, 1), g = random_tensor(2, 1, 5, 5, 2);
  auto together = whole.forward(x, {.differentiable = true});
  auto wanted = whole.make_gradients();
  const tensor<double> wanted_input(together.backward({g}, wanted)[0]);

  auto pass_a = a.forward(x, {.differentiable = true});
  auto pass_b = b.forward(pass_a.output(), {.differentiable = true});
  CHECK(tensor<double>(pass_b.output()) == tensor<double>(together.output()));
  auto gradients_a = a.make_gradients(), gradients_b = b.make_gradients();
  const auto between = pass_b.backward({g}, gradients_b)[0];
  CHECK(tensor<double>(pass_a.backward({between}, gradients_a)[0]) == wanted_input);
  for (const parameter& p : whole.parameters()) {
    const bool second = p.name.starts_with("b.");
    for (const parameter& q : second ? b.parameters() : a.parameters()) {
      if (q.name != p.name) continue;
      const auto& got = second ? gradients_b : gradients_a;
      for (std::int64_t k = 0; k < p.size; ++k)
        REQUIRE(got[static_cast<std::size_t>(q.offset + k)] ==
                wanted[static_cast<std::size_t>(p.offset + k)]);
    }
  }
}

TEST_CASE("gradients of parameters, or of inputs, may be left out") {
  const dynamic_model<double> net(small());
  const auto x = random_tensor(2, 2, 4, 4, 1), g = random_tensor(2, 2, 2, 2, 3);
  const forward_options options{.training = true};
  auto gradients = net.make_gradients();
  auto full = net.forward(x, options);
  const tensor<double> wanted(full.backward({g}, gradients)[0]);
  auto frozen = net.forward(x, options);
  CHECK(tensor<double>(frozen.backward({g}, {})[0]) == wanted);
  auto no_input = net.forward(x, options);
  auto again = net.make_gradients();
  CHECK(no_input.backward({g}, again, {.input_gradients = false}).empty());
  CHECK(again == gradients);
  auto none = net.forward(x, options);
  CHECK(none.backward({g}, {}, {.input_gradients = false}).empty());
  auto nothing = net.forward(x, options);
  CHECK(tensor<double>(nothing.backward(std::span<const named_tensor<double>>(), {})[0]) ==
        tensor<double>(2, 2, 4, 4));
}

TEST_CASE("a pass that cannot go back says why") {
  const dynamic_model<double> net(small());
  const auto x = random_tensor(2, 2, 4, 4, 1), g = random_tensor(2, 2, 2, 2, 3);
  auto gradients = net.make_gradients();
  auto inference = net.forward(x);
  CHECK_THROWS_WITH(inference.backward({g}, gradients),
                    "backward: the pass kept no values; wanted forward(..., {.training = true}) or "
                    "{.differentiable = true}");
  auto pass = net.forward(x, {.training = true});
  CHECK_THROWS_WITH(pass.backward({x}, gradients),
                    "backward: given a gradient of 2 x 2 x 4 x 4 for 'conv0', wanted 2 x 2 x 2 x 2");
  CHECK_THROWS_WITH(pass.backward({g, g}, gradients),
                    "backward: given more gradients without a name than the 1 outputs");
  CHECK_THROWS_WITH(pass.backward({{"nowhere", g}}, gradients),
                    "pass: no part of the network is called 'nowhere'");
  std::vector<double> few(3);
  CHECK_THROWS_WITH(pass.backward({g}, few),
                    Catch::StartsWith("backward: given 3 gradients of parameters, wanted "));
  CHECK_NOTHROW(pass.backward({g}, gradients));
  CHECK_THROWS_WITH(pass.backward({g}, gradients),
                    "backward: the pass has gone back already, its values are gone; run forward again");
}

TEST_CASE(
    "a layer without a backward run stops gradients with a sentence, and only those that go through it") {
  const dynamic_model<double> net(input(2) | named("stop", layer(opaque{})) | conv(1));
  const auto x = random_tensor(1, 2, 3, 3, 1), g = random_tensor(1, 1, 3, 3, 2);
  auto gradients = net.make_gradients();
  CHECK_THROWS_WITH(net.forward(x, {.training = true}).backward({g}, gradients),
                    "stop.opaque0: has no backward run, so no gradient passes through it");
  CHECK_NOTHROW(net.forward(x, {.training = true}).backward({g}, gradients, {.input_gradients = false}));
}

TEST_CASE("chance depends on the seed of the pass and on nothing else") {
  const dynamic_model<double> net(input(2) | plain::drop());
  const auto x = random_tensor(2, 2, 8, 8, 1);
  const auto run = [&](std::uint64_t seed) {
    return tensor<double>(net.forward(x, {.training = true, .seed = seed}).output());
  };
  CHECK(run(1) == run(1));
  CHECK_FALSE(run(1) == run(2));
  CHECK(net(x) == x);
  // Two layers of one network draw differently.
  const dynamic_model<double> two(input(2) | branch(plain::drop(), plain::drop()));
  const auto pass = two.forward(x, {.training = true});
  CHECK_FALSE(tensor<double>(pass.output(0)) == tensor<double>(pass.output(1)));
}

TEST_CASE("inference and steps of training allocate nothing after the first") {
  struct definition {
    static constexpr architecture define() { return small(); }
  };
  const auto count = [](auto& net, int height) {
    using scalar = typename std::remove_reference_t<decltype(net)>::scalar;
    const auto x = random_tensor<scalar>(2, 2, height, 4, 1);
    const auto g = random_tensor<scalar>(2, 2, height / 2, 2, 2);
    auto gradients = net.make_gradients();
    const auto run = [&] {
      scalar sum = net.forward(x).output()(0, 0, 0, 0);
      auto pass = net.forward(x, {.training = true, .seed = 3});
      sum += pass["enc"](0, 0, 0, 0);
      sum += pass.backward({{"out", g}}, gradients)[0](0, 0, 0, 0);
      return sum;
    };
    scalar sum = run();
    const std::int64_t before = allocations::count;
    for (int k = 0; k < 10; ++k) sum += run();
    const std::int64_t after = allocations::count;
    REQUIRE(sum == sum);
    REQUIRE(before > 0);
    return after - before;
  };
  model<definition> dynamic_extents;
  CHECK(count(dynamic_extents, 4) == 0);
  CHECK(count(dynamic_extents, 6) == 0);
  model<definition, double, 4, 4> static_extents;
  CHECK(count(static_extents, 4) == 0);
  dynamic_model<float> at_run_time(small());
  CHECK(count(at_run_time, 4) == 0);
}

TEST_CASE("a workspace serves several networks") {
  const dynamic_model<double> a(small()), b(input(2) | conv(5) | conv(1));
  const auto x = random_tensor(2, 2, 4, 4, 1);
  const workspace<double> memory;
  const tensor<double> wanted_a = a(x), wanted_b = b(x);
  for (int k = 0; k < 3; ++k) {
    CHECK(tensor<double>(a.forward(x, {}, &memory).output()) == wanted_a);
    CHECK(tensor<double>(b.forward(x, {}, &memory).output()) == wanted_b);
  }
  CHECK(memory.pool()->waiting.size() == 1);
  const auto kept = a.forward(x, {}, &memory);
  CHECK(kept.memory() > 0);
  CHECK(memory.pool()->waiting.empty());
}

}  // namespace pass_test

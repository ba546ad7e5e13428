#include <catch2/catch.hpp>

#include <lookalike/nn/dynamic_model.hpp>
#include <lookalike/nn/model.hpp>

#include "random_architecture.hpp"

namespace model_test {

using namespace lookalike;
using plain::conv;

namespace {

// The same network at compile time and at run time.
template <int Which>
struct definition {
  static constexpr architecture block(int channels) { return conv(channels) | plain::norm() | plain::relu(); }
  static constexpr architecture unet(int levels, int channels) {
    if (levels == 0) return named("bottleneck", block(channels));
    return named("encoder", block(channels)) |
           skip(plain::pool() | named("below", unet(levels - 1, 2 * channels)) | plain::up()) |
           named("decoder", block(channels));
  }
  static constexpr architecture residual(int channels) {
    return skip(conv(channels) | plain::norm() | plain::relu() | conv(channels) | plain::norm()) |
           plain::add() | plain::relu();
  }
  static constexpr architecture define() {
    architecture a = input(3);
    if (Which == 0) a = a | unet(2, 4) | conv(2, 1);
    if (Which == 1) a = a | conv(4) | repeat(3, residual(4)) | plain::drop() | conv(2);
    if (Which == 2)
      a = a | skip(conv(2)) | shared("t", conv(5) | plain::bend()) | shared("t", conv(5) | plain::bend()) |
          skip(plain::learned(2)) | branch(conv(2), named("x", plain::scale(2) | from("t") | conv(1)));
    return a | expose("conv0");
  }
};

template <class A, class B>
void check_same(A& a, B& b, std::vector<std::array<std::int64_t, 2>> sizes) {
  using scalar = typename A::scalar;
  REQUIRE(a.parameters().size() == b.parameters().size());
  for (std::size_t k = 0; k < a.parameters().size(); ++k) {
    REQUIRE(a.parameters()[k].name == b.parameters()[k].name);
    REQUIRE(a.parameters()[k].offset == b.parameters()[k].offset);
  }
  REQUIRE(std::equal(a.values().begin(), a.values().end(), b.values().begin(), b.values().end()));
  CHECK(a.output_shape() == b.output_shape());
  for (const auto& [height, width] : sizes) {
    const auto x = plain::random_tensor<scalar>(2, 3, height, width, 7);
    auto p = a.forward(x);
    auto q = b.forward(x);
    REQUIRE(p.output_count() == q.output_count());
    for (std::size_t i = 0; i < p.output_count(); ++i)
      REQUIRE(tensor<scalar>(p.output(i)) == tensor<scalar>(q.output(i)));
    REQUIRE(tensor<scalar>(p["conv0"]) == tensor<scalar>(q["conv0"]));
    REQUIRE(p.memory() == q.memory());
    auto r = a.forward(x, {.training = true, .seed = 3});
    auto s = b.forward(x, {.training = true, .seed = 3});
    const tensor<scalar> y(r.output());
    REQUIRE(y == tensor<scalar>(s.output()));
    auto g = a.make_gradients(), h = b.make_gradients();
    const tensor<scalar> into_a(r.backward({y}, g)[0]);
    REQUIRE(into_a == tensor<scalar>(s.backward({y}, h)[0]));
    REQUIRE(g == h);
    REQUIRE(std::equal(a.values().begin(), a.values().end(), b.values().begin(), b.values().end()));
  }
}

template <class Definition, class Scalar>
void check_definition() {
  model<Definition, Scalar> open;
  dynamic_model<Scalar> open_too(Definition::define());
  check_same(open, open_too, {{8, 8}, {4, 12}});
  model<Definition, Scalar, 8, 12> fixed;
  dynamic_model<Scalar> fixed_too(Definition::define(), 8, 12);
  check_same(fixed, fixed_too, {{8, 12}});
  model<Definition, Scalar, 8, 12> fixed_again;
  dynamic_model<Scalar> open_again(Definition::define());
  const auto x = plain::random_tensor<Scalar>(2, 3, 8, 12, 7);
  REQUIRE(fixed_again(x) == open_again(x));
  model<Definition, Scalar, dynamic, 12> half_open;
  REQUIRE(half_open(x) == open_again(x));
}

}  // namespace

TEMPLATE_TEST_CASE_SIG("a network has the same bits whether the compiler or the program made it", "",
                       ((int Which), Which), 0, 1, 2) {
  check_definition<definition<Which>, float>();
  check_definition<definition<Which>, double>();
}

TEST_CASE("a parameter is a view that knows its dimensions") {
  model<definition<0>> net;
  auto weight = net.get<"encoder.conv0.weight">();
  STATIC_REQUIRE(decltype(weight)::dimensions == std::array<std::int64_t, 4>{4, 3, 3, 3});
  STATIC_REQUIRE(decltype(weight)::size() == 108);
  weight(1, 2, 0, 1) = 5;
  CHECK(net.values("encoder.conv0.weight")[1 * 27 + 2 * 9 + 1] == 5);
  const auto& constant = net;
  CHECK(constant.get<"encoder.conv0.weight">()(1, 2, 0, 1) == 5);
  STATIC_REQUIRE(std::is_same_v<decltype(constant.get<"encoder.conv0.bias">().data), const float*>);
  CHECK(net.get<"below.below.bottleneck.norm0.running_mean">().end() -
            net.get<"below.below.bottleneck.norm0.running_mean">().begin() ==
        16);
}

TEST_CASE("the compiler knows how much is learned and what comes out") {
  STATIC_REQUIRE(model<definition<1>>::static_parameter_count == (27 * 4 + 4) + 6 * (36 * 4 + 4 + 8) + 74);
  STATIC_REQUIRE(model<definition<0>>::static_output_shape() == shape{2, dynamic, dynamic});
  STATIC_REQUIRE(model<definition<0>, float, 16, 20>::static_output_shape() == shape{2, 16, 20});
  STATIC_REQUIRE(model<definition<2>>::static_output_shape(1).channels == 1);
  CHECK(model<definition<1>>().parameter_count() == model<definition<1>>::static_parameter_count);
}

TEST_CASE("static extents are insisted on") {
  const model<definition<0>, float, 8, 12> net;
  CHECK(net.input_shape() == shape{3, 8, 12});
  CHECK_THROWS_WITH(net(plain::random_tensor<float>(1, 3, 8, 8, 1)), "input0: expects 12 columns, given 8");
}

}  // namespace model_test

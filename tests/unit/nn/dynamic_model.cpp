#include <catch2/catch.hpp>

#include <lookalike/nn/dynamic_model.hpp>

#include "random_architecture.hpp"

namespace dynamic_model_test {

using namespace lookalike;
using plain::conv;

namespace {

// One number for each row.
struct table {
  static constexpr std::string_view kind = "table";
  constexpr shape infer_shape(std::span<const shape> x, diagnosis&) const { return x[0]; }
  constexpr void parameters(std::span<const shape> x, parameter_list& list) const {
    list.add("weight", {x[0].height}, {});
  }
  void forward(const forward_call<float>&) const {}
  void forward(const forward_call<double>&) const {}
};

}  // namespace

TEST_CASE("an architecture that does not fit together throws the compiler's sentence") {
  CHECK_THROWS_WITH(dynamic_model(input(3) | named("a", plain::product())),
                    "a.product0: expects 2 inputs, given 1");
  CHECK_THROWS_AS(dynamic_model(conv(3)), value_error);
  CHECK_THROWS_WITH(dynamic_model(input(3) | skip(plain::pool()) | conv(1), 8, 8),
                    "conv0.input: expects 8 rows from every branch, given 4");
}

TEST_CASE("the architecture stays what it was") {
  const architecture a = input(3) | conv(2) | plain::norm() | plain::relu();
  const dynamic_model net(a);
  CHECK(net.architecture() == a);
  CHECK(net.program().fused.size() == 2);
}

TEST_CASE("a parameter that depends on open extents is an error that says what to do") {
  CHECK_THROWS_WITH(
      dynamic_model(input(1) | layer(table{})),
      "table0: expects all extents of its input to be known, for its weight; give them to input(...) "
      "or to the model");
  CHECK(dynamic_model(input(1) | layer(table{}), 5).parameters()[0].size == 5);
}

TEST_CASE("layers may exist only at run time") {
  // As a subclass of la.Layer in Python: rules with a context instead of a type.
  struct context {
    double factor;
  };
  static const context three{3};
  layer_rules rules = rules_of<plain::scale_layer>;
  rules.kind = "times";
  rules.context = &three;
  rules.forward_double = [](const layer_rules::instance& i, const forward_call<double>& call) {
    const double factor = static_cast<const context*>(i.context)->factor;
    for_each_pixel(call.output, [&](int n, int y, int x, double* out) {
      for (int c = 0; c < call.output.channels; ++c) out[c] = factor * call.inputs[0].pixel(n, y, x)[c];
    });
  };
  const dynamic_model<double> net(input(1) | layer(rules, std::array<double, 1>{1.0}));
  const auto x = plain::random_tensor(1, 1, 2, 2, 1);
  CHECK(net(x)(0, 0, 1, 1) == 3 * x(0, 0, 1, 1));
}

}  // namespace dynamic_model_test

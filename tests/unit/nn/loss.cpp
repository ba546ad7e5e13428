#include <array>
#include <cmath>
#include <span>
#include <vector>

#include <catch2/catch.hpp>

#include <lookalike/nn/losses/binary_cross_entropy.hpp>
#include <lookalike/nn/losses/cross_entropy.hpp>
#include <lookalike/nn/losses/regression.hpp>

namespace loss_test {

using namespace lookalike;

namespace {

using outputs_of_several = std::span<const tensor_view<const float>>;

/// A user's loss: the sum of all numbers.
const auto total = [](tensor_view<const float> output) {
  loss_value<float> result{0,
                           tensor<float>(output.batch(), output.channels(), output.height(), output.width())};
  for (std::int64_t n = 0; n < output.batch(); ++n)
    for (std::int64_t c = 0; c < output.channels(); ++c) {
      result.value += double{output(n, c, 0, 0)};
      result.gradient(n, c) = 1;
    }
  return result;
};

/// One of two outputs, in which the second does not matter.
const auto first_only = [](outputs_of_several outputs, double scale) {
  joint_loss_value<float> result;
  result.value = scale * double{outputs[0](0, 0, 0, 0)};
  result.gradients.resize(2);
  result.gradients[0] = tensor<float>(outputs[0].batch(), outputs[0].channels());
  result.gradients[0](0, 0) = static_cast<float>(scale);
  return result;
};

}  // namespace

// What is a loss, and what is not.
static_assert(loss<mean_squared_error, float, tensor<float>>);
static_assert(loss<mean_squared_error, double, tensor_view<const double>, tensor<double>>);
static_assert(!loss<mean_squared_error, float, tensor<double>>);
static_assert(!loss<mean_squared_error, float, std::vector<int>>);
static_assert(!loss<mean_squared_error, float>);
static_assert(loss<smooth_l1, float, tensor<float>, tensor<float>>);
static_assert(loss<binary_cross_entropy, float, tensor<float>>);
static_assert(loss<cross_entropy, float, std::vector<int>>);
static_assert(loss<cross_entropy, float, tensor<float>>);
static_assert(loss<cross_entropy, float, tensor<std::int64_t>, tensor<float>>);
static_assert(!loss<cross_entropy, float, std::vector<float>>);
static_assert(!loss<cross_entropy, float, std::vector<int>, tensor<float>, tensor<float>>);
static_assert(single_loss<decltype(total), float> && !joint_loss<decltype(total), float>);
static_assert(joint_loss<decltype(first_only), float, double> &&
              !single_loss<decltype(first_only), float, double>);
static_assert(!loss<decltype(total), double>);

TEST_CASE("a loss of one output is evaluated like one of several") {
  tensor<float> output(2, 3);
  output(1, 2) = 2;
  const std::array<tensor_view<const float>, 2> outputs{output.view(), output.view()};
  const auto one = evaluate_loss<float>(total, outputs_of_several(outputs).first(1));
  CHECK(one.value == 2);
  REQUIRE(one.gradients.size() == 1);
  CHECK(one.gradients[0](1, 2) == 1);
  CHECK_THROWS_WITH(evaluate_loss<float>(total, outputs_of_several(outputs)),
                    "loss: given 2 outputs, wanted the one that it is of");
  const auto library =
      evaluate_loss<float>(mean_squared_error{}, outputs_of_several(outputs).first(1), tensor<float>(2, 3));
  CHECK(library.value == Approx(4.0 / 6));
}

TEST_CASE("a joint loss may leave outputs out, but gradients have to fit") {
  tensor<float> output(2, 3);
  output(0, 0) = 5;
  const std::array<tensor_view<const float>, 2> outputs{output.view(), output.view()};
  const auto both = evaluate_loss<float>(first_only, outputs_of_several(outputs), 3.0);
  CHECK(both.value == 15);
  CHECK(both.gradients[0](0, 0) == 3);
  CHECK(both.gradients[1].empty());
  CHECK_THROWS_WITH(evaluate_loss<float>(first_only, outputs_of_several(outputs).first(1), 3.0),
                    "loss: given 2 gradients for 1 outputs");
  const auto misshapen = [](tensor_view<const float>) { return loss_value<float>{1, tensor<float>(1, 3)}; };
  CHECK_THROWS_WITH(evaluate_loss<float>(misshapen, outputs_of_several(outputs).first(1)),
                    "loss: given a gradient of 1 x 3 x 1 x 1 for output 0 of 2 x 3 x 1 x 1");
}

TEST_CASE("losses of the same output add up") {
  tensor<float> output(1, 2), target(1, 2);
  output(0, 0) = 2;
  output(0, 1) = -1;
  auto sum = mean_squared_error{}(output, target);
  sum.add(mean_absolute_error{}(output, target), 10);
  CHECK(sum.value == Approx(2.5 + 15));
  CHECK(sum.gradient(0, 0) == Approx(2 + 5));
  CHECK(sum.gradient(0, 1) == Approx(-1 - 5));
  CHECK_THROWS_AS(sum.add(total(tensor<float>(2, 1).view())), value_error);
}

}  // namespace loss_test

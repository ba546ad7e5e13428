// Zeros before and after the channels; gradients are checked with those of all layers (gradient_check.cpp).

#include <catch2/catch.hpp>

#include <lookalike/nn/combinators.hpp>
#include <lookalike/nn/dynamic_model.hpp>
#include <lookalike/nn/layers/pad_channels.hpp>

namespace pad_channels_test {

using namespace lookalike;

TEST_CASE("channels of zeros come before and after") {
  const dynamic_model<float> net(input(2) | pad_channels(1, 3));
  CHECK(net.output_shape().channels == 6);
  tensor<float> x(2, 2, 3, 4);
  for (std::int64_t i = 0; i < x.size(); ++i) x.data()[i] = static_cast<float>(i + 1);
  const tensor<float> y = net(x);
  REQUIRE(y.extents() == std::array<std::int64_t, 4>{2, 6, 3, 4});
  for (int n = 0; n < 2; ++n)
    for (int c = 0; c < 6; ++c)
      for (int row = 0; row < 3; ++row)
        for (int column = 0; column < 4; ++column)
          CHECK(y(n, c, row, column) == (c == 1 || c == 2 ? x(n, c - 1, row, column) : 0.0f));
}

TEST_CASE("the gradient is the part of the channels that came in, added to what other readers send") {
  const dynamic_model<float> net(input(2) | branch(pad_channels(1, 0), identity()));
  auto pass = net.forward(tensor<float>(1, 2, 1, 2), {.differentiable = true});
  tensor<float> padded(1, 3, 1, 2), same(1, 2, 1, 2);
  for (std::int64_t i = 0; i < 6; ++i) padded.data()[i] = static_cast<float>(i);
  for (std::int64_t i = 0; i < 4; ++i) same.data()[i] = 100;
  const tensor<float> back(pass.backward({padded, same}, {})[0]);
  for (std::int64_t i = 0; i < 4; ++i) CHECK(back.data()[i] == static_cast<float>(102 + i));
}

TEST_CASE("fewer than no channels are an error") {
  CHECK_THROWS_WITH(dynamic_model<float>(input(2) | pad_channels(-1, 0)),
                    "pad_channels0: expects 0 or more channels on either side, given -1 and 0");
}

}  // namespace pad_channels_test

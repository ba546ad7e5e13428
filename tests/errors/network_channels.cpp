// expected: decoder.conv0: expects 128 channels, given 64
#include <lookalike/nn/combinators.hpp>
#include <lookalike/nn/layers/conv.hpp>
#include <lookalike/nn/model.hpp>

using namespace lookalike;

struct definition {
  static constexpr architecture define() {
    return input(3) | conv(64) | named("decoder", conv(32, {.inputs = 128}));
  }
};
model<definition> net;

// expected: conv0: nothing comes in; a network begins with input(channels)
#include <lookalike/nn/combinators.hpp>
#include <lookalike/nn/layers/conv.hpp>
#include <lookalike/nn/model.hpp>

using namespace lookalike;

struct definition {
  static constexpr architecture define() { return conv(8) | conv(8); }
};
model<definition> net;

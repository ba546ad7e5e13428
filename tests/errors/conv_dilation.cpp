// expected: conv0: expects a dilation of 1 x 1 or more, given 0 x 0
#include <lookalike/nn/combinators.hpp>
#include <lookalike/nn/layers/conv.hpp>
#include <lookalike/nn/model.hpp>

using namespace lookalike;

struct definition {
  static constexpr architecture define() { return input(3) | conv(8, {.dilation = 0}); }
};

model<definition> net;

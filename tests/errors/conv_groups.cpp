// expected: conv1: expects groups that divide 6 input and 4 output channels, given 3
#include <lookalike/nn/combinators.hpp>
#include <lookalike/nn/layers/conv.hpp>
#include <lookalike/nn/model.hpp>

using namespace lookalike;

struct definition {
  static constexpr architecture define() { return input(3) | conv(6) | conv(4, {.groups = 3}); }
};

model<definition> net;

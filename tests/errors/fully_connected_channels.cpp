// expected: fully_connected0: expects 1 or more output channels, given 0
#include <lookalike/nn/combinators.hpp>
#include <lookalike/nn/layers/fully_connected.hpp>
#include <lookalike/nn/model.hpp>

using namespace lookalike;

struct definition {
  static constexpr architecture define() { return input(3, {.height = 4, .width = 4}) | fully_connected(0); }
};

model<definition> net;

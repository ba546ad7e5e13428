// expected: conv0: expects a padding of 0 or more, given -1, 1, -1, 1 (top, left, bottom, right)
#include <lookalike/nn/combinators.hpp>
#include <lookalike/nn/layers/conv.hpp>
#include <lookalike/nn/model.hpp>

using namespace lookalike;

struct definition {
  static constexpr architecture define() { return input(3) | conv(8, {.padding = {-1, 1}}); }
};

model<definition> net;

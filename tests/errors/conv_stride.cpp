// expected: conv0: expects a stride of 1 x 1 or more, given 2 x 0
#include <lookalike/nn/combinators.hpp>
#include <lookalike/nn/layers/conv.hpp>
#include <lookalike/nn/model.hpp>

using namespace lookalike;

struct definition {
  static constexpr architecture define() { return input(3) | conv(8, {.stride = {2, 0}}); }
};

model<definition> net;

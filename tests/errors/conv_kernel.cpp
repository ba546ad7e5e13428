// expected: conv0: expects a kernel of 1 x 1 or more, given 0 x 3
#include <lookalike/nn/combinators.hpp>
#include <lookalike/nn/layers/conv.hpp>
#include <lookalike/nn/model.hpp>

using namespace lookalike;

struct definition {
  static constexpr architecture define() { return input(3) | conv(8, {.kernel = {0, 3}}); }
};

model<definition> net;

// expected: constant0: expects 1 or more channels, given 0
#include <lookalike/nn/combinators.hpp>
#include <lookalike/nn/layers/constant.hpp>
#include <lookalike/nn/model.hpp>

using namespace lookalike;

struct definition {
  static constexpr architecture define() { return branch(input(3), constant(0, 2, 2)); }
};

model<definition> net;

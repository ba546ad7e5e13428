// expected: slice0: expects 1 or more channels from channel 0 or later, given 2 from channel -1
#include <lookalike/nn/combinators.hpp>
#include <lookalike/nn/layers/slice.hpp>
#include <lookalike/nn/model.hpp>

using namespace lookalike;

struct definition {
  static constexpr architecture define() { return input(8) | slice(-1, 2); }
};

model<definition> net;

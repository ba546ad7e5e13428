// expected: slice0: expects 10 or more channels, given 8
#include <lookalike/nn/combinators.hpp>
#include <lookalike/nn/layers/slice.hpp>
#include <lookalike/nn/model.hpp>

using namespace lookalike;

struct definition {
  static constexpr architecture define() { return input(8) | slice(6, 4); }
};

model<definition> net;

// expected: reshape0: expects 1 or more channels, given -1
#include <lookalike/nn/combinators.hpp>
#include <lookalike/nn/layers/reshape.hpp>
#include <lookalike/nn/model.hpp>

using namespace lookalike;

struct definition {
  static constexpr architecture define() { return input(3) | reshape(-1, 2, 2); }
};

model<definition> net;

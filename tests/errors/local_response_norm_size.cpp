// expected: local_response_norm0: expects a window of 1 or more channels, given 0
#include <lookalike/nn/combinators.hpp>
#include <lookalike/nn/layers/local_response_norm.hpp>
#include <lookalike/nn/model.hpp>

using namespace lookalike;

struct definition {
  static constexpr architecture define() { return input(3) | local_response_norm({.size = 0}); }
};

model<definition> net;

// expected: soft_lookup0: expects 1 or more keys and outputs, given 0 and 3
#include <lookalike/nn/combinators.hpp>
#include <lookalike/nn/layers/soft_lookup.hpp>
#include <lookalike/nn/model.hpp>

using namespace lookalike;

struct definition {
  static constexpr architecture define() { return input(3) | soft_lookup(0, 3); }
};

model<definition> net;

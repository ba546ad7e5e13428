// expected: soft_lookup0: expects 0 (all) or more nearest keys, given -2
#include <lookalike/nn/combinators.hpp>
#include <lookalike/nn/layers/soft_lookup.hpp>
#include <lookalike/nn/model.hpp>

using namespace lookalike;

struct definition {
  static constexpr architecture define() { return input(3) | soft_lookup(5, 3, {.nearest = -2}); }
};

model<definition> net;

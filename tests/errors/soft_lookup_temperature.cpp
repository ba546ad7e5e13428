// expected: soft_lookup0: expects a temperature of 0 or more, given one below
#include <lookalike/nn/combinators.hpp>
#include <lookalike/nn/layers/soft_lookup.hpp>
#include <lookalike/nn/model.hpp>

using namespace lookalike;

struct definition {
  static constexpr architecture define() { return input(3) | soft_lookup(5, 3, {.temperature = -1}); }
};

model<definition> net;

// expected: soft_lookup0: expects a temperature above 0 and below infinity to learn from, given a limit
#include <lookalike/nn/combinators.hpp>
#include <lookalike/nn/layers/soft_lookup.hpp>
#include <lookalike/nn/model.hpp>

using namespace lookalike;

struct definition {
  static constexpr architecture define() {
    return input(3) | soft_lookup(5, 3, {.temperature = 0, .learn_temperature = true});
  }
};

model<definition> net;

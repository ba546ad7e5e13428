// expected: elu0: expects an alpha of 0 or more, given one below
#include <lookalike/nn/combinators.hpp>
#include <lookalike/nn/layers/activations.hpp>
#include <lookalike/nn/model.hpp>

using namespace lookalike;

struct definition {
  static constexpr architecture define() { return input(3) | elu(-1); }
};

model<definition> net;

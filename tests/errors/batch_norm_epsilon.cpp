// expected: batch_norm0: expects an epsilon of 0 or more, given one below
#include <lookalike/nn/combinators.hpp>
#include <lookalike/nn/layers/batch_norm.hpp>
#include <lookalike/nn/model.hpp>

using namespace lookalike;

struct definition {
  static constexpr architecture define() { return input(3) | batch_norm({.epsilon = -1e-5}); }
};

model<definition> net;

// expected: batch_norm0: expects a momentum from 0 to 1, given one outside
#include <lookalike/nn/combinators.hpp>
#include <lookalike/nn/layers/batch_norm.hpp>
#include <lookalike/nn/model.hpp>

using namespace lookalike;

struct definition {
  static constexpr architecture define() { return input(3) | batch_norm({.momentum = 1.1}); }
};

model<definition> net;

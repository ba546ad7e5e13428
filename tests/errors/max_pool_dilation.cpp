// expected: max_pool0: expects a dilation of 1 x 1 or more, given 0 x 0
#include <lookalike/nn/combinators.hpp>
#include <lookalike/nn/layers/pooling.hpp>
#include <lookalike/nn/model.hpp>

using namespace lookalike;

struct definition {
  static constexpr architecture define() { return input(3) | max_pool(2, {.dilation = 0}); }
};

model<definition> net;

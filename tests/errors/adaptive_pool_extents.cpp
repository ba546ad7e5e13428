// expected: adaptive_max_pool0: expects an output of 1 x 1 or more, given 0 x 3
#include <lookalike/nn/combinators.hpp>
#include <lookalike/nn/layers/adaptive_pooling.hpp>
#include <lookalike/nn/model.hpp>

using namespace lookalike;

struct definition {
  static constexpr architecture define() { return input(3) | adaptive_max_pool(0, 3); }
};

model<definition> net;

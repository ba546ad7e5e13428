// expected: max_pool0: expects a kernel of 1 x 1 or more, given 0 x 2
#include <lookalike/nn/combinators.hpp>
#include <lookalike/nn/layers/pooling.hpp>
#include <lookalike/nn/model.hpp>

using namespace lookalike;

struct definition {
  static constexpr architecture define() { return input(3) | max_pool({0, 2}, {.stride = 2}); }
};

model<definition> net;

// expected: average_pool0: expects a padding of at most half of a window of 3 columns, given 2
#include <lookalike/nn/combinators.hpp>
#include <lookalike/nn/layers/pooling.hpp>
#include <lookalike/nn/model.hpp>

using namespace lookalike;

struct definition {
  static constexpr architecture define() { return input(3) | average_pool(3, {.padding = {0, 0, 0, 2}}); }
};

model<definition> net;

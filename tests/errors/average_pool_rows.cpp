// expected: average_pool0: expects 5 or more rows, given 4
#include <lookalike/nn/combinators.hpp>
#include <lookalike/nn/layers/pooling.hpp>
#include <lookalike/nn/model.hpp>

using namespace lookalike;

struct definition {
  static constexpr architecture define() { return input(3, {.height = 4, .width = 9}) | average_pool(5); }
};

model<definition> net;

// expected: reshape0: expects 20 numbers, given 3 x 4 x 2
#include <lookalike/nn/combinators.hpp>
#include <lookalike/nn/layers/reshape.hpp>
#include <lookalike/nn/model.hpp>

using namespace lookalike;

struct definition {
  static constexpr architecture define() { return input(3, {.height = 4, .width = 2}) | reshape(5, 2, 2); }
};

model<definition> net;

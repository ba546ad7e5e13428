// expected: crop0: expects 5 or more rows, given 4
#include <lookalike/nn/combinators.hpp>
#include <lookalike/nn/layers/crop.hpp>
#include <lookalike/nn/model.hpp>

using namespace lookalike;

struct definition {
  static constexpr architecture define() { return input(3, {.height = 4, .width = 9}) | crop(2, 0, 2, 0); }
};

model<definition> net;

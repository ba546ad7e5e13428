// expected: upsample0: expects enough columns to keep one, given 3
#include <lookalike/nn/combinators.hpp>
#include <lookalike/nn/layers/resize.hpp>
#include <lookalike/nn/model.hpp>

using namespace lookalike;

struct definition {
  static constexpr architecture define() { return input(3, {.height = 8, .width = 3}) | upsample(0.25); }
};

model<definition> net;

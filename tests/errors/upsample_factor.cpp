// expected: upsample0: expects a factor above 0, given one that is not
#include <lookalike/nn/combinators.hpp>
#include <lookalike/nn/layers/resize.hpp>
#include <lookalike/nn/model.hpp>

using namespace lookalike;

struct definition {
  static constexpr architecture define() { return input(3) | upsample(0); }
};

model<definition> net;

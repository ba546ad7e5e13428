// expected: resize0: expects an output of 1 x 1 or more, given 4 x 0
#include <lookalike/nn/combinators.hpp>
#include <lookalike/nn/layers/resize.hpp>
#include <lookalike/nn/model.hpp>

using namespace lookalike;

struct definition {
  static constexpr architecture define() { return input(3) | resize(4, 0); }
};

model<definition> net;

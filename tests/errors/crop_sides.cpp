// expected: crop0: expects a crop of 0 or more on each side, given 0, -1, 0, 0 (top, left, bottom, right)
#include <lookalike/nn/combinators.hpp>
#include <lookalike/nn/layers/crop.hpp>
#include <lookalike/nn/model.hpp>

using namespace lookalike;

struct definition {
  static constexpr architecture define() { return input(3) | crop(0, -1, 0, 0); }
};

model<definition> net;

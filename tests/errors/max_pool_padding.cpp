// expected: max_pool0: expects a padding of 0 or more, given -1, 0, -1, 0 (top, left, bottom, right)
#include <lookalike/nn/combinators.hpp>
#include <lookalike/nn/layers/pooling.hpp>
#include <lookalike/nn/model.hpp>

using namespace lookalike;

struct definition {
  static constexpr architecture define() { return input(3) | max_pool(3, {.padding = {-1, 0}}); }
};

model<definition> net;

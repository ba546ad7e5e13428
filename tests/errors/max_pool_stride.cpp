// expected: max_pool0: expects a stride of 1 x 1 or more, given -1 x -1
#include <lookalike/nn/combinators.hpp>
#include <lookalike/nn/layers/pooling.hpp>
#include <lookalike/nn/model.hpp>

using namespace lookalike;

struct definition {
  static constexpr architecture define() { return input(3) | max_pool(2, {.stride = -1}); }
};

model<definition> net;

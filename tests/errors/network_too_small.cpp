// expected: max_pool2:
#include <lookalike/nn/combinators.hpp>
#include <lookalike/nn/layers/pooling.hpp>
#include <lookalike/nn/model.hpp>

using namespace lookalike;

struct definition {
  static constexpr architecture define() { return input(3) | max_pool(4) | max_pool(4) | max_pool(2); }
};
model<definition, float, 16, 16> net;

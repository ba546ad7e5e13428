// expected: the network has no input; it begins with input(channels)
#include <lookalike/nn/combinators.hpp>
#include <lookalike/nn/layers/constant.hpp>
#include <lookalike/nn/model.hpp>

using namespace lookalike;

struct definition {
  static constexpr architecture define() { return constant(8, 1, 1); }
};
model<definition> net;

// expected: picture: expects 1 or more channels, given 0
#include <lookalike/nn/combinators.hpp>
#include <lookalike/nn/layers/conv.hpp>
#include <lookalike/nn/model.hpp>

using namespace lookalike;

struct definition {
  static constexpr architecture define() { return input("picture", 0) | conv(8); }
};
model<definition> net;

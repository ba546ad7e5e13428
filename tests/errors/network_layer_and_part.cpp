// expected: conv0: both a layer and a part have this name; expects another name for the part
#include <lookalike/nn/combinators.hpp>
#include <lookalike/nn/layers/conv.hpp>
#include <lookalike/nn/model.hpp>

using namespace lookalike;

struct definition {
  static constexpr architecture define() { return input(3) | conv(8) | named("conv0", conv(8)); }
};
model<definition> net;

// expected: transposed_conv0: expects 1 or more output channels, given -1
#include <lookalike/nn/combinators.hpp>
#include <lookalike/nn/layers/transposed_conv.hpp>
#include <lookalike/nn/model.hpp>

using namespace lookalike;

struct definition {
  static constexpr architecture define() { return input(3) | up_conv(-1); }
};

model<definition> net;

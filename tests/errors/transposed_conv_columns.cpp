// expected: transposed_conv0: expects 2 or more columns, given 1
#include <lookalike/nn/combinators.hpp>
#include <lookalike/nn/layers/transposed_conv.hpp>
#include <lookalike/nn/model.hpp>

using namespace lookalike;

struct definition {
  static constexpr architecture define() {
    return input(3, {.width = 1}) | transposed_conv(8, {.padding = {0, 1}});
  }
};

model<definition> net;

// expected: transposed_conv0: expects an output padding from 0 to 1, less than stride or dilation, given 2
#include <lookalike/nn/combinators.hpp>
#include <lookalike/nn/layers/transposed_conv.hpp>
#include <lookalike/nn/model.hpp>

using namespace lookalike;

struct definition {
  static constexpr architecture define() { return input(3) | transposed_conv(8, {.output_padding = {0, 2}}); }
};

model<definition> net;

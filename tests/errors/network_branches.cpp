// expected: decoder.conv0.input: expects 16 rows from every branch, given 15
#include <lookalike/nn/combinators.hpp>
#include <lookalike/nn/layers/conv.hpp>
#include <lookalike/nn/model.hpp>

using namespace lookalike;

struct definition {
  static constexpr architecture define() {
    return input(3) | skip(conv(8, {.padding = {0, 0, 1, 2}})) | named("decoder", conv(8));
  }
};
model<definition, float, 16, 16> net;

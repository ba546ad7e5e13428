// expected: decoder.from: expects the name of a part before it, given
// expected: encoder.conv7
#include <lookalike/nn/combinators.hpp>
#include <lookalike/nn/layers/conv.hpp>
#include <lookalike/nn/model.hpp>

using namespace lookalike;

struct definition {
  static constexpr architecture define() {
    return input(3) | named("encoder", conv(8)) | named("decoder", from("encoder.conv7"));
  }
};
model<definition> net;

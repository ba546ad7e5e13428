// expected: expose: expects the name of a part, given
// expected: encoder.conf0
#include <lookalike/nn/combinators.hpp>
#include <lookalike/nn/layers/conv.hpp>
#include <lookalike/nn/model.hpp>

using namespace lookalike;

struct definition {
  static constexpr architecture define() {
    return input(3) | named("encoder", conv(8)) | expose("encoder.conf0");
  }
};
model<definition> net;

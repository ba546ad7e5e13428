// expected: encoder.conv0: this name comes twice; expects another name around one of them, or shared(...)
#include <lookalike/nn/combinators.hpp>
#include <lookalike/nn/layers/conv.hpp>
#include <lookalike/nn/model.hpp>

using namespace lookalike;

struct definition {
  static constexpr architecture define() {
    return input(3) | named("encoder", conv(8)) | named("encoder", conv(8));
  }
};
model<definition> net;

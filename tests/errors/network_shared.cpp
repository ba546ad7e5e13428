// expected: tower.conv0: shares its parameters and expects 3 channels as before, given 8
#include <lookalike/nn/combinators.hpp>
#include <lookalike/nn/layers/conv.hpp>
#include <lookalike/nn/model.hpp>

using namespace lookalike;

struct definition {
  static constexpr architecture define() {
    return input(3) | shared("tower", conv(8)) | shared("tower", conv(8));
  }
};
model<definition> net;

// expected: tower.conv0: shares its parameters and expects weight of 8 x 8 x 3 x 3 as before, given weight of 8 x 8 x 1 x 1
#include <lookalike/nn/combinators.hpp>
#include <lookalike/nn/layers/conv.hpp>
#include <lookalike/nn/model.hpp>

using namespace lookalike;

struct definition {
  static constexpr architecture define() {
    return input(8) | shared("tower", conv(8)) | shared("tower", conv(8, {.kernel = 1}));
  }
};
model<definition> net;

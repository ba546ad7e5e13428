// expected: pair.center_crop_to0: expects 2 inputs, given 3
#include <lookalike/nn/combinators.hpp>
#include <lookalike/nn/layers/crop.hpp>
#include <lookalike/nn/model.hpp>

using namespace lookalike;

struct definition {
  static constexpr architecture define() {
    return input(3) | named("pair", branch(identity(), identity(), identity()) | center_crop_to());
  }
};
model<definition> net;

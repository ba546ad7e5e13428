// expected: center_crop_to0: expects 6 or more rows, as many as it is cropped to, given 4
#include <lookalike/nn/combinators.hpp>
#include <lookalike/nn/layers/crop.hpp>
#include <lookalike/nn/model.hpp>

using namespace lookalike;

struct definition {
  static constexpr architecture define() {
    return branch(input("a", 3, {.height = 4}), input("b", 2, {.height = 6})) | center_crop_to();
  }
};

model<definition> net;

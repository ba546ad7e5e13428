// expected: conv0: expects 7 or more rows, given 5
#include <lookalike/nn/combinators.hpp>
#include <lookalike/nn/layers/conv.hpp>
#include <lookalike/nn/model.hpp>

using namespace lookalike;

struct definition {
  static constexpr architecture define() {
    return input(3, {.height = 5}) | conv(8, {.kernel = 7, .padding = 0});
  }
};

model<definition> net;

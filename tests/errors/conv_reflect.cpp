// expected: conv0: expects more than 3 columns to reflect a padding of 3, given 3
#include <lookalike/nn/combinators.hpp>
#include <lookalike/nn/layers/conv.hpp>
#include <lookalike/nn/model.hpp>

using namespace lookalike;

struct definition {
  static constexpr architecture define() {
    return input(3, {.width = 3}) | conv(8, {.kernel = 7, .border = padding_mode::reflect});
  }
};

model<definition> net;

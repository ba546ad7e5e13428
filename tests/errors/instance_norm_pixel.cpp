// expected: instance_norm0: expects more than one pixel to normalize over, given 1 x 1
#include <lookalike/nn/combinators.hpp>
#include <lookalike/nn/layers/instance_norm.hpp>
#include <lookalike/nn/model.hpp>

using namespace lookalike;

struct definition {
  static constexpr architecture define() { return input(3, {.height = 1, .width = 1}) | instance_norm(); }
};

model<definition> net;

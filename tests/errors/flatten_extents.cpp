// expected: flatten0: expects a height and width that are known in advance, given dynamic ones
#include <lookalike/nn/combinators.hpp>
#include <lookalike/nn/layers/reshape.hpp>
#include <lookalike/nn/model.hpp>

using namespace lookalike;

struct definition {
  static constexpr architecture define() { return input(3) | flatten(); }
};

model<definition> net;

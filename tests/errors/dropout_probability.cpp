// expected: dropout0: expects a probability from 0 to 1, given more
#include <lookalike/nn/combinators.hpp>
#include <lookalike/nn/layers/dropout.hpp>
#include <lookalike/nn/model.hpp>

using namespace lookalike;

struct definition {
  static constexpr architecture define() { return input(3) | dropout(1.5); }
};

model<definition> net;

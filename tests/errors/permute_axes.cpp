// expected: permute0: expects 0, 1 and 2 in some order, given 0, 1, 1
#include <lookalike/nn/combinators.hpp>
#include <lookalike/nn/layers/permute.hpp>
#include <lookalike/nn/model.hpp>

using namespace lookalike;

struct definition {
  static constexpr architecture define() { return input(3) | permute(0, 1, 1); }
};

model<definition> net;

// expected: add0: expects 8 channels from every branch, given 4
#include <lookalike/nn/combinators.hpp>
#include <lookalike/nn/layers/elementwise.hpp>
#include <lookalike/nn/model.hpp>

using namespace lookalike;

struct definition {
  static constexpr architecture define() { return branch(input("a", 8), input("b", 4)) | add(); }
};

model<definition> net;

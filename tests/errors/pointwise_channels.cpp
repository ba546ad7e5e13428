// expected: pointwise0: expects 8 channels from every branch, given 4
#include <lookalike/nn/combinators.hpp>
#include <lookalike/nn/model.hpp>
#include <lookalike/nn/pointwise.hpp>

using namespace lookalike;

struct definition {
  static constexpr architecture define() {
    return branch(input("a", 8), input("b", 4)) | pointwise([](auto x, auto y) { return x * y; });
  }
};

model<definition> net;

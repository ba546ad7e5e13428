// expected: pointwise0: expects 2 inputs, given 1
#include <lookalike/nn/combinators.hpp>
#include <lookalike/nn/model.hpp>
#include <lookalike/nn/pointwise.hpp>

using namespace lookalike;

struct definition {
  static constexpr architecture define() {
    return input(3) | pointwise([](auto x, auto y) { return x * y; });
  }
};

model<definition> net;

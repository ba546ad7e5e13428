// expected: embedding0: expects 1 or more rows of 1 or more numbers, given 0 of 4
#include <lookalike/nn/combinators.hpp>
#include <lookalike/nn/layers/embedding.hpp>
#include <lookalike/nn/model.hpp>

using namespace lookalike;

struct definition {
  static constexpr architecture define() { return input(1) | embedding(0, 4); }
};

model<definition> net;

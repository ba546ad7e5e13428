// expected: embedding0: expects 1 channel of row numbers, given 3
#include <lookalike/nn/combinators.hpp>
#include <lookalike/nn/layers/embedding.hpp>
#include <lookalike/nn/model.hpp>

using namespace lookalike;

struct definition {
  static constexpr architecture define() { return input(3) | embedding(10, 4); }
};

model<definition> net;

// expected: fully_connected0: expects all extents of its input to be known, for its weight; give them to input(...) or to the model
#include <lookalike/nn/combinators.hpp>
#include <lookalike/nn/layers/fully_connected.hpp>
#include <lookalike/nn/model.hpp>

using namespace lookalike;

struct definition {
  static constexpr architecture define() { return input(3) | fully_connected(10); }
};
model<definition> net;

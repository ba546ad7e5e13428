// expected: leaky_relu0: expects a slope of 0 or more, given one below
#include <lookalike/nn/combinators.hpp>
#include <lookalike/nn/layers/activations.hpp>
#include <lookalike/nn/model.hpp>

using namespace lookalike;

struct definition {
  static constexpr architecture define() { return input(3) | leaky_relu(-0.1); }
};

model<definition> net;

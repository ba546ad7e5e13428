// expected: the network yields nothing
#include <lookalike/nn/combinators.hpp>
#include <lookalike/nn/model.hpp>

using namespace lookalike;

struct definition {
  static constexpr architecture define() { return input(3) | branch(constexpr_vector<architecture>{}); }
};
model<definition> net;

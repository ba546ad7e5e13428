// expected: group_norm0: expects groups that divide 6 channels, given 4
#include <lookalike/nn/combinators.hpp>
#include <lookalike/nn/layers/group_norm.hpp>
#include <lookalike/nn/model.hpp>

using namespace lookalike;

struct definition {
  static constexpr architecture define() { return input(6) | group_norm(4); }
};

model<definition> net;

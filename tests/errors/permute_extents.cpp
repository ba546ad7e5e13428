// expected: permute0: expects an extent that is known in advance where it becomes channels, given a dynamic one
#include <lookalike/nn/combinators.hpp>
#include <lookalike/nn/layers/permute.hpp>
#include <lookalike/nn/model.hpp>

using namespace lookalike;

struct definition {
  static constexpr architecture define() { return input(3) | permute(1, 0, 2); }
};

model<definition> net;

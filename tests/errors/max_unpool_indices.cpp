// expected: max_unpool0: expects as many indices as values, given 2 channels for 3
#include <lookalike/nn/combinators.hpp>
#include <lookalike/nn/layers/max_unpool.hpp>
#include <lookalike/nn/model.hpp>

using namespace lookalike;

struct definition {
  static constexpr architecture define() { return branch(input("a", 3), input("b", 2)) | max_unpool(2); }
};

model<definition> net;

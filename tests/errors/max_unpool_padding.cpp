// expected: max_unpool0: expects a padding of 0 or more, given -1, -1, -1, -1 (top, left, bottom, right)
#include <lookalike/nn/combinators.hpp>
#include <lookalike/nn/layers/max_unpool.hpp>
#include <lookalike/nn/model.hpp>

using namespace lookalike;

struct definition {
  static constexpr architecture define() {
    return branch(input("a", 3), input("b", 3)) | max_unpool(2, {.padding = -1});
  }
};

model<definition> net;

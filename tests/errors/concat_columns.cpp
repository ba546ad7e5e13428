// expected: concat0: expects 8 columns from every branch, given 6
#include <lookalike/nn/combinators.hpp>
#include <lookalike/nn/layers/concat.hpp>
#include <lookalike/nn/model.hpp>

using namespace lookalike;

struct definition {
  static constexpr architecture define() {
    return branch(input("a", 3, {.width = 8}), input("b", 2, {.width = 6})) | concat();
  }
};

model<definition> net;

// expected: multiply0: expects 8 rows from every branch, given 6
#include <lookalike/nn/combinators.hpp>
#include <lookalike/nn/layers/elementwise.hpp>
#include <lookalike/nn/model.hpp>

using namespace lookalike;

struct definition {
  static constexpr architecture define() {
    return branch(input("a", 3, {.height = 8}), input("b", 3, {.height = 6})) | multiply();
  }
};

model<definition> net;

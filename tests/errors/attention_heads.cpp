// expected: attention0: expects heads that divide 8 channels of queries and 6 of values, given 4
#include <lookalike/nn/combinators.hpp>
#include <lookalike/nn/layers/soft_lookup.hpp>
#include <lookalike/nn/model.hpp>

using namespace lookalike;

struct definition {
  static constexpr architecture define() {
    return branch(input("z", 8), input("k", 8), input("v", 6)) | attention({.heads = 4});
  }
};

model<definition> net;

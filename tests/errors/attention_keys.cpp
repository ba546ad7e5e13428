// expected: attention0: expects keys of 8 channels, as many as queries, given 4
#include <lookalike/nn/combinators.hpp>
#include <lookalike/nn/layers/soft_lookup.hpp>
#include <lookalike/nn/model.hpp>

using namespace lookalike;

struct definition {
  static constexpr architecture define() {
    return branch(input("z", 8), input("k", 4), input("v", 8)) | attention();
  }
};

model<definition> net;

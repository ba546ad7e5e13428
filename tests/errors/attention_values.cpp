// expected: attention0: expects as many values as keys, given 5 columns for 4
#include <lookalike/nn/combinators.hpp>
#include <lookalike/nn/layers/soft_lookup.hpp>
#include <lookalike/nn/model.hpp>

using namespace lookalike;

struct definition {
  static constexpr architecture define() {
    return branch(input("z", 8), input("k", 8, {.width = 4}), input("v", 2, {.width = 5})) | attention();
  }
};

model<definition> net;

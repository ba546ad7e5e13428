// expected: resize0: expects bilinear interpolation where corners are aligned, given nearest
#include <lookalike/nn/combinators.hpp>
#include <lookalike/nn/layers/resize.hpp>
#include <lookalike/nn/model.hpp>

using namespace lookalike;

struct definition {
  static constexpr architecture define() { return input(3) | resize(4, 4, {.align_corners = true}); }
};

model<definition> net;

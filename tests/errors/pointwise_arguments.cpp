// expected: pointwise: expects a function of 1 to 8 numbers
#include <lookalike/nn/pointwise.hpp>

using namespace lookalike;

architecture net = pointwise([] { return 1.0; });

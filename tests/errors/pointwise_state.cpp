// expected: pointwise: expects a function without state, such as a lambda that captures nothing
#include <lookalike/nn/pointwise.hpp>

using namespace lookalike;

architecture scaled(double factor) {
  return pointwise([factor](auto x) { return factor * x; });
}

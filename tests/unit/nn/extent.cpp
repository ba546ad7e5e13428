#include <catch2/catch.hpp>

#include <lookalike/nn/extent.hpp>

namespace extent_test {

using namespace lookalike;

namespace {

struct options {
  extent_2d kernel = 3;
  padding_2d padding = same;
};
constexpr options describe(options o) {
  return o;
}

// One number, a pair, or all four sides.
static_assert(describe({.kernel = 5}).kernel == extent_2d(5, 5));
static_assert(describe({.kernel = {5, 3}}).kernel.width == 3);
static_assert(describe({.padding = 2}).padding == padding_2d(2, 2, 2, 2));
static_assert(describe({.padding = {1, 2}}).padding == padding_2d(1, 2, 1, 2));
static_assert(describe({.padding = {1, 2, 3, 4}}).padding.bottom == 3);
static_assert(describe({.padding = 0}).padding != padding_2d(same));
static_assert(describe({}).padding.is_same);

}  // namespace

TEST_CASE("same padding makes up for the reach of the kernel, the larger half after") {
  for (int kernel = 1; kernel <= 8; ++kernel) {
    for (int dilation = 1; dilation <= 3; ++dilation) {
      const padding_2d p = padding_2d(same).resolved({kernel, 3}, {dilation, 1});
      CHECK(p.top + p.bottom == dilation * (kernel - 1));
      CHECK(p.bottom - p.top >= 0);
      CHECK(p.bottom - p.top <= 1);
      CHECK(p.left == 1);
      CHECK(p.right == 1);
      CHECK_FALSE(p.is_same);
    }
  }
}

TEST_CASE("padding in numbers stays as it is, negative ones too") {
  CHECK(padding_2d(-1, 2, 3, 4).resolved(7, 2) == padding_2d(-1, 2, 3, 4));
}

}  // namespace extent_test

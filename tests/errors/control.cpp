// compiles

// The control of the compile-fail tests: with the same compiler and arguments, right code is accepted, so a
// failure elsewhere is never one of a missing header or a wrong flag.

#include <lookalike/lookalike.hpp>

static_assert(lookalike::image<3>::channels == 3);

int main() {
  return lookalike::threads() > 0 ? 0 : 1;
}

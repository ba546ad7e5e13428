// budget: 9 times the reference, 2200 MB

/// \file
/// What it costs to include everything.

#include <lookalike/lookalike.hpp>

int main() {
  return lookalike::threads() > 0 ? 0 : 1;
}

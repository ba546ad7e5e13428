// budget: 5 times the reference, 1400 MB

/// \file
/// What it costs to include everything.

#include <lookalike/lookalike.hpp>

int main() {
  return lookalike::threads() > 0 ? 0 : 1;
}

// budget: 4 times the reference, 1250 MB

/// \file
/// What it costs to include everything.

#include <lookalike/lookalike.hpp>

int main() {
  return lookalike::threads() > 0 ? 0 : 1;
}

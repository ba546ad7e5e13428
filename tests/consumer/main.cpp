/// \file
/// A user's program: it knows nothing of how the library came to it.

#include <iostream>

#include <lookalike/lookalike.hpp>

int main() {
  lookalike::image<3> picture(4, 6, 0.5f);
  const lookalike::byte_image bytes = lookalike::to_bytes(picture);
  std::cout << bytes.height() << "x" << bytes.width() << ", " << lookalike::threads() << " threads\n";
  return bytes(3, 5, 2) == 128 ? 0 : 1;
}

/// \file
/// A user's program: a pipeline with a stage of the user's own, a picture through a file format, and a cut.
/// It knows nothing of how the libraries came to it.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <iostream>
#include <string_view>
#include <tuple>

#include <lookalike/core/parallel.hpp>
#include <lookalike/graph/min_cut.hpp>
#include <lookalike/image/read.hpp>
#include <lookalike/image/write.hpp>
#include <lookalike/stage/branch.hpp>
#include <lookalike/stage/pipeline.hpp>

namespace {

using namespace lookalike;

/// Out to a PNG in memory, and back.
image<3> through_a_file(const image<3>& picture) {
  return decode_image(encode_image(picture, picture_format::png, {.bits = 16}));
}

/// A stage of the user's own.
struct brighten {
  using input = image<3>;
  using output = image<3>;
  static constexpr std::string_view name = "brighten";
  float amount = 0.0f;
  image<3> operator()(image<3> picture) const {
    for (float& value : picture.values()) value = std::min(value + amount, 1.0f);
    return picture;
  }
};

/// The pixels whose red is above one half, with as short an outline as that allows.
mask segment(const image<3>& picture) {
  grid_network network(picture.height(), picture.width());
  for (int y = 0; y < picture.height(); ++y) {
    for (int x = 0; x < picture.width(); ++x) {
      network.terminals(y, x, picture(y, x, 0) > 0.5f ? 1 : 0) = 10;
      if (x + 1 < picture.width()) network.link_right(y, x, 1, 1);
      if (y + 1 < picture.height()) network.link_down(y, x, 1, 1);
    }
  }
  return minimum_cut(network).labels;
}

}  // namespace

int main() {
  image<3> picture(24, 32, 0.25f);
  for (int y = 6; y < 18; ++y) std::ranges::fill(picture.row(y).subspan(3 * 8, 3 * 16), 0.75f);

  const auto difference = [](const std::tuple<image<3>, image<3>>& pair) {
    const auto& [before, after] = pair;
    float largest = 0;
    for (std::size_t i = 0; i < before.values().size(); ++i) {
      largest = std::max(largest, std::abs(before.values()[i] - after.values()[i]));
    }
    return largest;
  };
  const float lost = (skip(&through_a_file) | difference)(picture);
  const auto found = hole_area((brighten{0.2f} | &segment)(picture));
  std::cout << "lost " << lost << " in the file, found " << found << " pixels, on " << threads()
            << " threads\n";
  return lost < 1e-4f && found == 12 * 16 ? 0 : 1;
}

#pragma once

// Scenes for tests: smooth noise with the statistics of photographs, and photographs in memory.

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include <lookalike/core/error.hpp>
#include <lookalike/image/mask.hpp>
#include <lookalike/image/photo_source.hpp>

namespace scenes {

/// A few octaves of value noise around `mean`, with an amplitude that grows with the size of the structure.
inline lookalike::image<3> random_scene(int height, int width, unsigned seed, float mean, float amplitude) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<float> value(-1.0f, 1.0f);
  lookalike::image<3> scene(height, width, mean);
  for (int cell : {64, 24, 8, 3}) {
    const int rows = height / cell + 2, columns = width / cell + 2;
    lookalike::image<3> grid(rows, columns);
    for (float& v : grid.values()) v = value(random);
    for (int y = 0; y < height; ++y) {
      for (int x = 0; x < width; ++x) {
        const float fy = static_cast<float>(y) / static_cast<float>(cell);
        const float fx = static_cast<float>(x) / static_cast<float>(cell);
        const int v = static_cast<int>(fy), u = static_cast<int>(fx);
        const float t = fy - static_cast<float>(v), s = fx - static_cast<float>(u);
        for (int c = 0; c < 3; ++c) {
          scene(y, x, c) += amplitude * static_cast<float>(cell) *
                            ((1 - t) * ((1 - s) * grid(v, u, c) + s * grid(v, u + 1, c)) +
                             t * ((1 - s) * grid(v + 1, u, c) + s * grid(v + 1, u + 1, c)));
        }
      }
    }
  }
  return scene;
}

/// In the range of L*a*b*.
inline lookalike::image<3> random_lab(int height, int width, unsigned seed) {
  return random_scene(height, width, seed, 50.0f, 0.3f);
}

/// sRGB, within [0, 1].
inline lookalike::image<3> random_photo(int height, int width, unsigned seed) {
  return random_scene(height, width, seed, 0.5f, 0.004f);
}

inline lookalike::mask box_hole(int height, int width, int top, int left, int bottom, int right) {
  lookalike::mask hole(height, width);
  for (int y = top; y < bottom; ++y) {
    for (int x = left; x < right; ++x) hole(y, x) = 1;
  }
  return hole;
}

/// Photographs in memory, their ids 0, 1, 2 ...
struct album : lookalike::photo_source {
  std::vector<lookalike::byte_image> photos;
  std::int64_t unreadable = -1;

  lookalike::byte_image read_photo(std::int64_t id) const override {
    if (id == unreadable)
      throw lookalike::file_error("album: given an id that cannot be read, wanted another");
    return photos.at(static_cast<std::size_t>(id));
  }
  std::string photo_name(std::int64_t id) const override { return "photo " + std::to_string(id); }
};

}  // namespace scenes

#pragma once

/// \file
/// Folders of pictures for the tests of collections.

#include <cmath>
#include <filesystem>
#include <string>

#include <catch2/catch.hpp>

#include <lookalike/image/image.hpp>
#include <lookalike/image/write.hpp>

#include "../scratch_folder.hpp"

namespace test {

/// A picture of waves, another one for each number.
inline lookalike::image<3> waves(int number, int height = 48, int width = 64) {
  lookalike::image<3> picture(height, width);
  const auto phase = static_cast<float>(number);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      const float u = static_cast<float>(x) / static_cast<float>(width);
      const float v = static_cast<float>(y) / static_cast<float>(height);
      const float angle = phase * 2.399963f;
      const float wave =
          std::sin((3 + std::fmod(phase * 1.7f, 9.0f)) * 6.28f * (u * std::cos(angle) + v * std::sin(angle)));
      for (int c = 0; c < 3; ++c) {
        picture(y, x, c) =
            0.5f + 0.3f * wave * std::cos(phase + static_cast<float>(c)) + 0.15f * std::sin(phase * u * v);
      }
    }
  }
  return picture;
}

/// Writes waves(number) as `name` (.jpg or .png) below `folder`.
inline void write_waves(const std::filesystem::path& folder, const std::string& name, int number) {
  const std::filesystem::path path = folder / name;
  std::filesystem::create_directories(path.parent_path());
  lookalike::write_image(path, waves(number));
}

}  // namespace test

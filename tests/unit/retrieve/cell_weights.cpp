#include <random>
#include <vector>

#include <catch2/catch.hpp>

#include <lookalike/retrieve/cell_weights.hpp>

using lookalike::cell_weights;
using lookalike::mask;

TEST_CASE("cells that are wholly known weigh exactly 1, wholly missing ones exactly 0") {
  for (int height : {1, 2, 3, 4, 7, 321}) {
    for (int width : {1, 5, 8, 481}) {
      CHECK(cell_weights(mask(height, width), 4) == std::vector<float>(16, 1.0f));
      CHECK(cell_weights(mask(height, width, 7), 4) == std::vector<float>(16, 0.0f));
    }
  }
}

TEST_CASE("cell weights equal counting in a mask enlarged by the grid") {
  std::mt19937 random(3);
  for (const auto& [height, width] : {std::pair{13, 9}, std::pair{2, 30}, std::pair{40, 3}}) {
    mask hole(height, width);
    for (auto& value : hole.values()) value = random() % 3 == 0 ? 255 : 0;
    for (int grid : {1, 3, 4, 5}) {
      const std::vector<float> weights = cell_weights(hole, grid);
      for (int cy = 0; cy < grid; ++cy) {
        for (int cx = 0; cx < grid; ++cx) {
          // Every pixel as grid x grid smaller ones: a cell then has height x width of them.
          int known = 0;
          for (int y = cy * height; y < (cy + 1) * height; ++y) {
            for (int x = cx * width; x < (cx + 1) * width; ++x) known += hole(y / grid, x / grid) == 0;
          }
          CHECK(weights[static_cast<std::size_t>(cy * grid + cx)] ==
                Approx(static_cast<double>(known) / (height * width)).margin(1e-7));
        }
      }
    }
  }
}

TEST_CASE("a mask without pixels has no cells") {
  CHECK_THROWS_AS(cell_weights(mask(), 4), lookalike::value_error);
  CHECK_THROWS_AS(cell_weights(mask(3, 3), 0), lookalike::value_error);
}

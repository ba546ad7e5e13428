#pragma once

/// \file
/// How much of each cell of a grid is known: the weights of a descriptor of a picture with a hole.

#include <vector>

#include <lookalike/image/mask.hpp>
#include <lookalike/image/resample.hpp>

namespace lookalike {

/// 1 where a pixel is known, 0 where it is missing.
inline image<1> known_pixels(const mask& hole) {
  image<1> known(hole.height(), hole.width());
  for (std::size_t i = 0; i < known.values().size(); ++i) {
    known.data()[i] = hole.data()[i] == 0 ? 1.0f : 0.0f;
  }
  return known;
}

/// The known fraction of each of `grid` x `grid` equal cells, row after row. Pixels on the border between
/// cells count for the part that lies in each. Throws `value_error` for an empty mask.
inline std::vector<float> cell_weights(const mask& hole, int grid) {
  const image<1> fractions = resize(known_pixels(hole), grid, grid, resampling::area);
  std::vector<float> weights;
  for (float fraction : fractions.values()) weights.push_back(std::min(1.0f, std::max(0.0f, fraction)));
  return weights;
}

}  // namespace lookalike

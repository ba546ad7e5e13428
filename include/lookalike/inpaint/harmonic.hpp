#pragma once

/// \file
/// Filling holes with the smoothest surface: the values of a membrane fixed at the hole's border. Laplace's
/// equation with the 5-point stencil; see Bertalmio et al., "Image inpainting", SIGGRAPH 2000, for what more
/// elaborate diffusion adds.

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include <lookalike/image/poisson_equation.hpp>

namespace lookalike {

/// The picture with its missing pixels replaced such that each is the mean of its 4-neighbors.
///
/// Known pixels are returned to the bit. Values inside the hole are not read (they may be NaN). Where the
/// hole touches the picture's border there is no neighbor and nothing flows (Neumann's condition). No channel
/// leaves the range of the known values around the hole. 1, x, y, xy and x^2 - y^2 are reproduced on holes
/// inside the picture. Values may have any range; the error is below 1e-4 of that of the known values around
/// the hole.
///
/// Throws `value_error` when the mask has another extent, is empty or covers everything, or when a known
/// value beside the hole is not finite. O(pixels of the box around the hole), see `solve_poisson`.
template <int Channels>
image<Channels> harmonic_fill(const image<Channels>& picture, const mask& hole,
                              const poisson_equation_options& options = {}, const progress& watcher = {}) {
  require_fillable(picture, hole, "harmonic_fill");
  const auto wanted = detail::checked(options);
  constexpr std::array<std::array<int, 2>, 4> steps{{{0, 1}, {0, -1}, {1, 0}, {-1, 0}}};
  // Calls `visit(y, x)` for the known neighbors of a missing pixel.
  const auto for_known_neighbors = [&](int y, int x, const auto& visit) {
    for (const auto [dy, dx] : steps) {
      if (hole.contains(y + dy, x + dx) && hole(y + dy, x + dx) == 0) visit(y + dy, x + dx);
    }
  };
  const auto for_missing = [&](const auto& visit) {
    for (int y = 0; y < hole.height(); ++y) {
      for (int x = 0; x < hole.width(); ++x) {
        if (hole(y, x) != 0) visit(y, x);
      }
    }
  };

  std::array<float, Channels> lowest, highest;
  lowest.fill(std::numeric_limits<float>::max());
  highest.fill(std::numeric_limits<float>::lowest());
  for_missing([&](int y, int x) {
    for_known_neighbors(y, x, [&](int ny, int nx) {
      for (std::size_t c = 0; c < Channels; ++c) {
        const float value = picture(ny, nx, static_cast<int>(c));
        require(std::isfinite(value), "harmonic_fill: given a value of ", value, " at (", ny, ", ", nx,
                ") beside the hole, wanted finite values");
        lowest[c] = std::min(lowest[c], value);
        highest[c] = std::max(highest[c], value);
      }
    });
  });

  // The correction of a constant guess is what is solved for, so a constant border is met exactly.
  image<Channels> filled = picture;
  const auto middle = [&](std::size_t c) { return 0.5f * lowest[c] + 0.5f * highest[c]; };
  for_missing([&](int y, int x) {
    for (std::size_t c = 0; c < Channels; ++c) filled(y, x, static_cast<int>(c)) = middle(c);
  });
  const auto defect = [&](int y, int x, int c) {
    double sum = 0;
    for_known_neighbors(y, x, [&](int ny, int nx) {
      sum += double{picture(ny, nx, c)} - double{middle(static_cast<std::size_t>(c))};
    });
    return sum;
  };
  detail::poisson_solver(hole).correct(filled, defect, wanted, watcher);
  for_missing([&](int y, int x) {
    for (std::size_t c = 0; c < Channels; ++c) {
      float& value = filled(y, x, static_cast<int>(c));
      value = std::clamp(value, lowest[c], highest[c]);
    }
  });
  return filled;
}

}  // namespace lookalike

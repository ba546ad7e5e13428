#pragma once

#include <array>
#include <cstddef>
#include <vector>

#include <Eigen/Sparse>

#include <lookalike/image/mask.hpp>

namespace test {

/// The truth for everything that solves a Poisson equation: the sparse system, written down pixel by pixel in
/// double precision and factored. Solves, at every pixel that `unknown` marks,
///   sum over 4-neighbors q inside the picture of (v_p - v_q) + screening_p v_p = right_side(p, channel),
/// with v = `known(q, channel)` where it is not marked. The system must be regular.
template <int Channels, class Known, class RightSide, class Screening>
lookalike::image<Channels, double> direct_poisson(const lookalike::mask& unknown, const Known& known,
                                                  const RightSide& right_side, const Screening& screening) {
  const int height = unknown.height(), width = unknown.width();
  lookalike::image<1, int> number(height, width, -1);
  int count = 0;
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      if (unknown(y, x) != 0) number(y, x) = count++;
    }
  }
  std::vector<Eigen::Triplet<double>> entries;
  Eigen::MatrixXd b(count, Channels);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      const int row = number(y, x);
      if (row < 0) continue;
      double diagonal = screening(y, x);
      for (int c = 0; c < Channels; ++c) b(row, c) = right_side(y, x, c);
      for (const auto [v, u] : {std::array{y, x + 1}, {y, x - 1}, {y + 1, x}, {y - 1, x}}) {
        if (!unknown.contains(v, u)) continue;
        diagonal += 1;
        if (number(v, u) >= 0) {
          entries.emplace_back(row, number(v, u), -1.0);
        } else {
          for (int c = 0; c < Channels; ++c) b(row, c) += known(v, u, c);
        }
      }
      entries.emplace_back(row, row, diagonal);
    }
  }
  Eigen::SparseMatrix<double> matrix(count, count);
  matrix.setFromTriplets(entries.begin(), entries.end());
  const Eigen::SimplicialLDLT<Eigen::SparseMatrix<double>> factored(matrix);
  const Eigen::MatrixXd solved = factored.solve(b);
  lookalike::image<Channels, double> result(height, width);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      for (int c = 0; c < Channels; ++c) {
        result(y, x, c) = number(y, x) < 0 ? known(y, x, c) : solved(number(y, x), c);
      }
    }
  }
  return result;
}

}  // namespace test

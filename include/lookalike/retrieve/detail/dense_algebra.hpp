#pragma once

/// \file
/// The two decompositions that principal components need, by Eigen. Eigen's templates take the compiler
/// seconds in every file that sees them; who links `lookalike::compiled` (which defines LOOKALIKE_COMPILED)
/// finds both functions there, and Eigen is not included at all.

#include <cstdint>
#include <span>
#include <vector>

#include <lookalike/core/memory.hpp>

#ifdef LOOKALIKE_COMPILED
#define LOOKALIKE_COMPILED_FUNCTION
#else
#define LOOKALIKE_COMPILED_FUNCTION inline
#endif

// LOOKALIKE_COMPILING is defined where lookalike::compiled itself is made (cmake/lookalike_compiled.cmake).
#if !defined LOOKALIKE_COMPILED || defined LOOKALIKE_COMPILING
#include <Eigen/Eigenvalues>
#include <Eigen/QR>
#endif

namespace lookalike::detail {

/// Replaces `count` rows of `dimension` numbers, `count` <= `dimension`, by as many orthonormal rows that
/// span the same space (Householder's QR decomposition).
LOOKALIKE_COMPILED_FUNCTION void orthonormalize_rows(float* rows, std::int64_t count, std::int64_t dimension);

/// The largest eigenvalues of a symmetric matrix, in descending order, and their eigenvectors, one a row.
struct leading_eigenvectors {
  std::vector<double> values;
  aligned_vector<float> rows;
};

/// Of `symmetric`, `size` x `size`, the `wanted` <= `size` largest.
LOOKALIKE_COMPILED_FUNCTION leading_eigenvectors find_leading_eigenvectors(std::span<const float> symmetric,
                                                                           std::int64_t size,
                                                                           std::int64_t wanted);

#if !defined LOOKALIKE_COMPILED || defined LOOKALIKE_COMPILING

// Columns of Eigen's matrices are rows of ours.
LOOKALIKE_COMPILED_FUNCTION void orthonormalize_rows(float* rows, std::int64_t count,
                                                     std::int64_t dimension) {
  using matrix = Eigen::MatrixXf;
  Eigen::Map<matrix> basis(rows, dimension, count);
  const Eigen::HouseholderQR<matrix> factors(basis);
  basis = factors.householderQ() * matrix::Identity(dimension, count);
}

LOOKALIKE_COMPILED_FUNCTION leading_eigenvectors find_leading_eigenvectors(std::span<const float> symmetric,
                                                                           std::int64_t size,
                                                                           std::int64_t wanted) {
  const Eigen::MatrixXd matrix =
      Eigen::Map<const Eigen::MatrixXf>(symmetric.data(), size, size).cast<double>();
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solver(matrix);
  leading_eigenvectors found;
  found.rows.resize(static_cast<std::size_t>(wanted * size));
  for (std::int64_t i = 0; i < wanted; ++i) {
    found.values.push_back(solver.eigenvalues()[size - 1 - i]);
    Eigen::VectorXf::Map(found.rows.data() + i * size, size) =
        solver.eigenvectors().col(size - 1 - i).cast<float>();
  }
  return found;
}

#endif

}  // namespace lookalike::detail

#undef LOOKALIKE_COMPILED_FUNCTION

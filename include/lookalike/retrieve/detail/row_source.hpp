#pragma once

/// \file
/// Rows of floats that come from somewhere: converted, normalized or scaled as they are read.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>

#include <lookalike/core/memory.hpp>
#include <lookalike/core/parallel.hpp>
#include <lookalike/retrieve/detail/exact_distance.hpp>
#include <lookalike/retrieve/vector_view.hpp>
#include <lookalike/simd/float16.hpp>
#include <lookalike/simd/precise.hpp>

namespace lookalike::detail {

struct row_source {
  std::int64_t count = 0;
  std::int64_t dimension = 0;
  /// Writes `dimension` floats. Called from several threads.
  std::function<void(std::int64_t row, float* to)> read;
};

/// The row as floats.
inline void read_floats(const vector_view& vectors, std::int64_t row, float* to) {
  const std::int64_t dimension = vectors.dimension();
  switch (vectors.type()) {
    case element::float32:
      std::copy_n(vectors.row_as<float>(row), dimension, to);
      return;
    case element::float16:
      simd::widen(vectors.row_as<float16>(row), dimension, to);
      return;
    case element::uint8: {
      const std::uint8_t* from = vectors.row_as<std::uint8_t>(row);
      for (std::int64_t i = 0; i < dimension; ++i) to[i] = static_cast<float>(from[i]);
    }
  }
}

/// Makes the mean 0 and the length 1, so that inner products are correlations; a constant becomes 0.
inline void normalize_row(float* values, std::int64_t dimension) {
  const double mean = simd::precise_sum(values, dimension) / static_cast<double>(dimension);
  const double spread = exact_distance::spread_of(values, dimension, mean);
  const double factor = spread == 0 ? 0 : 1 / spread;
  for (std::int64_t i = 0; i < dimension; ++i) {
    values[i] = static_cast<float>((static_cast<double>(values[i]) - mean) * factor);
  }
}

/// Vectors as floats whose squared distances or inner products are what `m` asks for.
inline row_source rows_for(const vector_view& vectors, metric m) {
  const bool normalizes = m == metric::correlation;
  return {vectors.size(), vectors.dimension(), [vectors, normalizes](std::int64_t row, float* to) {
            read_floats(vectors, row, to);
            if (normalizes) normalize_row(to, vectors.dimension());
          }};
}

/// Throws `value_error` in the words of `where` when a number is not finite, or a square overflows a double.
inline void require_finite(const vector_view& vectors, const char* where) {
  if (vectors.type() == element::uint8) return;
  constexpr std::int64_t rows_a_step = 256;
  parallel_for((vectors.size() + rows_a_step - 1) / rows_a_step, [&](std::int64_t step) {
    aligned_vector<float> row(static_cast<std::size_t>(vectors.dimension()));
    const std::int64_t end = std::min(vectors.size(), (step + 1) * rows_a_step);
    for (std::int64_t i = step * rows_a_step; i < end; ++i) {
      read_floats(vectors, i, row.data());
      const double squares = simd::precise_inner_product(row.data(), row.data(), vectors.dimension());
      require(std::isfinite(squares), where, ": given a vector whose squared length is ", squares,
              ", wanted finite numbers");
    }
  });
}

}  // namespace lookalike::detail

#pragma once

/// \file
/// Rows of a table picked by number: words, labels or colors become vectors.

#include <cmath>
#include <cstddef>

#include <lookalike/simd/detail/lanes.hpp>

namespace lookalike::simd::inline LOOKALIKE_SIMD_NAMESPACE {

namespace detail {

/// The row that each pixel asks for: a whole number below `rows`.
template <class Scalar>
std::ptrdiff_t embedding_row(const char* where, const feature_map<const Scalar>& x, std::ptrdiff_t i,
                             std::ptrdiff_t rows) {
  const Scalar index = x.data[i * x.pitch];
  if (!(index >= 0 && index < static_cast<Scalar>(rows) && index == std::floor(index))) {
    require(false, where, ": given index ", index, " at pixel ", i,
            " of the batch, wanted a whole number from 0 to ", rows - 1);
  }
  return static_cast<std::ptrdiff_t>(index);
}

template <class Map>
void require_embedding(const char* where, const Map& x, const Map& y) {
  require(x.channels == 1 && x.batch == y.batch && x.height == y.height && x.width == y.width, where,
          ": given indices of ", printed_extents<Map>{x}, " for a map of ", printed_extents<Map>{y},
          ", wanted one channel and the same number of pixels");
}

}  // namespace detail

/// y = row x of `table` at each pixel. x has one channel; the table has `rows` rows of y.channels numbers,
/// one after another. Throws `value_error` for an index that is no row.
template <class Scalar>
void embedding(const input_map<Scalar>& x, const std::type_identity_t<Scalar>* table, std::ptrdiff_t rows,
               const feature_map<Scalar>& y) {
  detail::require_embedding<feature_map<const Scalar>>("embedding", x, y);
  detail::for_ranges(
      y.pixels(), y.channels * std::ptrdiff_t{2}, [&](std::ptrdiff_t first, std::ptrdiff_t last) {
        for (std::ptrdiff_t i = first; i < last; ++i) {
          const Scalar* row = table + detail::embedding_row<Scalar>("embedding", x, i, rows) * y.channels;
          std::copy_n(row, y.channels, y.data + i * y.pitch);
        }
      });
}

/// Adds the gradient of each pixel to its row of `table_gradient`, in the order of the pixels. There is no
/// gradient of x.
template <class Scalar>
void embedding_backward(const input_map<Scalar>& x, const input_map<Scalar>& gy, std::ptrdiff_t rows,
                        Scalar* table_gradient) {
  detail::require_embedding<feature_map<const Scalar>>("embedding_backward", x, gy);
  // each thread has channels of its own, so that the order of additions is always the same
  constexpr std::ptrdiff_t width = 256 / sizeof(Scalar);
  const std::ptrdiff_t slices = detail::rounded_up_quotient(gy.channels, width);
  detail::for_blocks(slices, gy.pixels() * gy.channels * 3, [&](std::ptrdiff_t slice) {
    const std::ptrdiff_t first = slice * width;
    const std::ptrdiff_t channels = std::min<std::ptrdiff_t>(width, gy.channels - first);
    for (std::ptrdiff_t i = 0; i < gy.pixels(); ++i) {
      const Scalar* gradient = gy.data + i * gy.pitch + first;
      Scalar* row = table_gradient +
                    detail::embedding_row<Scalar>("embedding_backward", x, i, rows) * gy.channels + first;
      detail::for_vectors<Scalar>(channels, [&](std::ptrdiff_t c, auto vector) {
        vector.store(row + c, vector.load(row + c) + vector.load(gradient + c));
      });
    }
  });
}

}  // namespace lookalike::simd::inline LOOKALIKE_SIMD_NAMESPACE

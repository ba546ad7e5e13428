#pragma once

/// \file
/// Exact search that reads everything: products of matrices, with a bound of their rounding errors, select
/// what is then measured. Nothing is kept of the products but what may be among the nearest.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <span>
#include <utility>
#include <vector>

#include <lookalike/core/memory.hpp>
#include <lookalike/retrieve/detail/nearest_list.hpp>
#include <lookalike/retrieve/detail/pruned_search.hpp>
#include <lookalike/retrieve/detail/row_source.hpp>
#include <lookalike/retrieve/metric.hpp>
#include <lookalike/retrieve/principal_components.hpp>
#include <lookalike/simd/inner_product.hpp>
#include <lookalike/simd/matrix_product.hpp>
#include <lookalike/simd/quantized_product.hpp>

namespace lookalike::detail {

/// How the distance of floats is made of products: constant - (factor * product + offset).
class product_distance {
 public:
  product_distance(metric m, std::int64_t dimension) : metric_(m), dimension_(dimension) {}

  float factor() const { return metric_ == metric::squared_l2 ? 2.0f : 1.0f; }
  double constant(double squares) const {
    return metric_ == metric::squared_l2 ? squares : metric_ == metric::inner_product ? 0.0 : 1.0;
  }

  /// A product of floats, summed in whatever order, is wrong by at most n u |a| |b| / (1 - n u) for n numbers
  /// and the unit u of rounding. So a promise is right up to `tail` times the length of the row: what
  /// normalizing and a few operations more add is in it too.
  float tail(double length) const {
    const double unit = static_cast<double>(std::numeric_limits<float>::epsilon()) / 2;
    const double rounding = static_cast<double>(dimension_ + 16) * unit;
    if (rounding > 0.1) return std::numeric_limits<float>::infinity();
    return static_cast<float>(static_cast<double>(factor()) * 1.15 * rounding * length + 1e-30);
  }

  void describe(const float* row, float& offset, float& length) const {
    constexpr float infinity = std::numeric_limits<float>::infinity();
    const double squares = simd::precise_inner_product(row, row, dimension_);
    require(std::isfinite(squares), "search: given a vector whose squared length is ", squares,
            ", wanted finite numbers");
    length = squares < 1e30 ? static_cast<float>(std::sqrt(squares) * (1 + 1e-6)) : infinity;
    // Three roundings of sums of the size of the square.
    offset =
        metric_ == metric::squared_l2 && squares < 1e30 ? static_cast<float>(-squares * (1 - 4e-7)) : 0.0f;
  }

 private:
  metric metric_;
  std::int64_t dimension_;
};

/// Rows [first, last) for all of `searches`; query q's floats begin at `queries + q * dimension`, and its
/// squared length is `squares[q]`.
inline void search_products(const vector_view& vectors, metric m, std::int64_t first, std::int64_t last,
                            const float* queries, std::span<const double> squares,
                            std::span<best_first_search> searches, int k, const progress& heartbeat) {
  const std::int64_t dimension = vectors.dimension();
  const auto count = static_cast<std::int64_t>(searches.size());
  const product_distance distance(m, dimension);
  const bool in_place = vectors.type() == element::float32 && m != metric::correlation;
  const row_source source = rows_for(vectors, m);
  const std::int64_t tile = std::clamp<std::int64_t>((std::int64_t{1} << 18) / dimension / 16 * 16, 16, 1024);
  aligned_vector<float> copy(in_place ? 0 : static_cast<std::size_t>(tile * dimension));
  aligned_vector<float> products(static_cast<std::size_t>(tile * count));
  std::vector<float> offsets(static_cast<std::size_t>(tile)), lengths(offsets.size());
  std::vector<float> promises(offsets.size() + simd::kept_room);
  std::vector<std::uint32_t> kept(promises.size());
  aligned_vector<float> scratch(
      static_cast<std::size_t>(simd::matrix_product_scratch<float>(tile, count, dimension, 1)));
  // Products run faster over columns that lie side by side; what they yield is turned back, tile by tile.
  aligned_vector<float> across, crossed;
  if (count > 1) {
    across.resize(static_cast<std::size_t>(count * dimension));
    crossed.resize(products.size());
    simd::detail::copy_matrix(queries, 1, dimension, dimension, count, across.data(), count);
  }
  std::int64_t next_measured = first + 1;
  std::vector<float> tails;
  std::vector<double> constants;
  for (const double square : squares) {
    tails.push_back(distance.tail(std::sqrt(square)));
    // What products of numbers below the smallest normal one lose is less than this.
    constants.push_back(distance.constant(square) * (1 - 1e-12) - 1e-30 -
                        (m == metric::correlation ? 1e-6 : 0));
  }
  for (std::int64_t row = first; row < last; row += tile) {
    report(heartbeat, "look up", row - first, last - first);
    const std::int64_t rows = std::min(tile, last - row);
    const float* data = in_place ? vectors.row_as<float>(row) : copy.data();
    for (std::int64_t i = 0; i < rows; ++i) {
      if (!in_place) source.read(row + i, copy.data() + i * dimension);
      const auto at = static_cast<std::size_t>(i);
      distance.describe(data + i * dimension, offsets[at], lengths[at]);
    }
    if (count == 1) {
      simd::inner_products(rows, dimension, data, dimension, queries, products.data());
    } else {
      simd::matrix_product<float>(rows_of(data, rows, dimension),
                                  rows_of(std::as_const(across).data(), dimension, count), nullptr,
                                  rows_of(crossed.data(), rows, count), false, scratch);
      simd::detail::copy_matrix(crossed.data(), 1, count, count, rows, products.data(), rows);
    }
    const bool tightens = row + rows >= next_measured;
    if (tightens) next_measured = first + 2 * (row + rows - first);
    for (std::int64_t q = 0; q < count; ++q) {
      const auto at = static_cast<std::size_t>(q);
      best_first_search& search = searches[at];
      const auto found = static_cast<std::size_t>(simd::keep_promising<simd::kept_value::promise>(
          products.data() + q * rows, offsets.data(), lengths.data(), rows, distance.factor(), tails[at],
          search.cut(constants[at]), static_cast<std::uint32_t>(row), promises.data(), kept.data()));
      search.add_waiting({promises.data(), found}, {kept.data(), found});
      if (tightens || search.waiting() > static_cast<std::size_t>(8 * k + 1024)) {
        search.tighten(constants[at], static_cast<std::size_t>(k));
      }
    }
  }
  for (std::size_t q = 0; q < searches.size(); ++q) searches[q].finish(constants[q]);
}

}  // namespace lookalike::detail

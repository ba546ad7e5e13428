#pragma once

/// \file
/// The layout in which descriptors are stored, and the exact search over it.
///
/// The distance from a query g with cell weights w to a stored descriptor g' is, up to a constant of the
/// query, one inner product, whatever the mask:
///
///     sum_c w_c |g_c - g'_c|^2  =  [-2 w g, w] . [g', |g'_c|^2]  +  sum_c w_c |g_c|^2
///
/// so a stored row is [values, squared norms of the cells, zeros up to a multiple of 16]. The product cancels
/// digits where the distance is small against the norms. Therefore it only selects: every row whose product
/// could, within its rounding error, belong to the nearest k is measured again, term by term in double
/// precision. The result is that of an exact search by definition.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <utility>
#include <vector>

#include <lookalike/core/memory.hpp>
#include <lookalike/core/parallel.hpp>
#include <lookalike/retrieve/descriptor.hpp>
#include <lookalike/retrieve/search.hpp>
#include <lookalike/simd/inner_product.hpp>

namespace lookalike::detail {

/// Floats in a stored row.
inline std::size_t row_length(std::span<const descriptor_block> blocks) {
  constexpr std::size_t multiple = 16;
  return (value_count(blocks) + cell_count(blocks) + multiple - 1) / multiple * multiple;
}

/// Appends the row of `d` to `rows`.
inline void append_row(const descriptor& d, std::vector<float>& rows) {
  const std::size_t end = rows.size() + row_length(d.blocks);
  rows.insert(rows.end(), d.values.begin(), d.values.end());
  for_each_cell(d.blocks, [&](std::size_t block, std::size_t, std::size_t first) {
    double norm = 0;
    for (std::size_t i = first; i < first + static_cast<std::size_t>(d.blocks[block].values_per_cell); ++i) {
      norm += static_cast<double>(d.values[i]) * static_cast<double>(d.values[i]);
    }
    rows.push_back(static_cast<float>(norm));
  });
  rows.resize(end, 0.0f);
}

/// Stored rows, somewhere in memory.
struct row_view {
  const float* data = nullptr;
  std::int64_t count = 0;
  std::span<const descriptor_block> blocks;
  /// Floats from row to row; 0: `row_length(blocks)`.
  std::size_t row_pitch = 0;

  std::size_t pitch() const { return row_pitch != 0 ? row_pitch : row_length(blocks); }
  std::span<const float> values(std::int64_t row) const {
    return {data + static_cast<std::size_t>(row) * pitch(), value_count(blocks)};
  }
};

/// For each block, the mean squared distance of two stored descriptors: twice the sum of the variances of its
/// values. Measured on at most 4096 evenly spaced rows of those that `is_live`; 1 where all are alike.
template <class IsLive>
std::vector<double> mean_squared_distances(const row_view& rows, const IsLive& is_live) {
  constexpr std::int64_t sample = 4096;
  const std::size_t length = value_count(rows.blocks);
  const std::int64_t step = std::max<std::int64_t>(1, rows.count / sample);
  std::vector<double> sums(length), squares(length);
  double count = 0;
  for (std::int64_t row = 0; row < rows.count; row += step) {
    if (!is_live(row)) continue;
    const auto values = rows.values(row);
    for (std::size_t i = 0; i < length; ++i) {
      const double value = static_cast<double>(values[i]);
      sums[i] += value;
      squares[i] += value * value;
    }
    ++count;
  }
  std::vector<double> result;
  std::size_t i = 0;
  for (const auto& block : rows.blocks) {
    double variance = 0;
    const std::size_t end =
        i + static_cast<std::size_t>(block.cells) * static_cast<std::size_t>(block.values_per_cell);
    for (; i < end && count > 0; ++i) {
      const double mean = sums[i] / count;
      const double value_variance = squares[i] / count - mean * mean;
      if (value_variance > 1e-12 * mean * mean) variance += value_variance;
    }
    i = end;
    result.push_back(variance > 0 && std::isfinite(variance) ? 2 * variance : 1.0);
  }
  return result;
}

/// By what a search multiplies the squared distances of the blocks: their importance, or what `importance`
/// says instead, over their mean squared distances. Throws `value_error`.
inline std::vector<double> block_factors(std::span<const descriptor_block> blocks,
                                         std::span<const float> importance,
                                         std::span<const double> distances) {
  require(importance.empty() || importance.size() == blocks.size(), "search: given ", importance.size(),
          " factors of importance, wanted one for each of the ", blocks.size(), " blocks");
  std::vector<double> factors;
  for (std::size_t block = 0; block < blocks.size(); ++block) {
    const float factor = importance.empty() ? blocks[block].importance : importance[block];
    require(factor >= 0 && std::isfinite(factor), "search: given an importance of ", factor,
            ", wanted at least 0");
    factors.push_back(static_cast<double>(factor) / distances[block]);
  }
  return factors;
}

/// A query as the vector whose inner product with a row is its distance but for `constant`.
struct row_query {
  aligned_vector<float> vector;
  double constant = 0;  ///< sum of the weighted squared norms of the query's cells

  row_query(const descriptor& query, std::span<const double> factors) {
    const std::size_t values = query.values.size();
    vector.assign(row_length(query.blocks), 0.0f);
    for_each_cell(query.blocks, [&](std::size_t block, std::size_t cell, std::size_t first) {
      const double weight = factors[block] * static_cast<double>(query.weights[cell]);
      vector[values + cell] = static_cast<float>(weight);
      for (std::size_t i = first; i < first + static_cast<std::size_t>(query.blocks[block].values_per_cell);
           ++i) {
        const double value = static_cast<double>(query.values[i]);
        vector[i] = static_cast<float>(-2 * weight * value);
        constant += weight * value * value;
      }
    });
  }

  /// A bound of the rounding error of the distance of a row at `distance`. With |g'| <= |g| + sqrt(distance),
  /// weighted, the magnitudes of the terms add up to at most 3 Q + 4 sqrt(Q D) + D for Q = `constant`; each
  /// is rounded when it is stored, and once for each addition that it passes through.
  double rounding(double distance) const {
    const double additions =
        static_cast<double>(vector.size()) / simd::inner_product_sums + 8 +  // running sums, and joining them
        static_cast<double>(simd::inner_product_sums) / 8 + 4;               // a tail; stored norms, factors
    const double unit = static_cast<double>(std::numeric_limits<float>::epsilon()) / 2;
    return 1.05 * additions * unit * (3 * constant + 4 * std::sqrt(constant * distance) + distance);
  }
};

/// The `options.k` nearest of the rows for which `id_of(row)` is at least 0 and admitted. `factors` multiply
/// the squared distances of the blocks. Cost: one pass over the rows, on several threads.
template <class IdOf>
matches nearest_rows(const row_view& rows, const descriptor& query, std::span<const double> factors,
                     const search_options& options, const IdOf& id_of) {
  constexpr std::int64_t rows_a_step = 2048;
  constexpr float excluded = std::numeric_limits<float>::infinity();
  const admission admitted(options);
  const row_query weighted(query, factors);
  const auto pitch = static_cast<std::ptrdiff_t>(rows.pitch());
  std::vector<float> products(static_cast<std::size_t>(rows.count));
  parallel_for((rows.count + rows_a_step - 1) / rows_a_step, [&](std::int64_t step) {
    const std::int64_t first = step * rows_a_step;
    simd::inner_products(std::min(rows_a_step, rows.count - first), pitch, rows.data + first * pitch, pitch,
                         weighted.vector.data(), products.data() + first);
  });

  std::vector<float> allowed;
  for (std::int64_t row = 0; row < rows.count; ++row) {
    float& product = products[static_cast<std::size_t>(row)];
    const std::int64_t id = id_of(row);
    if (id >= 0 && !std::isnan(product) && admitted(id)) {
      allowed.push_back(product);
    } else {
      product = excluded;
    }
  }
  if (allowed.empty()) return nearest_of({}, options.k);
  double limit = std::numeric_limits<double>::max();
  if (allowed.size() > static_cast<std::size_t>(options.k)) {
    const auto last = allowed.begin() + options.k - 1;
    std::nth_element(allowed.begin(), last, allowed.end());
    // The k nearest lie within `reach`, up to rounding; so do their products, up to rounding once more.
    const double kth = std::max(0.0, static_cast<double>(*last) + weighted.constant);
    const double reach = kth + 2 * weighted.rounding(kth);
    limit = reach + 2 * weighted.rounding(reach) - weighted.constant;
  }
  std::vector<std::pair<float, std::int64_t>> candidates;
  for (std::int64_t row = 0; row < rows.count; ++row) {
    const float product = products[static_cast<std::size_t>(row)];
    if (product == excluded || !(static_cast<double>(product) <= limit)) continue;
    candidates.emplace_back(static_cast<float>(squared_distance(query, rows.values(row), factors)),
                            id_of(row));
  }
  matches result = nearest_of(std::move(candidates), options.k, options.radius);
  result.certified = true;
  return result;
}

}  // namespace lookalike::detail

#pragma once

/// \file
/// Other copies of a picture in a collection, recompressed, resized or slightly retouched. Finding them makes
/// scene completion trivially good, so experiments leave them out.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include <lookalike/core/memory.hpp>
#include <lookalike/core/parallel.hpp>
#include <lookalike/core/progress.hpp>
#include <lookalike/core/tensor.hpp>
#include <lookalike/image/mask.hpp>
#include <lookalike/retrieve/collection.hpp>
#include <lookalike/retrieve/detail/precise_rows.hpp>
#include <lookalike/retrieve/thumbnail.hpp>
#include <lookalike/retrieve/thumbnail_index.hpp>
#include <lookalike/simd/matrix_product.hpp>
#include <lookalike/simd/precise.hpp>

namespace lookalike {

struct near_duplicate_options {
  /// Pictures whose 32 x 32 thumbnails have at least this normalized correlation are near duplicates.
  float correlation = 0.95f;
};

/// Ids, ascending, of the photographs whose thumbnails agree with the known part of `query`. They can be
/// given to `search_options::leave_out`. Copies that were cropped are not recognized. Throws `value_error`
/// for a query with nothing known, or a correlation outside [-1, 1].
inline std::vector<std::int64_t> near_duplicates(const collection& photos, const masked_image& query,
                                                 const near_duplicate_options& options = {}) {
  require(options.correlation >= -1 && options.correlation <= 1, "near_duplicates: given a correlation of ",
          options.correlation, ", wanted -1 to 1");
  const thumbnail_query thumbnail(query);
  const detail::snapshot& state = photos.state();
  const std::vector<float> correlations = detail::measure_thumbnails(
      state, [&](std::span<const std::uint8_t> candidate) { return thumbnail.correlation(candidate); });
  std::vector<std::int64_t> ids;
  for (std::size_t i = 0; i < correlations.size(); ++i) {
    if (correlations[i] >= options.correlation) {
      ids.push_back(state.ids()[static_cast<std::size_t>(state.live_rows()[i])]);
    }
  }
  return ids;
}

inline std::vector<std::int64_t> near_duplicates(const collection& photos, const image<3>& query,
                                                 const near_duplicate_options& options = {}) {
  return near_duplicates(photos, masked_image{query, mask(query.height(), query.width())}, options);
}

/// The same for vectors, a row for each sample: for every query the numbers, ascending, of the vectors whose
/// cosine with it is at least `options.correlation`. For tiny images (retrieve/tiny_image.hpp) that is the
/// normalized correlation. A vector of zeros is nobody's duplicate. `watcher` hears of "near duplicates", in
/// queries. Throws `value_error` as above, for other dimensions, and for numbers that are not finite;
/// `interrupted`. Costs one product of the queries with all vectors.
inline std::vector<std::vector<std::int64_t>> near_duplicates(tensor_view<const float> vectors,
                                                              tensor_view<const float> queries,
                                                              const near_duplicate_options& options = {},
                                                              const progress& watcher = {}) {
  require(options.correlation >= -1 && options.correlation <= 1, "near_duplicates: given a correlation of ",
          options.correlation, ", wanted -1 to 1");
  std::vector<std::vector<std::int64_t>> found(static_cast<std::size_t>(queries.batch()));
  if (vectors.size() == 0 || queries.size() == 0) return found;
  const std::int64_t count = vectors.batch(), dimension = vectors.size() / count;
  require(queries.size() / queries.batch() == dimension, "near_duplicates: given queries of ",
          queries.size() / queries.batch(), " numbers, wanted ", dimension);
  const std::vector<double> lengths = detail::row_lengths(vectors, dimension, "near_duplicates");
  const std::vector<double> query_lengths = detail::row_lengths(queries, dimension, "near_duplicates");
  const double least = static_cast<double>(options.correlation);
  // What rounding can take from a product of floats, and more.
  const double error =
      2.3 * static_cast<double>(dimension + 1) * static_cast<double>(std::numeric_limits<float>::epsilon());
  const std::int64_t at_once = std::clamp<std::int64_t>((std::int64_t{1} << 24) / count, 1, 252);
  aligned_vector<float> products(static_cast<std::size_t>(std::min(queries.batch(), at_once) * count));
  for (std::int64_t first = 0; first < queries.batch(); first += at_once) {
    const std::int64_t block = std::min(at_once, queries.batch() - first);
    detail::multiply_rows(queries.data + first * dimension, block, vectors.data, count, dimension,
                          products.data());
    parallel_for(block, [&](std::int64_t q) {
      const double length = query_lengths[static_cast<std::size_t>(first + q)];
      for (std::int64_t row = 0; row < count; ++row) {
        const double both = length * lengths[static_cast<std::size_t>(row)];
        if (both == 0 || static_cast<double>(products[static_cast<std::size_t>(q * count + row)]) <
                             (least - error) * both) {
          continue;
        }
        const double exact = simd::precise_inner_product(queries.data + (first + q) * dimension,
                                                         vectors.data + row * dimension, dimension);
        if (exact >= least * both) found[static_cast<std::size_t>(first + q)].push_back(row);
      }
    });
    report(watcher, "near duplicates", first + block, queries.batch());
  }
  return found;
}

}  // namespace lookalike

#pragma once

/// \file
/// Shortlists put into a new order by a distance that is too slow to search with: the second of two stages
/// (A. Torralba, R. Fergus and W. Freeman: 80 million tiny images, PAMI 30(11), 2008, section 4.2).

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include <lookalike/core/error.hpp>
#include <lookalike/core/parallel.hpp>
#include <lookalike/core/progress.hpp>
#include <lookalike/core/tensor.hpp>
#include <lookalike/retrieve/matches.hpp>
#include <lookalike/retrieve/search.hpp>
#include <lookalike/retrieve/shift_distance.hpp>
#include <lookalike/retrieve/warp_distance.hpp>
#include <lookalike/simd/precise.hpp>

namespace lookalike {

/// The k nearest of each shortlist by another distance, nearest first, those at equal distance by id.
/// `measure_for(i)` returns the function from an entry's id to its distance from query i; it is called on
/// many threads, each for another query. What comes back is not certified: entries beyond the shortlists were
/// not measured. `watcher` hears of "rerank", in queries. Throws `value_error` for k < 1, and what
/// `measure_for` throws; `interrupted`.
template <class MeasureFor>
std::vector<matches> rerank(std::span<const matches> shortlists, int k, const MeasureFor& measure_for,
                            const progress& watcher = {}) {
  require(k >= 1, "rerank: given k = ", k, ", wanted at least 1");
  std::vector<matches> result(shortlists.size());
  parallel_for(
      std::ssize(shortlists),
      [&](std::int64_t i) {
        const matches& shortlist = shortlists[static_cast<std::size_t>(i)];
        auto measure = measure_for(i);
        std::vector<std::pair<float, std::int64_t>> measured;
        for (int j = 0; j < shortlist.count; ++j) {
          const std::int64_t id = shortlist.ids[static_cast<std::size_t>(j)];
          measured.emplace_back(measure(id), id);
        }
        matches& found = result[static_cast<std::size_t>(i)];
        found = detail::nearest_of(std::move(measured), k);
        found.source = shortlist.source;
      },
      watcher, "rerank");
  return result;
}

/// How two tiny images are compared.
enum class tiny_image_distance {
  ssd,   ///< sum of squared differences
  warp,  ///< `warp_distance`
  shift  ///< `shift_distance`
};

/// The same for tiny images: `vectors` and `queries` have a row for each, ids are numbers of vectors, and
/// query i has the shortlist i. Distances are squared ones. Throws `value_error` for another number of
/// shortlists, ids without a vector, and rows of other extents.
inline std::vector<matches> rerank(std::span<const matches> shortlists, int k,
                                   tensor_view<const float> vectors, tensor_view<const float> queries,
                                   tiny_image_distance distance, const shift_options& options = {},
                                   const planes_extent& extent = {}, const progress& watcher = {}) {
  require(vectors.is_contiguous() && queries.is_contiguous(),
          "rerank: given an array with gaps, wanted one row after another");
  require(std::ssize(shortlists) == queries.batch(), "rerank: given ", shortlists.size(), " shortlists for ",
          queries.batch(), " queries");
  const std::int64_t size = extent.size();
  require(vectors.size() == vectors.batch() * size && queries.size() == queries.batch() * size,
          "rerank: given vectors and queries of ", detail::extents_text(vectors.extents), " and ",
          detail::extents_text(queries.extents), " numbers, wanted rows of ", extent.planes, " x ",
          extent.height, " x ", extent.width);
  for (const matches& shortlist : shortlists) {
    for (int j = 0; j < shortlist.count; ++j) {
      const std::int64_t id = shortlist.ids[static_cast<std::size_t>(j)];
      require(id >= 0 && id < vectors.batch(), "rerank: given a match with the id ", id, ", wanted 0 to ",
              vectors.batch() - 1);
    }
  }
  const auto row = [size](tensor_view<const float> of, std::int64_t i) {
    return std::span(of.data + i * size, static_cast<std::size_t>(size));
  };
  switch (distance) {
    case tiny_image_distance::ssd:
      return rerank(
          shortlists, k,
          [&](std::int64_t i) {
            return [&, i](std::int64_t id) {
              return static_cast<float>(
                  simd::precise_squared_l2(row(queries, i).data(), row(vectors, id).data(), size));
            };
          },
          watcher);
    case tiny_image_distance::warp:
      return rerank(
          shortlists, k,
          [&](std::int64_t i) {
            return [&, i, matcher = warp_matcher(options.warp, extent)](std::int64_t id) mutable {
              return matcher(row(queries, i), row(vectors, id)).squared_distance;
            };
          },
          watcher);
    default:
      return rerank(
          shortlists, k,
          [&](std::int64_t i) {
            return [&, i, matcher = shift_matcher(options, extent)](std::int64_t id) mutable {
              return matcher(row(queries, i), row(vectors, id)).squared_distance;
            };
          },
          watcher);
  }
}

}  // namespace lookalike

#pragma once

/// \file
/// The color pictures behind matches, and the end that all ways of colorizing share.

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include <lookalike/apps/colorization.hpp>
#include <lookalike/core/parallel.hpp>
#include <lookalike/image/chroma.hpp>
#include <lookalike/image/resample.hpp>
#include <lookalike/retrieve/thumbnail.hpp>

namespace lookalike::detail {

/// What decoders of colors take: the query, of which only lightness counts, beside what was found for it.
using query_and_matches = std::tuple<image<3>, matches>;

/// Neighbors that could be read, nearest first.
struct neighbor_colors {
  std::vector<std::int64_t> ids;
  std::vector<float> distances;
  std::vector<image<3>> lab;
};

/// Reads up to `most` of the matches with `read(source, id)`, bytes. Those that cannot be read are passed
/// over. Throws `value_error`, in the words of `where`, when there is none, or no source.
template <class Read>
neighbor_colors read_neighbors(std::string_view where, const matches& found, int most, const Read& read) {
  require(found.count > 0, where, ": given no matches, wanted at least one");
  require(found.source != nullptr, where, ": given matches without a source, wanted one that reads them");
  neighbor_colors neighbors;
  int next = 0;
  while (next < found.count && std::ssize(neighbors.ids) < most) {
    const int some = std::min(found.count - next, most - static_cast<int>(std::ssize(neighbors.ids)));
    std::vector<image<3>> pictures(static_cast<std::size_t>(some));
    parallel_for(some, [&](std::int64_t i) {
      try {
        const std::int64_t id = found.ids[static_cast<std::size_t>(next + i)];
        pictures[static_cast<std::size_t>(i)] = rgb_to_lab(to_float(read(*found.source, id)));
      } catch (const file_error&) {  // it stays empty
      }
    });
    for (int i = 0; i < some; ++i) {
      image<3>& picture = pictures[static_cast<std::size_t>(i)];
      if (picture.empty()) continue;
      neighbors.ids.push_back(found.ids[static_cast<std::size_t>(next + i)]);
      neighbors.distances.push_back(found.distances[static_cast<std::size_t>(next + i)]);
      neighbors.lab.push_back(std::move(picture));
    }
    next += some;
  }
  require(!neighbors.ids.empty(), where, ": given ", found.count, " matches none of which can be read");
  return neighbors;
}

/// All of them squashed to `side` x `side` pixels.
inline neighbor_colors read_squashed_neighbors(std::string_view where, const matches& found, int side) {
  return read_neighbors(where, found, found.count, [side](const photo_source& photos, std::int64_t id) {
    return photos.read_squashed(id, side, side);
  });
}

/// Lightness of a query. Throws `value_error`, in the words of `where`, for one that is empty or has values
/// outside [0, 1].
inline image<1> query_lightness(const char* where, const image<3>& query) {
  require(!query.empty(), where, ": given an empty picture, wanted at least one pixel");
  require_unit_range(query, where);
  return lightness(query);
}

/// Mean of what `mean_chroma` says of several pictures.
inline double mean_chroma(const std::vector<image<3>>& pictures) {
  double sum = 0;
  for (const image<3>& picture : pictures) sum += lookalike::mean_chroma(picture);
  return sum / static_cast<double>(pictures.size());
}

/// Lightness and chroma put together, within the gamut.
inline colorization colorized(const image<1>& light, const image<2>& chroma, matches found,
                              std::vector<std::int64_t> used, double neighbor_chroma) {
  colorization result;
  result.lab = limit_chroma(with_chroma(light, chroma));
  result.picture = lab_to_rgb(result.lab);
  result.neighbors = std::move(found);
  result.used = std::move(used);
  constexpr double gray = 0.05;  // what the rounded matrices of sRGB make of gray is below
  result.saturation_ratio = neighbor_chroma < gray ? std::numeric_limits<double>::quiet_NaN()
                                                   : lookalike::mean_chroma(result.lab) / neighbor_chroma;
  return result;
}

/// The colorization of a query by a map of chroma that `chroma_of(neighbors)` makes of the neighbors squashed
/// to `side` x `side` pixels. Errors are in the words of `where`.
template <class ChromaOf>
colorization colorized_by_neighbors(const char* where, query_and_matches& given, int side,
                                    const ChromaOf& chroma_of) {
  auto& [query, found] = given;
  const image<1> light = query_lightness(where, query);
  neighbor_colors neighbors = read_squashed_neighbors(where, found, side);
  const image<2> chroma = resize(chroma_of(neighbors), light.height(), light.width());
  return colorized(light, chroma, std::move(found), std::move(neighbors.ids), mean_chroma(neighbors.lab));
}

/// How much each neighbor counts: exp(-(d - d_nearest) / (temperature * mean d)), or all alike.
inline std::vector<float> neighbor_weights(const std::vector<float>& distances, bool soft,
                                           double temperature) {
  std::vector<float> weights(distances.size(), 1.0f);
  if (!soft) return weights;
  double mean = 0;
  for (const float distance : distances) mean += static_cast<double>(distance);
  mean /= static_cast<double>(distances.size());
  for (std::size_t i = 0; i < weights.size(); ++i) {
    const double beyond = static_cast<double>(distances[i]) - static_cast<double>(distances[0]);
    weights[i] = beyond <= 0 ? 1.0f : static_cast<float>(std::exp(-beyond / (temperature * mean)));
  }
  return weights;
}

}  // namespace lookalike::detail

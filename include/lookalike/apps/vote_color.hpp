#pragma once

/// \file
/// Colorization by votes: pixel by pixel the neighbors vote for one of the 313 colors of R. Zhang, P. Isola
/// and A. Efros (Colorful image colorization, ECCV 2016), and the histogram is decoded as theirs is, by the
/// annealed mean. An average of red and green is gray; a vote between them is red or green.

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include <lookalike/apps/detail/neighbor_colors.hpp>
#include <lookalike/core/memory.hpp>
#include <lookalike/core/parallel.hpp>
#include <lookalike/models/color_bins.hpp>

namespace lookalike {

struct vote_color_options {
  /// Of the annealed mean: 0 the color with the most votes, 1 the mean of the votes.
  double temperature = 0.38;
  /// The annealed mean is taken over colors within this distance of the one with the most votes, in units of
  /// a* and b*, so that of two equally likely colors it yields one and not the gray between them. Infinity:
  /// over all colors, as in the paper.
  double mode_radius = 25;
  /// How a neighbor's color is spread over the bins (models/color_bins.hpp).
  color_encoding encoding{};
  /// Votes of the pixels around count, too: side of the square, odd; 1 for none.
  int window = 3;
  /// Whether nearer neighbors count more, as in `color_average::soft`, with this temperature; 0: all alike.
  double soft_temperature = 0;
  /// Pixels a side to which neighbors are squashed. At 32 a collection reads no files.
  int side = thumbnail_side;
};

namespace detail {

/// A histogram over the 313 bins for every pixel.
using color_votes = aligned_vector<float>;

inline color_votes count_votes(const neighbor_colors& neighbors, const std::vector<float>& weights,
                               const color_encoding& encoding) {
  const std::ptrdiff_t pixels = neighbors.lab.front().area();
  color_votes votes(static_cast<std::size_t>(pixels) * color_bin_count);
  constexpr std::int64_t pixels_a_step = 64;
  parallel_for((pixels + pixels_a_step - 1) / pixels_a_step, [&](std::int64_t step) {
    std::vector<near_color> nearest(static_cast<std::size_t>(encoding.neighbors));
    std::vector<double> shares(nearest.size());
    const std::ptrdiff_t last = std::min<std::ptrdiff_t>(pixels, (step + 1) * pixels_a_step);
    for (std::ptrdiff_t i = step * pixels_a_step; i < last; ++i) {
      float* histogram = votes.data() + i * color_bin_count;
      for (std::size_t n = 0; n < weights.size(); ++n) {
        const float* pixel = neighbors.lab[n].data() + 3 * i;
        nearest_color_bins(double{pixel[1]}, double{pixel[2]}, nearest);
        double sum = 0;
        for (std::size_t q = 0; q < nearest.size(); ++q) {
          const double beyond = nearest[q].squared_distance - nearest[0].squared_distance;
          sum += shares[q] = std::exp(-beyond / (2 * encoding.sigma * encoding.sigma));
        }
        for (std::size_t q = 0; q < nearest.size(); ++q)
          histogram[nearest[q].bin] += static_cast<float>(static_cast<double>(weights[n]) * shares[q] / sum);
      }
    }
  });
  return votes;
}

/// Sums over squares of `window` pixels, cut off at the border.
inline color_votes pooled_votes(const color_votes& votes, int height, int width, int window) {
  if (window == 1) return votes;
  const int reach = window / 2;
  const auto pool = [&](const color_votes& from, int step, int extent, const auto& place) {
    color_votes to(from.size());
    for (int y = 0; y < height; ++y) {
      for (int x = 0; x < width; ++x) {
        const std::ptrdiff_t at = static_cast<std::ptrdiff_t>(y) * width + x;
        float* sum = to.data() + at * color_bin_count;
        for (int d = std::max(-reach, -place(y, x)); d <= std::min(reach, extent - 1 - place(y, x)); ++d) {
          const float* some = from.data() + (at + static_cast<std::ptrdiff_t>(d) * step) * color_bin_count;
          for (std::ptrdiff_t q = 0; q < color_bin_count; ++q) sum[q] += some[q];
        }
      }
    }
    return to;
  };
  const color_votes across = pool(votes, 1, width, [](int, int x) { return x; });
  return pool(across, width, height, [](int y, int) { return y; });
}

/// The annealed mean around the color with the most votes (the first of equal ones).
inline std::array<float, 2> decode_votes(const float* votes, double temperature, double radius) {
  const std::ptrdiff_t best = std::max_element(votes, votes + color_bin_count) - votes;
  const auto [best_a, best_b] = color_bins[static_cast<std::size_t>(best)];
  if (temperature == 0) return {best_a, best_b};
  double sum = 0, sum_a = 0, sum_b = 0;
  for (std::size_t q = 0; q < color_bin_count; ++q) {
    if (votes[q] <= 0) continue;
    const auto [a, b] = color_bins[q];
    const double da = double{a} - best_a, db = double{b} - best_b;
    if (da * da + db * db > radius * radius) continue;
    const double share = std::pow(static_cast<double>(votes[q]) / static_cast<double>(votes[best]),
                                  1 / temperature);  // softmax(log(votes) / temperature)
    sum += share;
    sum_a += share * a;
    sum_b += share * b;
  }
  return {static_cast<float>(sum_a / sum), static_cast<float>(sum_b / sum)};
}

}  // namespace detail

/// Query beside its matches to colorization. What can be read of the matches counts. Throws `value_error` for
/// an empty query, values outside [0, 1], and matches that are none, have no source or cannot be read.
class vote_color_stage {
 public:
  using input = detail::query_and_matches;
  using output = colorization;
  static constexpr std::string_view name = "vote_color";

  explicit vote_color_stage(const vote_color_options& options = {}) : options_(options) {
    require(options.temperature >= 0 && options.soft_temperature >= 0, "vote_color: given temperatures of ",
            options.temperature, " and ", options.soft_temperature, ", wanted at least 0");
    require(options.mode_radius >= 0, "vote_color: given a mode radius of ", options.mode_radius,
            ", wanted at least 0");
    require(options.window >= 1 && options.window % 2 == 1 && options.window <= 31,
            "vote_color: given a window of ", options.window, " pixels, wanted an odd number from 1 to 31");
    require(options.encoding.neighbors >= 1 && options.encoding.neighbors <= 32 && options.encoding.sigma > 0,
            "vote_color: given ", options.encoding.neighbors, " bins and a sigma of ", options.encoding.sigma,
            ", wanted 1 to 32 and a sigma above 0");
    constexpr int largest = 512;
    require(options.side >= 1 && options.side <= largest, "vote_color: given a side of ", options.side,
            " pixels, wanted 1 to ", largest);
  }

  colorization operator()(detail::query_and_matches given) const {
    return detail::colorized_by_neighbors(
        "vote_color", given, options_.side,
        [this](const detail::neighbor_colors& neighbors) { return chroma_map(neighbors); });
  }

  /// Chroma at the neighbors' own size.
  image<2> chroma_map(const detail::neighbor_colors& neighbors) const {
    const image<3>& first = neighbors.lab.front();
    const std::vector<float> weights = detail::neighbor_weights(
        neighbors.distances, options_.soft_temperature > 0, options_.soft_temperature);
    const detail::color_votes votes =
        detail::pooled_votes(detail::count_votes(neighbors, weights, options_.encoding), first.height(),
                             first.width(), options_.window);
    image<2> chroma(first.height(), first.width());
    for (std::ptrdiff_t i = 0; i < chroma.area(); ++i) {
      const auto [a, b] = detail::decode_votes(votes.data() + i * color_bin_count, options_.temperature,
                                               options_.mode_radius);
      chroma.data()[2 * i] = a;
      chroma.data()[2 * i + 1] = b;
    }
    return chroma;
  }

  const vote_color_options& options() const { return options_; }

 private:
  vote_color_options options_;
};

/// `skip(gray_thumbnail | lookup(index, 20)) | vote_color()`.
inline vote_color_stage vote_color(const vote_color_options& options = {}) {
  return vote_color_stage(options);
}

}  // namespace lookalike

#pragma once

/// \file
/// The seam along which a placed scene is joined to a photograph with a hole: the binary minimum cut of Hays
/// and Efros, "Scene completion using millions of photographs", SIGGRAPH 2007, section 5.
///
/// Every pixel is labeled `exist` or `patch`. With diff(p) the squared distance of the two colors at p and
/// d(p) the distance of p from the hole, the labeling minimizes
///
///   sum over pixels with label `patch` of (k d(p))^3
///   + sum over 4-neighbors with different labels of |diff(p) - diff(q)| + epsilon.
///
/// Pixels of the hole are always `patch`; pixels that the scene does not cover, or that lie beyond the band,
/// always `exist`. A constant difference of color costs nothing: Poisson blending removes it.
///
/// Where only one pixel of a pair has both colors (at the hole's border, and at the border of the scene), the
/// difference across is not known. It is charged as the steepest known one at that pixel, so that a seam
/// along a border is neither free nor ruled out. The picture's values inside the hole, and the scene's where
/// it does not cover, are never used.

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>

#include <lookalike/graph/min_cut.hpp>
#include <lookalike/image/detail/picture_window.hpp>
#include <lookalike/image/distance.hpp>
#include <lookalike/image/mask.hpp>

namespace lookalike {

struct seam_options {
  /// The published k. It fixes the balance between the two sums only together with a scale of colors: a pixel
  /// 80 px from the hole costs 0.0041, which counts beside differences of RGB in [0, 1] (5 to 13 % of a
  /// photograph get replaced) and has no effect beside L*a*b* in 0..100 (nearly everything inside the band
  /// gets replaced). `seam_result` reports both sums.
  double unary_weight = 0.002;
  /// Multiplies the first sum; above 1 it keeps more of the photograph.
  double unary_scale = 1;
  /// Pixels farther than this from the hole, in pixels, stay as they are.
  double band = 80;
  /// Multiplies colors before they are compared: 1 for RGB in [0, 1]. The pictures may be in any color space;
  /// for L*a*b* 0.01 restores the balance.
  double color_scale = 1;
  /// Added for every pair that is cut, so that among seams through flat areas the short ones win.
  double smoothness_epsilon = 1e-4;
  /// Energy becomes integer capacity by multiplication with this and rounding, so a pair of pixels counts
  /// with an error of at most half its inverse. Costs a pair may have: up to 2^28 / quantization.
  double quantization = 1 << 24;
};

/// A seam, with its certificate.
struct seam_result {
  /// 255 where the scene is taken, 0 where the photograph stays.
  mask from_patch;
  /// Maximum flow and minimum cut in quanta. They are equal, which proves that no seam is cheaper.
  std::int64_t flow = 0;
  std::int64_t cut = 0;
  /// What the seam costs before quantization: the sum of the next two.
  double energy = 0;
  double unary = 0;
  double pairwise = 0;
};

namespace detail {

/// The energy of a seam, on the window around the hole outside of which there is nothing to decide.
class seam_energy {
 public:
  seam_energy(const image<3>& existing, const image<3>& patch, const mask& covered, const mask& hole,
              const seam_options& options)
      : options_(options),
        // One pixel beyond the band, so that pairs across its edge are inside.
        window_(window_around(hole, margin_of(options.band, hole))),
        hole_(window_.height(), window_.width()),
        difference_(window_.height(), window_.width(), unknown) {
    const auto scale = static_cast<float>(options.color_scale * options.color_scale);
    for (int y = 0; y < window_.height(); ++y) {
      for (int x = 0; x < window_.width(); ++x) {
        const int py = window_.top + y, px = window_.left + x;
        hole_(y, x) = hole(py, px);
        if (hole(py, px) != 0) {
          require(covered(py, px) != 0, "seam_cut: given a scene that does not cover the missing pixel (", py,
                  ", ", px, "), wanted one that covers the whole hole");
        } else if (covered(py, px) != 0) {
          const float* a = &existing(py, px);
          const float* b = &patch(py, px);
          const float red = a[0] - b[0], green = a[1] - b[1], blue = a[2] - b[2];
          const float difference = scale * (red * red + green * green + blue * blue);
          require(std::isfinite(difference), "seam_cut: given colors at (", py, ", ", px, ") that differ by ",
                  difference, ", wanted finite colors");
          difference_(y, x) = difference;
        }
      }
    }
    distance_ = distance_to(hole_);
  }

  const picture_window& window() const { return window_; }

  cut_side side(int y, int x) const {
    if (hole_(y, x) != 0) return cut_side::sink;
    return difference_(y, x) == unknown || distance_(y, x) > options_.band ? cut_side::source
                                                                           : cut_side::free;
  }
  /// What taking a free pixel from the patch costs.
  double unary(int y, int x) const {
    const double law = options_.unary_weight * distance_(y, x);
    return options_.unary_scale * law * law * law;
  }
  /// What cutting between two neighbors costs.
  double pairwise(int y, int x, int ny, int nx) const {
    const float here = difference_(y, x), there = difference_(ny, nx);
    double change = 0;
    if (here != unknown && there != unknown) {
      change = std::abs(here - there);
    } else if (here != unknown) {
      change = steepest(y, x);
    } else if (there != unknown) {
      change = steepest(ny, nx);
    }
    return change + options_.smoothness_epsilon;
  }

 private:
  static constexpr float unknown = -1.0f;

  static int margin_of(double band, const mask& hole) {
    return static_cast<int>(std::min<double>(std::ceil(band), std::max(hole.height(), hole.width()))) + 1;
  }

  /// The largest change of difference between a pixel and a neighbor that has one.
  double steepest(int y, int x) const {
    constexpr std::array<std::array<int, 2>, 4> steps{{{0, 1}, {0, -1}, {1, 0}, {-1, 0}}};
    float largest = 0;
    for (const auto [dy, dx] : steps) {
      if (!difference_.contains(y + dy, x + dx) || difference_(y + dy, x + dx) == unknown) continue;
      largest = std::max(largest, std::abs(difference_(y, x) - difference_(y + dy, x + dx)));
    }
    return largest;
  }

  seam_options options_;
  picture_window window_;
  mask hole_;
  image<1> difference_;  // `unknown` where the two pictures have not both a color
  image<1> distance_;
};

inline void require_valid(const seam_options& options) {
  const auto check = [](double value, const char* name) {
    require(std::isfinite(value) && value >= 0, "seam_cut: given a ", name, " of ", value,
            ", wanted a number of at least 0");
  };
  check(options.unary_weight, "unary_weight");
  check(options.unary_scale, "unary_scale");
  require(options.band >= 0, "seam_cut: given a band of ", options.band, ", wanted at least 0 pixels");
  check(options.color_scale, "color_scale");
  check(options.smoothness_epsilon, "smoothness_epsilon");
  check(options.quantization, "quantization");
  require(options.quantization > 0, "seam_cut: given a quantization of 0, wanted more");
}

/// Energy in quanta. Throws `value_error` where they do not fit into a capacity.
inline std::int32_t quantized(double energy, double quantization) {
  const double quanta = energy * quantization;
  require(quanta <= grid_network::largest_capacity, "seam_cut: given a cost of ", energy,
          " at a quantization of ", quantization, ", wanted a product of at most ",
          grid_network::largest_capacity, "; lower the quantization, or the color_scale");
  return static_cast<std::int32_t>(std::lround(quanta));
}

/// The energy as capacities. A pixel that costs more by itself than all its pairs together is in no minimum
/// cut taken from the patch; it is fixed, so that no unary law, however steep, exceeds the range of
/// capacities.
inline grid_network to_network(const seam_energy& energy, double quantization) {
  const int height = energy.window().height(), width = energy.window().width();
  grid_network network(height, width);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      network.fixed(y, x) = energy.side(y, x);
      if (x + 1 < width) {
        const std::int32_t cost = quantized(energy.pairwise(y, x, y, x + 1), quantization);
        network.link_right(y, x, cost, cost);
      }
      if (y + 1 < height) {
        const std::int32_t cost = quantized(energy.pairwise(y, x, y + 1, x), quantization);
        network.link_down(y, x, cost, cost);
      }
    }
  }
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      if (network.fixed(y, x) != cut_side::free) continue;
      const double cost = energy.unary(y, x);
      const std::int32_t* links = &network.links(y, x);
      if (cost * quantization > double{1} + links[0] + links[1] + links[2] + links[3]) {
        network.fixed(y, x) = cut_side::source;
      } else {
        network.terminals(y, x, 0) = quantized(cost, quantization);
      }
    }
  }
  return network;
}

}  // namespace detail

/// The cheapest seam between a photograph with a hole and a scene placed over it.
///
/// All four have one extent, the photograph's. `covered` is non-zero where `patch` has pixels. Ties go to the
/// seam that replaces the fewest pixels (see `minimum_cut`). Throws `value_error` when extents differ, the
/// hole is empty or covers everything, a missing pixel is not covered, a color that is compared is not
/// finite, or a cost does not fit its capacity. About 60 ms for 80,000 undecided pixels.
inline seam_result seam_cut(const image<3>& existing, const image<3>& patch, const mask& covered,
                            const mask& hole, const seam_options& options = {}) {
  require_fillable(existing, hole, "seam_cut");
  require(same_extent(existing, patch) && same_extent(existing, covered), "seam_cut: given a scene of ",
          patch.height(), "x", patch.width(), " with a cover of ", covered.height(), "x", covered.width(),
          ", wanted the picture's ", existing.height(), "x", existing.width());
  detail::require_valid(options);

  const detail::seam_energy energy(existing, patch, covered, hole, options);
  const detail::picture_window& window = energy.window();
  const cut best = minimum_cut(detail::to_network(energy, options.quantization));

  seam_result result{mask(hole.height(), hole.width()), best.flow, best.value};
  const mask& labels = best.labels;
  for (int y = 0; y < window.height(); ++y) {
    for (int x = 0; x < window.width(); ++x) {
      const bool taken = labels(y, x) != 0;
      if (taken) result.from_patch(window.top + y, window.left + x) = 255;
      if (taken && energy.side(y, x) == cut_side::free) result.unary += energy.unary(y, x);
      if (x + 1 < window.width() && taken != (labels(y, x + 1) != 0)) {
        result.pairwise += energy.pairwise(y, x, y, x + 1);
      }
      if (y + 1 < window.height() && taken != (labels(y + 1, x) != 0)) {
        result.pairwise += energy.pairwise(y, x, y + 1, x);
      }
    }
  }
  result.energy = result.unary + result.pairwise;
  return result;
}

}  // namespace lookalike

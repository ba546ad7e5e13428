#pragma once

/// \file
/// Gist: the energy of oriented edges at several scales, averaged over the cells of a coarse grid. Two
/// pictures with the same gist have the same spatial layout, whatever they show. A. Oliva and A. Torralba,
/// Modeling the shape of the scene, IJCV 42(3), 2001, with the numerics of their released program:
///
/// - gray = mean of red, green and blue, 0..255, the whole picture squashed to a square;
/// - whitened and normalized in contrast (retrieve/detail/gist_prefilter.hpp), then padded by 32 pixels to n;
/// - transfer function of scale s = 0, 1, ... and orientation o of k, at frequency radius r and angle t
///   (measured from -pi o / k, in (-pi, pi]):
///   exp(-3.5 (r / (n p) - 1)^2 - 2 pi q t^2), p = 0.3 / 1.85^s, q = 16 k^2 / 32^2;
/// - magnitude of the complex response, averaged over each cell.
///
/// Values come cell after cell (row by row), in a cell scale after scale (fine to coarse), in a scale
/// orientation after orientation: 16 x 30 by default.

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include <lookalike/image/mask.hpp>
#include <lookalike/image/resample.hpp>
#include <lookalike/retrieve/cell_weights.hpp>
#include <lookalike/retrieve/descriptor.hpp>
#include <lookalike/retrieve/detail/gabor_bank.hpp>
#include <lookalike/retrieve/detail/gist_prefilter.hpp>

namespace lookalike {

struct gist_options {
  /// Pixels a side of the square; even and a multiple of `grid`. The customary sizes are 128 and 256.
  int side = 128;
  int orientations = 6;
  int scales = 5;
  /// Cells a side.
  int grid = 4;
  /// Every frequency and every pixel. By default frequencies at which a filter passes less than 1/1000 are
  /// left out, and responses are sampled 1.25 times as densely as their band asks for: on photographs this
  /// changes a descriptor by 0.2 % of its length (0.3 % of the distance between two photographs) and is four
  /// times faster. Descriptors of both ways can be compared.
  bool exact = false;
  /// See `descriptor_block`.
  float importance = 2;
};

namespace detail {

/// All that gist precomputes for one set of options.
struct gist_tables {
  gist_prefilter prefilter;
  gabor_bank bank;
};

/// The tables, computed at first use and kept. Any thread may ask.
inline std::shared_ptr<const gist_tables> gist_tables_for(const gabor_bank_options& options) {
  static std::mutex guard;
  static std::map<gabor_bank_options, std::shared_ptr<const gist_tables>> known;
  const std::lock_guard hold(guard);
  auto& tables = known[options];
  if (!tables) {
    tables =
        std::make_shared<const gist_tables>(gist_tables{gist_prefilter(options.side), gabor_bank(options)});
  }
  return tables;
}

/// Mean of the channels.
inline image<1> mean_of_channels(const image<3>& picture) {
  image<1> gray(picture.height(), picture.width());
  const float* from = picture.data();
  for (float& value : gray.values()) {
    value = (from[0] + from[1] + from[2]) * (1.0f / 3.0f);
    from += 3;
  }
  return gray;
}

}  // namespace detail

/// Picture to gist. Called with a picture with a hole, which must have been filled (inpaint/harmonic.hpp)
/// because the edge of a hole is an edge, it also weighs each cell by its known fraction.
///
/// About 3 ms a picture on one core at 128 pixels (AVX2), and 20 at 256, besides shrinking the picture.
/// Throws `value_error` for an empty picture and for values outside [0, 1]. May be called from many threads
/// at once.
class gist_stage {
 public:
  using input = image<3>;
  using output = descriptor;
  static constexpr std::string_view name = "gist";

  gist_stage() = default;
  explicit gist_stage(const gist_options& options) : options_(options) {
    require(options.grid > 0 && options.side > 0 && options.side % 2 == 0 &&
                options.side % options.grid == 0 && options.side <= 1024,
            "gist: given a side of ", options.side, " pixels and a grid of ", options.grid,
            " cells, wanted an even side of at most 1024 that is a multiple of the grid");
    require(
        options.orientations > 0 && options.scales > 0 && options.orientations <= 64 && options.scales <= 12,
        "gist: given ", options.orientations, " orientations and ", options.scales,
        " scales, wanted 1 to 64 and 1 to 12");
  }

  /// The stage with other options: `gist({.side = 256})`.
  gist_stage operator()(const gist_options& options) const { return gist_stage(options); }

  descriptor operator()(const image<1>& gray) const {
    require(!gray.empty(), "gist: given an empty picture, wanted at least one pixel");
    require_unit_range(gray, "gist");
    const image<1> square = resize(gray, options_.side, options_.side, resampling::area);
    aligned_vector<float> values(square.values().begin(), square.values().end());
    for (float& value : values) value *= 255.0f;
    const auto tables = detail::gist_tables_for(bank_options());
    tables->prefilter(values);
    const auto cells = static_cast<std::size_t>(options_.grid) * static_cast<std::size_t>(options_.grid);
    return {blocks(), tables->bank.energies(values), std::vector<float>(cells, 1.0f)};
  }
  descriptor operator()(const image<3>& picture) const { return (*this)(detail::mean_of_channels(picture)); }
  descriptor operator()(const masked_image& filled) const {
    require(same_extent(filled.picture, filled.hole), "gist: given a mask of ", filled.hole.height(), "x",
            filled.hole.width(), " (height x width), wanted the picture's ", filled.picture.height(), "x",
            filled.picture.width());
    descriptor d = (*this)(filled.picture);
    d.weights = cell_weights(filled.hole, options_.grid);
    return d;
  }

  /// What its descriptors consist of.
  std::vector<descriptor_block> blocks() const {
    return {{sentence("gist(side=", options_.side, ",orientations=", options_.orientations,
                      ",scales=", options_.scales, ",grid=", options_.grid, ")"),
             options_.grid * options_.grid, options_.orientations * options_.scales, options_.importance}};
  }
  /// A picture whose shorter side has this many pixels is large enough.
  int sufficient_side() const { return 2 * options_.side; }
  const gist_options& options() const { return options_; }

 private:
  detail::gabor_bank_options bank_options() const {
    return {options_.side, options_.orientations, options_.scales, options_.grid, options_.exact};
  }

  gist_options options_;
};

inline const gist_stage gist;

}  // namespace lookalike

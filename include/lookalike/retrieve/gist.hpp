#pragma once

/// \file
/// Gist: the energy of oriented edges at several scales, averaged over the cells of a coarse grid. Two
/// pictures with the same gist have the same spatial layout, whatever they show. A. Oliva and A. Torralba,
/// Modeling the shape of the scene, IJCV 42(3), 2001, with the numerics of their released program:
///
/// - gray = mean of red, green and blue, 0..255, or each of them alone, squashed to a square;
/// - whitened and normalized in contrast (retrieve/detail/gist_prefilter.hpp), then padded by 32 pixels to n;
/// - transfer function of scale s = 0, 1, ... and orientation o of k, at frequency radius r and angle t
///   (measured from -pi o / k, in (-pi, pi]):
///   exp(-3.5 (r / (n p) - 1)^2 - 2 pi q t^2), p = 0.3 / 1.85^s, q = 16 k^2 / 32^2;
/// - magnitude of the complex response, averaged over each cell.
///
/// Values come cell after cell (row by row), in a cell channel after channel (red, green, blue, where colors
/// count), in a channel scale after scale (fine to coarse), in a scale orientation after orientation: 16 x 30
/// by default. The gist of other programs:
///
/// - 512 numbers, gray, 8 orientations at each of 4 scales: `gist({.orientations = 8, .scales = 4})`;
/// - 960 numbers, of GIST-960 (M. Douze et al., Evaluation of GIST descriptors for web-scale image search,
///   CIVR 2009), 8, 8 and 4 orientations of each color:
///   `gist({.orientations_per_scale = {8, 8, 4}, .color = true})`; theirs are of pictures of 32 x 32 pixels.

#include <algorithm>
#include <cstddef>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
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
  /// Orientations of each scale, fine to coarse, instead of the two above.
  std::vector<int> orientations_per_scale{};
  /// Cells a side.
  int grid = 4;
  /// Describes red, green and blue instead of their mean.
  bool color = false;
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

/// Red, green and blue of a square picture as 0..255; their mean unless `color`.
inline std::vector<aligned_vector<float>> gist_channels(const image<3>& square, bool color) {
  const auto area = static_cast<std::size_t>(square.area());
  std::vector<aligned_vector<float>> channels(color ? 3 : 1, aligned_vector<float>(area));
  for (std::size_t i = 0; i < area; ++i) {
    const float* pixel = square.data() + 3 * i;
    if (color) {
      for (std::size_t c = 0; c < 3; ++c) channels[c][i] = pixel[c] * 255.0f;
    } else {
      channels[0][i] = (pixel[0] + pixel[1] + pixel[2]) * (255.0f / 3.0f);
    }
  }
  return channels;
}

}  // namespace detail

/// Picture to gist. Called with a picture with a hole, which must have been filled (inpaint/harmonic.hpp)
/// because the edge of a hole is an edge, it also weighs each cell by its known fraction.
///
/// About 1.2 ms a picture on one core at 128 pixels (AVX2), besides shrinking the picture.
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
    require(!orientations().empty() && orientations().size() <= 12, "gist: given ", orientations().size(),
            " scales, wanted 1 to 12");
    for (int count : orientations()) {
      require(count > 0 && count <= 64, "gist: given ", count, " orientations, wanted 1 to 64");
    }
  }

  /// The stage with other options: `gist({.side = 256})`.
  gist_stage operator()(const gist_options& options) const { return gist_stage(options); }

  descriptor operator()(const image<1>& gray) const {
    require(!gray.empty(), "gist: given an empty picture, wanted at least one pixel");
    require_unit_range(gray, "gist");
    const image<1> square = resize(gray, options_.side, options_.side, resampling::area);
    aligned_vector<float> values(square.values().begin(), square.values().end());
    for (float& value : values) value *= 255.0f;
    return describe(std::vector(options_.color ? 3 : 1, values));
  }
  descriptor operator()(const image<3>& picture) const {
    require(!picture.empty(), "gist: given an empty picture, wanted at least one pixel");
    require_unit_range(picture, "gist");
    return describe(detail::gist_channels(resize(picture, options_.side, options_.side, resampling::area),
                                          options_.color));
  }
  /// The same as of the picture as floats, to the bit.
  descriptor operator()(const byte_image& picture) const {
    require(!picture.empty(), "gist: given an empty picture, wanted at least one pixel");
    return describe(detail::gist_channels(
        resize_to_float(picture, options_.side, options_.side, resampling::area), options_.color));
  }
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
    const std::vector<int> counts = orientations();
    std::string filters;
    int values = 0;
    for (int count : counts) {
      filters += sentence(filters.empty() ? "" : "-", count);
      values += count;
    }
    if (std::count(counts.begin(), counts.end(), counts[0]) == static_cast<std::ptrdiff_t>(counts.size())) {
      filters = sentence(counts[0], ",scales=", counts.size());
    }
    return {{sentence("gist(side=", options_.side, ",orientations=", filters, ",grid=", options_.grid,
                      options_.color ? ",color" : "", ")"),
             options_.grid * options_.grid, (options_.color ? 3 : 1) * values, options_.importance}};
  }
  /// A picture whose shorter side has this many pixels is large enough.
  int sufficient_side() const { return 2 * options_.side; }
  const gist_options& options() const { return options_; }

 private:
  std::vector<int> orientations() const {
    if (!options_.orientations_per_scale.empty()) return options_.orientations_per_scale;
    return std::vector<int>(static_cast<std::size_t>(std::max(options_.scales, 0)), options_.orientations);
  }
  detail::gabor_bank_options bank_options() const {
    return {options_.side, orientations(), options_.grid, options_.exact};
  }

  descriptor describe(std::vector<aligned_vector<float>> channels) const {
    const auto tables = detail::gist_tables_for(bank_options());
    tables->prefilter(channels);
    const auto cells = static_cast<std::size_t>(options_.grid) * static_cast<std::size_t>(options_.grid);
    const std::size_t filters = tables->bank.size();
    std::vector<float> values(cells * channels.size() * filters);
    for (std::size_t c = 0; c < channels.size(); ++c) {
      const std::vector<float> energies = tables->bank.energies(channels[c]);
      for (std::size_t cell = 0; cell < cells; ++cell) {
        std::copy_n(energies.begin() + static_cast<std::ptrdiff_t>(cell * filters), filters,
                    values.begin() + static_cast<std::ptrdiff_t>((cell * channels.size() + c) * filters));
      }
    }
    return {blocks(), std::move(values), std::vector<float>(cells, 1.0f)};
  }

  gist_options options_;
};

inline const gist_stage gist;

}  // namespace lookalike

#pragma once

/// \file
/// Elastic deformation, the augmentation that U-Net learned from 30 pictures with: random displacement
/// vectors on a coarse grid, interpolated to every pixel (O. Ronneberger, P. Fischer, T. Brox: U-Net, MICCAI
/// 2015, section 3.1). The same displacements move a picture and its label map.

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <vector>

#include <lookalike/core/error.hpp>
#include <lookalike/core/random.hpp>
#include <lookalike/image/border.hpp>
#include <lookalike/image/image.hpp>
#include <lookalike/image/resample.hpp>

namespace lookalike {

/// For each pixel, where its value comes from: so many rows below it (channel 0) and columns to the right of
/// it (channel 1).
using displacement_field = image<2>;

struct elastic_options {
  int grid = 3;           ///< vectors along each side of the picture, the outer ones on its border
  double deviation = 10;  ///< standard deviation of the vectors' components, in pixels
};

struct deform_options {
  resampling how = resampling::bilinear;  ///< or `bicubic`, which can overshoot beside edges
  border beyond = border::mirror;         ///< what lies beyond the border
};

namespace detail {

/// Weights of the values at -1, 0, 1 and 2 for the place `t` in [0, 1]: Keys 1981, a = -1/2.
template <class Scalar>
constexpr std::array<Scalar, 4> cubic_weights(Scalar t) {
  constexpr Scalar half = Scalar{1} / 2;
  return {((-half * t + 1) * t - half) * t, (3 * half * t - 5 * half) * t * t + 1,
          ((-3 * half * t + 2) * t + half) * t, (half * t - half) * t * t};
}

/// Weights of `nodes` nodes for each of `extent` pixels, the first pixel on the first node and the last on
/// the last: cubic, with one more node on each side on the line through its two neighbors, so that what is
/// linear in the nodes is linear in the pixels.
inline std::vector<float> node_weights(int extent, int nodes) {
  std::vector<float> weights;
  weights.reserve(static_cast<std::size_t>(extent) * static_cast<std::size_t>(nodes));
  std::vector<double> of_pixel(static_cast<std::size_t>(nodes));
  const auto add = [&](int node, double weight) { of_pixel[static_cast<std::size_t>(node)] += weight; };
  for (int i = 0; i < extent; ++i) {
    std::fill(of_pixel.begin(), of_pixel.end(), 0.0);
    const double place = extent > 1 ? static_cast<double>(i) * (nodes - 1) / (extent - 1) : 0;
    const int cell = std::clamp(static_cast<int>(place), 0, std::max(nodes - 2, 0));
    const auto cubic = cubic_weights(place - cell);
    for (int k = 0; k < 4; ++k) {
      const int node = cell - 1 + k;
      const double weight = cubic[static_cast<std::size_t>(k)];
      const int nearest = std::clamp(node, 0, nodes - 1);
      if (node == nearest || nodes == 1) {
        add(nearest, weight);
      } else {
        add(nearest, 2 * weight);
        add(node < 0 ? nearest + 1 : nearest - 1, -weight);
      }
    }
    for (const double weight : of_pixel) weights.push_back(static_cast<float>(weight));
  }
  return weights;
}

inline void require_displacements(const displacement_field& field, const char* where) {
  constexpr float largest = 1e6f;
  unsigned any = 0;  // without a branch in the loop it is a vector loop
  for (const float value : field.values()) any |= static_cast<unsigned>(!(std::abs(value) <= largest));
  require(any == 0, where, ": given a displacement that is no number or above ", largest,
          ", wanted pixels within that");
}

/// Calls `write(y, x, row, column)` for each pixel, with the place that its value comes from.
template <class Write>
void for_displaced(const displacement_field& field, const Write& write) {
  for (int y = 0; y < field.height(); ++y) {
    for (int x = 0; x < field.width(); ++x) {
      write(y, x, static_cast<float>(y) + field(y, x, 0), static_cast<float>(x) + field(y, x, 1));
    }
  }
}

/// Interpolates with `weights_of(t)`: one weight for each of Taps pixels from floor - (Taps / 2 - 1) on.
template <int Taps, int Channels, class WeightsOf>
image<Channels> interpolate_displaced(const image<Channels>& picture, const displacement_field& field,
                                      border beyond, const WeightsOf& weights_of) {
  image<Channels> deformed(picture.height(), picture.width());
  for_displaced(field, [&](int y, int x, float row, float column) {
    const float top = std::floor(row);
    const float left = std::floor(column);
    const auto down = weights_of(row - top);
    const auto across = weights_of(column - left);
    const int first_row = static_cast<int>(top) - (Taps / 2 - 1);
    const int first_column = static_cast<int>(left) - (Taps / 2 - 1);
    std::array<float, Channels> sum{};
    const auto add_row = [&](const float* pixels, float weight, const auto& column_of) {
      std::array<float, Channels> along{};
      for (int k = 0; k < Taps; ++k) {
        const int source = column_of(k);
        if (source < 0) continue;
        for (int c = 0; c < Channels; ++c)
          along[static_cast<std::size_t>(c)] +=
              across[static_cast<std::size_t>(k)] * pixels[source * Channels + c];
      }
      for (std::size_t c = 0; c < Channels; ++c) sum[c] += weight * along[c];
    };
    const bool is_inside = first_row >= 0 && first_column >= 0 && first_row + Taps <= picture.height() &&
                           first_column + Taps <= picture.width();
    for (int k = 0; k < Taps; ++k) {
      const float weight = down[static_cast<std::size_t>(k)];
      if (is_inside) {
        add_row(picture.row(first_row + k).data(), weight, [&](int i) { return first_column + i; });
      } else if (const int source = inside(first_row + k, picture.height(), beyond); source >= 0) {
        add_row(picture.row(source).data(), weight,
                [&](int i) { return inside(first_column + i, picture.width(), beyond); });
      }
    }
    for (int c = 0; c < Channels; ++c) deformed(y, x, c) = sum[static_cast<std::size_t>(c)];
  });
  return deformed;
}

template <int Channels, class Value>
void require_field(const image<Channels, Value>& picture, const displacement_field& field,
                   const char* where) {
  require(same_extent(picture, field), where, ": given a displacement field of ", field.height(), "x",
          field.width(), ", wanted the picture's ", picture.height(), "x", picture.width());
  require_displacements(field, where);
}

}  // namespace detail

/// Vectors on a grid as a field of `height` by `width` pixels, by bicubic interpolation. The outer vectors
/// lie on the border pixels, the others at equal distances. Throws `value_error` for an empty grid or
/// negative extents. O(pixels x vectors along a side).
inline displacement_field interpolate_displacements(const image<2>& grid, int height, int width) {
  require(!grid.empty(), "interpolate_displacements: given an empty grid, wanted at least one vector");
  displacement_field field(height, width);
  const auto down = detail::node_weights(height, grid.height());
  const auto across = detail::node_weights(width, grid.width());
  std::vector<float> blended(grid.row(0).size());
  for (int y = 0; y < height; ++y) {
    std::fill(blended.begin(), blended.end(), 0.0f);
    for (int node = 0; node < grid.height(); ++node) {
      const float weight = down[static_cast<std::size_t>(y * grid.height() + node)];
      for (std::size_t i = 0; i < blended.size(); ++i) blended[i] += weight * grid.row(node)[i];
    }
    const float* weights = across.data();
    for (int x = 0; x < width; ++x, weights += grid.width()) {
      float rows = 0;
      float columns = 0;
      for (int node = 0; node < grid.width(); ++node) {
        rows += weights[node] * blended[static_cast<std::size_t>(2 * node)];
        columns += weights[node] * blended[static_cast<std::size_t>(2 * node + 1)];
      }
      field(y, x, 0) = rows;
      field(y, x, 1) = columns;
    }
  }
  return field;
}

/// A random smooth displacement field: independent normal vectors on a grid, row by row, interpolated. Four
/// draws a vector. Throws `value_error` for options out of range.
inline displacement_field draw_elastic_deformation(int height, int width, random_sequence& random,
                                                   const elastic_options& options = {}) {
  require(options.grid > 0, "elastic_options.grid: given ", options.grid, ", wanted at least 1 vector");
  require(options.deviation >= 0 && options.deviation <= 1e5, "elastic_options.deviation: given ",
          options.deviation, ", wanted 0 to 1e5 pixels");
  image<2> grid(options.grid, options.grid);
  for (float& value : grid.values()) value = static_cast<float>(random.normal(0, options.deviation));
  return interpolate_displacements(grid, height, width);
}

/// The picture with each pixel taken from where `field` says. Throws `value_error` when the extents differ, a
/// displacement is not finite or above a million pixels, or for `area`.
template <int Channels>
image<Channels> deform(const image<Channels>& picture, const displacement_field& field,
                       const deform_options& options = {}) {
  detail::require_field(picture, field, "deform");
  require(options.how != resampling::area, "deform_options.how: given area, wanted bilinear or bicubic");
  if (options.how == resampling::bicubic) {
    return detail::interpolate_displaced<4>(picture, field, options.beyond,
                                            [](float t) { return detail::cubic_weights(t); });
  }
  return detail::interpolate_displaced<2>(picture, field, options.beyond, [](float t) {
    return std::array<float, 2>{1.0f - t, t};
  });
}

/// The label map, or whatever must not be mixed, with each pixel taken from the pixel nearest to where
/// `field` says (of two, the one below or to the right); a value beyond the border is 0 for `border::zero`.
/// Throws `value_error` as `deform` does.
template <int Channels, class Value>
image<Channels, Value> deform_labels(const image<Channels, Value>& labels, const displacement_field& field,
                                     border beyond = border::mirror) {
  detail::require_field(labels, field, "deform_labels");
  image<Channels, Value> deformed(labels.height(), labels.width());
  detail::for_displaced(field, [&](int y, int x, float row, float column) {
    const int source_row = inside(static_cast<int>(std::floor(row + 0.5f)), labels.height(), beyond);
    const int source_column = inside(static_cast<int>(std::floor(column + 0.5f)), labels.width(), beyond);
    if (source_row < 0 || source_column < 0) return;
    for (int c = 0; c < Channels; ++c) deformed(y, x, c) = labels(source_row, source_column, c);
  });
  return deformed;
}

}  // namespace lookalike

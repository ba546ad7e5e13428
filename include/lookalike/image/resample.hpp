#pragma once

/// \file
/// Pictures at other sizes. Pixels are squares: pixel i covers [i, i + 1), its center is i + 1/2, and a
/// picture keeps its outline when it is resized.
///
/// `area` averages what an output pixel covers, fractions of pixels included. `bilinear` is the triangle
/// filter, `bicubic` the cubic of R. G. Keys (Cubic convolution interpolation, IEEE ASSP 29(6), 1981,
/// a = -1/2); when shrinking, both are widened by the ratio (antialiasing). At the border, weights that fall
/// outside are dropped and the rest scaled up. These are the conventions of Pillow, and of PyTorch's
/// `interpolate(antialias=True)`, with which results agree.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <lookalike/core/memory.hpp>
#include <lookalike/image/detail/row_blocks.hpp>
#include <lookalike/image/image.hpp>
#include <lookalike/image/size.hpp>
#include <lookalike/simd/resample.hpp>
#include <lookalike/simd/rows.hpp>

namespace lookalike {

enum class resampling { area, bilinear, bicubic };

struct resize_options {
  /// Widens `bilinear` and `bicubic` when shrinking, so that every input pixel counts. `area` always does.
  bool antialias = true;
};

namespace detail {

/// For each output position, the input positions that count: `taps` weights, from `firsts[i]` on.
struct resampling_table {
  int taps = 0;
  std::vector<int> firsts;
  std::vector<float> weights;  // taps for each output position; they sum to 1
};

/// Value of the filter at distance `t` from its center.
inline double filter_value(resampling how, double t) {
  t = std::abs(t);
  if (how == resampling::bilinear) return t < 1 ? 1 - t : 0;
  constexpr double a = -0.5;
  if (t < 1) return ((a + 2) * t - (a + 3)) * t * t + 1;
  return t < 2 ? ((t - 5) * t + 8) * t * a - 4 * a : 0;
}

/// From `from` pixels, of which the picture covers `extent`.
inline resampling_table make_resampling_table(int from, double extent, int to, resampling how,
                                              bool antialias) {
  const double ratio = extent / to;
  const double stretch = antialias ? std::max(ratio, 1.0) : 1.0;
  const double reach = how == resampling::area ? ratio / 2 : (how == resampling::bilinear ? 1 : 2) * stretch;
  resampling_table table;
  // Area counts pixels that the interval [center - reach, center + reach] touches, the others pixels whose
  // centers lie inside it. Where intervals begin on whole pixels, no pixel is touched in part.
  const bool touches_parts = how == resampling::area && std::fmod(extent, to) != 0;
  const double to_first = how == resampling::area ? 0.0 : 0.5;
  table.taps = std::min(from, static_cast<int>(std::ceil(2 * reach)) + (touches_parts ? 1 : 0));
  table.firsts.resize(static_cast<std::size_t>(to));
  table.weights.assign(static_cast<std::size_t>(to) * static_cast<std::size_t>(table.taps), 0.0f);
  std::vector<double> weights(static_cast<std::size_t>(table.taps));
  for (int i = 0; i < to; ++i) {
    const double center = (i + 0.5) * ratio;
    const int first =
        std::clamp(static_cast<int>(std::floor(center - reach + to_first)), 0, from - table.taps);
    double sum = 0;
    for (int k = 0; k < table.taps; ++k) {
      const double position = first + k;
      // Area: the length that input pixel and output pixel share.
      const double overlap = std::min(position + 1, center + reach) - std::max(position, center - reach);
      const double weight = how == resampling::area ? std::max(overlap, 0.0)
                                                    : filter_value(how, (position + 0.5 - center) / stretch);
      weights[static_cast<std::size_t>(k)] = weight;
      sum += weight;
    }
    table.firsts[static_cast<std::size_t>(i)] = first;
    for (int k = 0; k < table.taps; ++k) {
      const auto at = static_cast<std::size_t>(k);
      table.weights[static_cast<std::size_t>(i) * weights.size() + at] =
          static_cast<float>(weights[at] / sum);
    }
  }
  return table;
}

/// `resize` of floats, or of bytes as floats in [0, 1]. The picture covers `covered_height` x
/// `covered_width` pixels, which is less than there are where the last ones lie partly outside.
template <int Channels, class Value>
image<Channels> resized(const image<Channels, Value>& picture, double covered_height, double covered_width,
                        int height, int width, resampling how, bool antialias) {
  require(!picture.empty(), "resize: given an empty picture, wanted at least one pixel");
  require(height > 0 && width > 0, "resize: given a wanted extent of ", height, "x", width,
          ", wanted at least 1x1");
  const auto down = make_resampling_table(picture.height(), covered_height, height, how, antialias);
  const auto across = make_resampling_table(picture.width(), covered_width, width, how, antialias);
  image<Channels> result(height, width);
  const double work =
      0.1 * Channels *
      (static_cast<double>(picture.width()) * down.taps + static_cast<double>(width) * across.taps * 3);
  for_row_blocks(height, work, [&](int begin, int end) {
    aligned_vector<float> blended(picture.row(0).size() + simd::resample_row_slack);
    std::vector<const Value*> rows(static_cast<std::size_t>(down.taps));
    for (int y = begin; y < end; ++y) {
      const int first = down.firsts[static_cast<std::size_t>(y)];
      for (int k = 0; k < down.taps; ++k) rows[static_cast<std::size_t>(k)] = picture.row(first + k).data();
      simd::weighted_sum_of_rows(rows.data(),
                                 down.weights.data() + static_cast<std::ptrdiff_t>(y) * down.taps, down.taps,
                                 blended.data(), static_cast<std::ptrdiff_t>(picture.row(0).size()));
      simd::resample_row<Channels>(blended.data(), across.firsts.data(), across.weights.data(), across.taps,
                                   result.row(y).data(), width);
    }
  });
  return result;
}

}  // namespace detail

/// The picture at `height` by `width` pixels. `bicubic` can overshoot the range of values by some percent
/// beside edges; the others cannot. Throws `value_error` for an empty picture or extents below 1.
/// Cost: proportional to the input's pixels when shrinking, to the output's when enlarging.
template <int Channels>
image<Channels> resize(const image<Channels>& picture, int height, int width,
                       resampling how = resampling::bilinear, const resize_options& options = {}) {
  if (!picture.empty() && height == picture.height() && width == picture.width()) return picture;
  return detail::resized(picture, picture.height(), picture.width(), height, width, how, options.antialias);
}

/// `resize(to_float(picture), ...)`, without the large picture of floats.
template <int Channels>
image<Channels> resize_to_float(const image<Channels, std::uint8_t>& picture, int height, int width,
                                resampling how = resampling::bilinear, const resize_options& options = {}) {
  if (!picture.empty() && height == picture.height() && width == picture.width()) return to_float(picture);
  return detail::resized(picture, picture.height(), picture.width(), height, width, how, options.antialias);
}

/// `resize` of bytes, rounded to nearest.
template <int Channels>
image<Channels, std::uint8_t> resize(const image<Channels, std::uint8_t>& picture, int height, int width,
                                     resampling how = resampling::bilinear,
                                     const resize_options& options = {}) {
  return to_bytes(resize_to_float(picture, height, width, how, options));
}

/// The largest picture of the same proportions that fits into `height` by `width`, larger or smaller than
/// the given one. Throws `value_error` for an empty picture or extents below 1.
template <int Channels, class Value>
image<Channels, Value> scale_to_fit(const image<Channels, Value>& picture, int height, int width,
                                    resampling how = resampling::bilinear,
                                    const resize_options& options = {}) {
  const image_size size = fitted_size(size_of(picture), {height, width});
  return resize(picture, size.height, size.width, how, options);
}

/// The picture with its longer side `side` pixels long and the same proportions.
/// Throws `value_error` for an empty picture or a side below 1.
template <int Channels, class Value>
image<Channels, Value> resize_longest_side(const image<Channels, Value>& picture, int side,
                                           resampling how = resampling::bilinear,
                                           const resize_options& options = {}) {
  return scale_to_fit(picture, side, side, how, options);
}

}  // namespace lookalike

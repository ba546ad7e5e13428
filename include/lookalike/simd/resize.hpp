#pragma once

/// \file
/// Resizing of feature maps, as networks do it: nearest pixel or bilinear interpolation without smoothing, by
/// PyTorch's rules, with exact adjoints. (Pictures are resampled by image/resample.hpp, which averages when
/// it shrinks.)
///
/// The output's extents say how large the result is. Output position o looks at input position, where scale =
/// input extent / output extent unless given,
///
///     nearest          floor(scale o), floor(o / 2) for twice the pixels        (PyTorch's "nearest")
///     nearest_exact    floor(scale (o + 1/2))                                   (PyTorch's "nearest-exact")
///     bilinear         scale (o + 1/2) - 1/2, at least 0
///     align_corners    o (input extent - 1) / (output extent - 1), or 0 if that has one position only
///
/// computed in the scalar type for bilinear interpolation and in float for the nearest pixel, as PyTorch
/// does; positions beyond the last pixel see the last pixel.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>

#include <lookalike/simd/detail/lanes.hpp>
#include <lookalike/simd/layout.hpp>

namespace lookalike::simd::inline LOOKALIKE_SIMD_NAMESPACE {

enum class interpolation : unsigned char { nearest, nearest_exact, bilinear, bilinear_align_corners };

struct resize_options {
  interpolation rule = interpolation::bilinear;
  /// Factors by which the picture grows, where they are not output extent / input extent: PyTorch uses a
  /// factor as it was given, although output extents are whole numbers. 0: the ratio. Without effect with
  /// `bilinear_align_corners`.
  double scale_height = 0;
  double scale_width = 0;
};

/// Scalars of scratch memory for the functions below; y is the resized map.
template <class Scalar>
constexpr std::ptrdiff_t resize_scratch(const feature_map<Scalar>& y) {
  return 3 * (std::ptrdiff_t{y.height} + y.width);
}

namespace detail {

/// Output position o is (1 - weight) times input position `lower` and weight times `upper`.
template <class Scalar>
struct resize_axis {
  const Scalar* table;  // lower, upper, weight of each output position

  std::ptrdiff_t lower(int o) const { return static_cast<std::ptrdiff_t>(table[3 * o]); }
  std::ptrdiff_t upper(int o) const { return static_cast<std::ptrdiff_t>(table[3 * o + 1]); }
  Scalar weight(int o) const { return table[3 * o + 2]; }
};

template <class Scalar>
resize_axis<Scalar> fill_resize_axis(interpolation rule, double factor, int input, int output,
                                     Scalar* table) {
  const auto last = static_cast<Scalar>(input - 1);
  const Scalar scale =
      factor > 0 ? static_cast<Scalar>(1 / factor) : static_cast<Scalar>(input) / static_cast<Scalar>(output);
  const float coarse_scale =
      factor > 0 ? static_cast<float>(1 / factor) : static_cast<float>(input) / static_cast<float>(output);
  for (int o = 0; o < output; ++o) {
    const auto position = static_cast<Scalar>(o);
    Scalar at = 0;
    switch (rule) {
      case interpolation::nearest:
        if (output == input || output == 2 * input) {  // whatever the factor that was given, as PyTorch does
          at = static_cast<Scalar>(output == input ? o : o / 2);
        } else {
          at = std::floor(static_cast<float>(o) * coarse_scale);
        }
        break;
      case interpolation::nearest_exact:
        at = std::floor((static_cast<float>(o) + 0.5f) * coarse_scale);
        break;
      case interpolation::bilinear:
        at = std::max((position + Scalar(0.5)) * scale - Scalar(0.5), Scalar(0));
        break;
      case interpolation::bilinear_align_corners:
        at = output > 1 ? position * (last / static_cast<Scalar>(output - 1)) : Scalar(0);
        break;
    }
    at = std::min(at, last);
    const Scalar lower = std::floor(at);
    table[3 * o] = lower;
    table[3 * o + 1] = std::min(lower + 1, last);
    table[3 * o + 2] = at - lower;
  }
  return {table};
}

template <class Scalar>
struct resize_axes {
  resize_axis<Scalar> rows;
  resize_axis<Scalar> columns;
};

template <class Scalar>
resize_axes<Scalar> fill_resize_axes(const char* where, const feature_map<const Scalar>& x,
                                     const feature_map<const Scalar>& y, const resize_options& options,
                                     std::span<Scalar> scratch) {
  require(x.batch == y.batch && x.channels == y.channels, where, ": given ", x.batch, " pictures of ",
          x.channels, " channels and ", y.batch, " of ", y.channels, ", wanted the same");
  require(static_cast<std::ptrdiff_t>(scratch.size()) >= resize_scratch(y), where, ": given scratch for ",
          scratch.size(), " scalars, wanted ", resize_scratch(y));
  Scalar* columns = scratch.data() + 3 * std::ptrdiff_t{y.height};
  return {fill_resize_axis(options.rule, options.scale_height, x.height, y.height, scratch.data()),
          fill_resize_axis(options.rule, options.scale_width, x.width, y.width, columns)};
}

inline bool is_nearest(interpolation rule) {
  return rule == interpolation::nearest || rule == interpolation::nearest_exact;
}

}  // namespace detail

/// y = x, resized. `scratch` holds `resize_scratch(y)` scalars. Throws `value_error` if batches or channels
/// differ.
template <class Scalar>
void resize(const input_map<Scalar>& x, const resize_options& options, const feature_map<Scalar>& y,
            std::span<std::type_identity_t<Scalar>> scratch) {
  using batch = xsimd::batch<Scalar>;
  const auto axes = detail::fill_resize_axes<Scalar>("resize", x, y, options, scratch);
  const bool nearest = detail::is_nearest(options.rule);
  const std::ptrdiff_t row_scalars = std::ptrdiff_t{y.width} * y.channels * (nearest ? 2 : 5);
  detail::for_ranges(std::ptrdiff_t{y.batch} * y.height, row_scalars,
                     [&](std::ptrdiff_t first, std::ptrdiff_t last) {
                       for (std::ptrdiff_t i = first; i < last; ++i) {
                         const int row = static_cast<int>(i % y.height);
                         const Scalar* picture = x.data + i / y.height * x.picture_pitch();
                         const Scalar* upper_row = picture + axes.rows.lower(row) * x.row_pitch();
                         const Scalar* lower_row = picture + axes.rows.upper(row) * x.row_pitch();
                         Scalar* out = y.data + i * y.row_pitch();
                         const batch down(axes.rows.weight(row));
                         for (int column = 0; column < y.width; ++column, out += y.pitch) {
                           const std::ptrdiff_t left = axes.columns.lower(column) * x.pitch;
                           if (nearest) {
                             detail::for_vectors<Scalar>(y.channels, [&](std::ptrdiff_t c, auto vector) {
                               vector.store(out + c, vector.load(upper_row + left + c));
                             });
                             continue;
                           }
                           const std::ptrdiff_t right = axes.columns.upper(column) * x.pitch;
                           const batch across(axes.columns.weight(column));
                           detail::for_vectors<Scalar>(y.channels, [&](std::ptrdiff_t c, auto vector) {
                             const batch a = vector.load(upper_row + left + c);
                             const batch b = vector.load(upper_row + right + c);
                             const batch d = vector.load(lower_row + left + c);
                             const batch e = vector.load(lower_row + right + c);
                             const batch top = xsimd::fma(across, b - a, a);
                             const batch bottom = xsimd::fma(across, e - d, d);
                             vector.store(out + c, xsimd::fma(down, bottom - top, top));
                           });
                         }
                       }
                     });
}

/// The adjoint: gx = what each pixel of x gave away, or that added to gx. `scratch` holds
/// `resize_scratch(gy)` scalars.
template <class Scalar>
void resize_backward(const input_map<Scalar>& gy, const resize_options& options,
                     const feature_map<Scalar>& gx, bool accumulate,
                     std::span<std::type_identity_t<Scalar>> scratch) {
  using batch = xsimd::batch<Scalar>;
  const auto axes = detail::fill_resize_axes<Scalar>("resize_backward", gx, gy, options, scratch);
  const bool nearest = detail::is_nearest(options.rule);
  const std::ptrdiff_t scalars = gy.pixels() * gy.channels * (nearest ? 3 : 9);
  detail::for_channel_slices(gx, scalars, [&](int n, int first, int channels) {
    const feature_map<Scalar> target = gx.picture(n).slice(first, channels);
    detail::row_clearer<Scalar> cleared(target, !accumulate);
    for (int row = 0; row < gy.height; ++row) {
      cleared.reach(static_cast<int>(axes.rows.upper(row)) + 1);
      Scalar* upper_row = target.data + axes.rows.lower(row) * target.row_pitch();
      Scalar* lower_row = target.data + axes.rows.upper(row) * target.row_pitch();
      const batch down(axes.rows.weight(row));
      const Scalar* from = gy.pixel(n, row, 0) + first;
      for (int column = 0; column < gy.width; ++column, from += gy.pitch) {
        const std::ptrdiff_t left = axes.columns.lower(column) * target.pitch;
        if (nearest) {
          detail::for_vectors<Scalar>(channels, [&](std::ptrdiff_t c, auto vector) {
            Scalar* to = upper_row + left + c;
            vector.store(to, vector.load(to) + vector.load(from + c));
          });
          continue;
        }
        const std::ptrdiff_t right = axes.columns.upper(column) * target.pitch;
        const batch across(axes.columns.weight(column));
        detail::for_vectors<Scalar>(channels, [&](std::ptrdiff_t c, auto vector) {
          const batch gradient = vector.load(from + c);
          const batch bottom = down * gradient;
          const batch top = gradient - bottom;
          // one after another, as the four may be the same pixel
          const auto add = [&](Scalar* to, const batch& value) { vector.store(to, vector.load(to) + value); };
          add(upper_row + left + c, top - across * top);
          add(upper_row + right + c, across * top);
          add(lower_row + left + c, bottom - across * bottom);
          add(lower_row + right + c, across * bottom);
        });
      }
    }
    cleared.reach(target.height);
  });
}

}  // namespace lookalike::simd::inline LOOKALIKE_SIMD_NAMESPACE

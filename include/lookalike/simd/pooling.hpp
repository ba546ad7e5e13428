#pragma once

/// \file
/// Pools: the maximum or the mean over a sliding window, over the bins of an adaptive pool (whose output
/// extents are given) or over the whole picture; and the way back from a maximum to its place (Zeiler and
/// Fergus, 2014).
///
/// The output's extents say how many positions the window has: `window_positions` or `window_positions_ceil`
/// (simd/window.hpp). Padding never wins a maximum. Rules for ties and NaN are PyTorch's: the first maximum
/// in row-major order counts, and a NaN in the window comes out as NaN (the last one counts). A window that
/// lies outside the map altogether yields -infinity, or a mean of 0.
///
/// Backward functions overwrite gx, or add to it with `accumulate`. All functions throw `value_error` if
/// batches or channels differ.

#include <cmath>
#include <cstddef>
#include <limits>

#include <lookalike/simd/detail/lanes.hpp>
#include <lookalike/simd/detail/pool_geometry.hpp>
#include <lookalike/simd/layout.hpp>
#include <lookalike/simd/window.hpp>

namespace lookalike::simd::inline LOOKALIKE_SIMD_NAMESPACE {

namespace detail {

template <class First, class Second>
void require_same_channels(const char* where, const feature_map<First>& x, const feature_map<Second>& y) {
  require(x.batch == y.batch && x.channels == y.channels, where, ": given ", x.batch, " pictures of ",
          x.channels, " channels and ", y.batch, " of ", y.channels, ", wanted the same");
}

/// The number of the first maximum of the window made of `rows` and `columns`, in as many channels from
/// `channel` on as `vector` loads; -1 for an empty window. Taps of row i are numbered first(i), first(i) +
/// step, ...
template <class Scalar, class Vector, class First>
inline xsimd::batch<Scalar> find_maximum(const input_map<Scalar>& x, int n, const tap_range& rows,
                                         const tap_range& columns, std::ptrdiff_t channel,
                                         const Vector& vector, const First& first, Scalar step) {
  using batch = xsimd::batch<Scalar>;
  if (rows.count <= 0 || columns.count <= 0) return batch(Scalar(-1));
  batch best(-std::numeric_limits<Scalar>::infinity());
  batch chosen(first(0));
  for (int i = 0; i < rows.count; ++i) {
    const Scalar* pixel = x.pixel(n, rows[i], columns.first) + channel;
    batch number(first(i));
    for (int j = 0; j < columns.count; ++j, pixel += columns.step * x.pitch) {
      const batch value = vector.load(pixel);
      const auto better = value > best || xsimd::isnan(value);
      best = xsimd::select(better, value, best);
      chosen = xsimd::select(better, number, chosen);
      number += batch(step);
    }
  }
  return chosen;
}

/// Calls `visit(n, y, x, rows, columns)` for all output pixels, by rows.
template <class Scalar, class Visit>
void for_windows(const feature_map<Scalar>& y, const pool_geometry& geometry, const Visit& visit) {
  const std::ptrdiff_t taps = y.pixels() == 0 ? 0
                                              : std::ptrdiff_t{geometry.rows.taps(y.height / 2).count} *
                                                    geometry.columns.taps(y.width / 2).count;
  for_ranges(std::ptrdiff_t{y.batch} * y.height, (taps + 1) * y.width * y.channels,
             [&](std::ptrdiff_t first, std::ptrdiff_t last) {
               for (std::ptrdiff_t i = first; i < last; ++i) {
                 const int row = static_cast<int>(i % y.height);
                 const tap_range rows = geometry.rows.taps(row);
                 for (int column = 0; column < y.width; ++column) {
                   visit(static_cast<int>(i / y.height), row, column, rows, geometry.columns.taps(column));
                 }
               }
             });
}

template <class Scalar>
void pool_maximum(const input_map<Scalar>& x, const pool_geometry& geometry, const feature_map<Scalar>& y) {
  using batch = xsimd::batch<Scalar>;
  for_windows(y, geometry, [&](int n, int row, int column, const tap_range& rows, const tap_range& columns) {
    Scalar* out = y.pixel(n, row, column);
    for_vectors<Scalar>(y.channels, [&](std::ptrdiff_t channel, auto vector) {
      batch best(-std::numeric_limits<Scalar>::infinity());
      for (int i = 0; i < rows.count; ++i) {
        const Scalar* pixel = x.pixel(n, rows[i], columns.first) + channel;
        for (int j = 0; j < columns.count; ++j, pixel += columns.step * x.pitch) {
          const batch value = vector.load(pixel);
          best = xsimd::select(value > best || xsimd::isnan(value), value, best);
        }
      }
      vector.store(out + channel, best);
    });
  });
}

template <class Scalar>
void pool_maximum_indices(const input_map<Scalar>& x, const pool_geometry& geometry,
                          const feature_map<Scalar>& indices) {
  for_windows(indices, geometry,
              [&](int n, int row, int column, const tap_range& rows, const tap_range& columns) {
                Scalar* out = indices.pixel(n, row, column);
                const auto first = [&](int i) {
                  return static_cast<Scalar>(std::ptrdiff_t{rows[i]} * x.width + columns.first);
                };
                for_vectors<Scalar>(indices.channels, [&](std::ptrdiff_t channel, auto vector) {
                  vector.store(out + channel, find_maximum<Scalar>(x, n, rows, columns, channel, vector,
                                                                   first, static_cast<Scalar>(columns.step)));
                });
              });
}

/// Calls `visit(first channel, channels, n, y, x, rows, columns)` for all output pixels: within a slice of
/// the channels one after another, as what is added to a pixel is added in a fixed order. With `clear`, rows
/// of gx are cleared just before the first window reaches them, while they are in the cache.
template <class Scalar, class Visit>
void for_windows_backward(const feature_map<const Scalar>& gy, const pool_geometry& geometry,
                          const feature_map<Scalar>& gx, bool clear, const Visit& visit) {
  for_channel_slices(gx, gx.pixels() * gx.channels * 2, [&](int n, int first, int channels) {
    row_clearer<Scalar> cleared(gx.picture(n).slice(first, channels), clear);
    for (int row = 0; row < gy.height; ++row) {
      const tap_range rows = geometry.rows.taps(row);
      if (rows.count > 0) cleared.reach(rows[rows.count - 1] + 1);
      for (int column = 0; column < gy.width; ++column)
        visit(first, channels, n, row, column, rows, geometry.columns.taps(column));
    }
    cleared.reach(gx.height);
  });
}

template <class Scalar>
void pool_maximum_backward(const input_map<Scalar>& x, const input_map<Scalar>& gy,
                           const pool_geometry& geometry, const feature_map<Scalar>& gx, bool accumulate) {
  using batch = xsimd::batch<Scalar>;
  const bool overwrite = !accumulate && geometry.disjoint();  // each pixel is written at most once
  const bool clear = !accumulate && !(overwrite && geometry.covering());
  for_windows_backward(
      gy, geometry, gx, clear,
      [&](int first, int channels, int n, int row, int column, const tap_range& rows,
          const tap_range& columns) {
        const Scalar* from = gy.pixel(n, row, column) + first;
        for_vectors<Scalar>(channels, [&](std::ptrdiff_t channel, auto vector) {
          const auto row_start = [&](int i) { return static_cast<Scalar>(i * columns.count); };
          const batch chosen =
              find_maximum<Scalar>(x, n, rows, columns, first + channel, vector, row_start, Scalar(1));
          const batch gradient = vector.load(from + channel);
          batch number(Scalar(0));
          for (int i = 0; i < rows.count; ++i) {
            Scalar* to = gx.pixel(n, rows[i], columns.first) + first + channel;
            for (int j = 0; j < columns.count; ++j, to += columns.step * gx.pitch) {
              const batch part = xsimd::select(chosen == number, gradient, batch(Scalar(0)));
              vector.store(to, overwrite ? part : part + vector.load(to));
              number += batch(Scalar(1));
            }
          }
        });
      });
}

/// By how much the sum over the window at (row, column) is divided.
inline int mean_count(const pool_geometry& geometry, bool count_include_pad, int row, int column) {
  if (count_include_pad) return geometry.rows.padded_taps(row) * geometry.columns.padded_taps(column);
  return geometry.rows.taps(row).count * geometry.columns.taps(column).count;
}

template <class Scalar>
void pool_mean(const input_map<Scalar>& x, const pool_geometry& geometry, bool count_include_pad,
               const feature_map<Scalar>& y) {
  using batch = xsimd::batch<Scalar>;
  for_windows(y, geometry, [&](int n, int row, int column, const tap_range& rows, const tap_range& columns) {
    Scalar* out = y.pixel(n, row, column);
    const bool empty = rows.count == 0 || columns.count == 0;
    const batch count(static_cast<Scalar>(empty ? 1 : mean_count(geometry, count_include_pad, row, column)));
    for_vectors<Scalar>(y.channels, [&](std::ptrdiff_t channel, auto vector) {
      batch sum(Scalar(0));
      for (int i = 0; i < rows.count; ++i) {  // row by row, so that sums of many floats stay accurate
        const Scalar* pixel = x.pixel(n, rows[i], columns.first) + channel;
        batch row_sum(Scalar(0));
        for (int j = 0; j < columns.count; ++j, pixel += columns.step * x.pitch)
          row_sum += vector.load(pixel);
        sum += row_sum;
      }
      vector.store(out + channel, sum / count);
    });
  });
}

template <class Scalar>
void pool_mean_backward(const input_map<Scalar>& gy, const pool_geometry& geometry, bool count_include_pad,
                        const feature_map<Scalar>& gx, bool accumulate) {
  using batch = xsimd::batch<Scalar>;
  const bool overwrite = !accumulate && geometry.disjoint();
  const bool clear = !accumulate && !(overwrite && geometry.covering());
  for_windows_backward(
      gy, geometry, gx, clear,
      [&](int first, int channels, int n, int row, int column, const tap_range& rows,
          const tap_range& columns) {
        if (rows.count == 0 || columns.count == 0) return;
        const Scalar* from = gy.pixel(n, row, column) + first;
        const batch count(static_cast<Scalar>(mean_count(geometry, count_include_pad, row, column)));
        for_vectors<Scalar>(channels, [&](std::ptrdiff_t channel, auto vector) {
          const batch part = vector.load(from + channel) / count;
          for (int i = 0; i < rows.count; ++i) {
            Scalar* to = gx.pixel(n, rows[i], columns.first) + first + channel;
            for (int j = 0; j < columns.count; ++j, to += columns.step * gx.pitch)
              vector.store(to, overwrite ? part : part + vector.load(to));
          }
        });
      });
}

template <class Map>
void require_one_pixel(const char* where, const Map& map) {
  require(map.height == 1 && map.width == 1, where, ": given an output of ", map.height, " x ", map.width,
          " pixels, wanted 1 x 1");
}

}  // namespace detail

// ---- maxima -----------------------------------------------------------------------------------------------

/// y = the maximum of x over the window, channel by channel.
template <class Scalar>
void max_pool(const input_map<Scalar>& x, const window& w, const feature_map<Scalar>& y) {
  detail::require_same_channels("max_pool", x, y);
  detail::pool_maximum(x, detail::pool_geometry::sliding(x, w, y), y);
}

/// The gradient goes to the first maximum of each window.
template <class Scalar>
void max_pool_backward(const input_map<Scalar>& x, const input_map<Scalar>& gy, const window& w,
                       const feature_map<Scalar>& gx, bool accumulate) {
  detail::require_same_channels("max_pool_backward", x, gy);
  detail::require_same_extents("max_pool_backward", x, gx);
  detail::pool_maximum_backward(x, gy, detail::pool_geometry::sliding(x, w, gy), gx, accumulate);
}

/// Where the maxima are: y * width + x within the plane of x, as a scalar. Throws `value_error` for planes of
/// more than 2^24 pixels in float, whose pixels a float cannot number.
template <class Scalar>
void max_pool_indices(const input_map<Scalar>& x, const window& w, const feature_map<Scalar>& indices) {
  detail::require_same_channels("max_pool_indices", x, indices);
  const std::int64_t plane = std::int64_t{x.height} * x.width;
  require(plane <= std::int64_t{1} << std::min(std::numeric_limits<Scalar>::digits, 62),
          "max_pool_indices: given a plane of ", plane, " pixels, wanted at most 2^",
          std::numeric_limits<Scalar>::digits);
  detail::pool_maximum_indices(x, detail::pool_geometry::sliding(x, w, indices), indices);
}

namespace detail {

/// `visit(value at (n, y, x, c) of the pooled map, pixel it belongs to)` for all elements of a picture.
/// Throws if an index is no pixel of the plane.
template <class Scalar, class Visit>
void for_indices(const char* where, const feature_map<const Scalar>& indices, std::ptrdiff_t plane,
                 const Visit& visit) {
  for_blocks(indices.batch, indices.pixels() * indices.channels * 4, [&](std::ptrdiff_t n) {
    const feature_map<const Scalar> picture = indices.picture(static_cast<int>(n));
    for (std::ptrdiff_t i = 0; i < picture.pixels(); ++i) {
      for (int c = 0; c < picture.channels; ++c) {
        const Scalar index = picture.data[i * picture.pitch + c];
        if (!(index >= 0 && index < static_cast<Scalar>(plane) && index == std::floor(index))) {
          require(false, where, ": given index ", index, " at pixel ", i, ", channel ", c, " of picture ", n,
                  ", wanted a whole number from 0 to ", plane - 1);
        }
        visit(static_cast<int>(n), i, c, static_cast<std::ptrdiff_t>(index));
      }
    }
  });
}

}  // namespace detail

/// The partial inverse of a max pool: y = x at the pixel of y's plane that `indices` names, 0 elsewhere.
/// Where several values go to the same pixel, the last in row-major order stays. Throws `value_error` for an
/// index outside the plane.
template <class Scalar>
void max_unpool(const input_map<Scalar>& x, const input_map<Scalar>& indices, const feature_map<Scalar>& y) {
  detail::require_same_extents("max_unpool", x, indices);
  detail::require_same_channels("max_unpool", x, y);
  fill(y, Scalar(0));
  detail::for_indices("max_unpool", indices, std::ptrdiff_t{y.height} * y.width,
                      [&](int n, std::ptrdiff_t i, int c, std::ptrdiff_t at) {
                        y.pixel(n, 0, 0)[at * y.pitch + c] = x.pixel(n, 0, 0)[i * x.pitch + c];
                      });
}

/// gx = gy at the pixel that `indices` names. (Where several values went to the same pixel, each receives its
/// gradient, as in PyTorch.)
template <class Scalar>
void max_unpool_backward(const input_map<Scalar>& indices, const input_map<Scalar>& gy,
                         const feature_map<Scalar>& gx, bool accumulate) {
  detail::require_same_extents("max_unpool_backward", indices, gx);
  detail::require_same_channels("max_unpool_backward", gx, gy);
  detail::for_indices("max_unpool_backward", indices, std::ptrdiff_t{gy.height} * gy.width,
                      [&](int n, std::ptrdiff_t i, int c, std::ptrdiff_t at) {
                        Scalar& to = gx.pixel(n, 0, 0)[i * gx.pitch + c];
                        const Scalar value = gy.pixel(n, 0, 0)[at * gy.pitch + c];
                        to = accumulate ? to + value : value;
                      });
}

// ---- means ------------------------------------------------------------------------------------------------

/// y = the mean of x over the window. With `count_include_pad`, the window's part in the padding counts as
/// zeros; otherwise only what lies in the map counts. What hangs over the padding in ceil mode never counts.
template <class Scalar>
void average_pool(const input_map<Scalar>& x, const window& w, bool count_include_pad,
                  const feature_map<Scalar>& y) {
  detail::require_same_channels("average_pool", x, y);
  detail::pool_mean(x, detail::pool_geometry::sliding(x, w, y), count_include_pad, y);
}

template <class Scalar>
void average_pool_backward(const input_map<Scalar>& gy, const window& w, bool count_include_pad,
                           const feature_map<Scalar>& gx, bool accumulate) {
  detail::require_same_channels("average_pool_backward", gx, gy);
  detail::pool_mean_backward(gy, detail::pool_geometry::sliding(gx, w, gy), count_include_pad, gx,
                             accumulate);
}

// ---- adaptive and global ----------------------------------------------------------------------------------

/// y = the maximum over a bin: output row o of h looks at input rows floor(o H / h) to ceil((o + 1) H / h),
/// columns likewise.
template <class Scalar>
void adaptive_max_pool(const input_map<Scalar>& x, const feature_map<Scalar>& y) {
  detail::require_same_channels("adaptive_max_pool", x, y);
  detail::pool_maximum(x, detail::pool_geometry::adaptive(x, y), y);
}

template <class Scalar>
void adaptive_max_pool_backward(const input_map<Scalar>& x, const input_map<Scalar>& gy,
                                const feature_map<Scalar>& gx, bool accumulate) {
  detail::require_same_channels("adaptive_max_pool_backward", x, gy);
  detail::require_same_extents("adaptive_max_pool_backward", x, gx);
  detail::pool_maximum_backward(x, gy, detail::pool_geometry::adaptive(x, gy), gx, accumulate);
}

/// y = the mean over a bin, as above.
template <class Scalar>
void adaptive_average_pool(const input_map<Scalar>& x, const feature_map<Scalar>& y) {
  detail::require_same_channels("adaptive_average_pool", x, y);
  detail::pool_mean(x, detail::pool_geometry::adaptive(x, y), false, y);
}

template <class Scalar>
void adaptive_average_pool_backward(const input_map<Scalar>& gy, const feature_map<Scalar>& gx,
                                    bool accumulate) {
  detail::require_same_channels("adaptive_average_pool_backward", gx, gy);
  detail::pool_mean_backward(gy, detail::pool_geometry::adaptive(gx, gy), false, gx, accumulate);
}

/// The mean over the whole picture; y has 1 x 1 pixels.
template <class Scalar>
void global_average_pool(const input_map<Scalar>& x, const feature_map<Scalar>& y) {
  detail::require_one_pixel("global_average_pool", y);
  adaptive_average_pool(x, y);
}

template <class Scalar>
void global_average_pool_backward(const input_map<Scalar>& gy, const feature_map<Scalar>& gx,
                                  bool accumulate) {
  detail::require_one_pixel("global_average_pool_backward", gy);
  adaptive_average_pool_backward(gy, gx, accumulate);
}

/// The maximum over the whole picture; y has 1 x 1 pixels.
template <class Scalar>
void global_max_pool(const input_map<Scalar>& x, const feature_map<Scalar>& y) {
  detail::require_one_pixel("global_max_pool", y);
  adaptive_max_pool(x, y);
}

template <class Scalar>
void global_max_pool_backward(const input_map<Scalar>& x, const input_map<Scalar>& gy,
                              const feature_map<Scalar>& gx, bool accumulate) {
  detail::require_one_pixel("global_max_pool_backward", gy);
  adaptive_max_pool_backward(x, gy, gx, accumulate);
}

}  // namespace lookalike::simd::inline LOOKALIKE_SIMD_NAMESPACE

#pragma once

/// \file
/// Convolution of each channel with a kernel of its own: vectors run along the channels, and read the map
/// where it lies. Only outputs near the left and the right border look where each of their taps is.

#include <algorithm>
#include <cstddef>
#include <cstdint>

#include <lookalike/core/parallel.hpp>
#include <lookalike/simd/detail/border_index.hpp>
#include <lookalike/simd/detail/convolution_block.hpp>
#include <lookalike/simd/detail/direct_convolution.hpp>
#include <lookalike/simd/detail/finish_tile.hpp>
#include <lookalike/simd/detail/lanes.hpp>
#include <lookalike/simd/detail/partial_vector.hpp>
#include <lookalike/simd/detail/register_tile.hpp>

namespace lookalike::simd::inline LOOKALIKE_SIMD_NAMESPACE {
namespace detail {

/// Row and column of the tap, channel (filled up with zeros to whole registers).
constexpr std::ptrdiff_t packed_depthwise_size(int channels, int row_taps, int column_taps) {
  return std::ptrdiff_t{divide_up(channels, float_lanes)} * float_lanes * row_taps * column_taps;
}

inline void pack_depthwise(const weight_strides& w, int channels, int row_taps, int column_taps,
                           float* packed) {
  const int padded = divide_up(channels, float_lanes) * float_lanes;
  for (int k = 0; k < row_taps; ++k) {
    for (int l = 0; l < column_taps; ++l, packed += padded) {
      for (int c = 0; c < channels; ++c) packed[c] = w.data[c * w.output + k * w.row + l * w.column];
      std::fill(packed + channels, packed + padded, 0.0f);
    }
  }
}

/// One row of outputs, and the panel of channels of which it is computed.
struct depthwise_row {
  const convolution_task* task;
  int picture, row;
  int channel;           ///< the panel's first
  const float* weights;  ///< the panel's, of the first tap
  std::ptrdiff_t weight_step;
};

/// `count` <= Rows outputs of a row from `column` on. Inner: all their taps lie between the left and the
/// right border. `vector` loads what there is of each of the panel's registers.
template <int Rows, int Vectors, bool Inner, class Vector>
void depthwise_tile(const depthwise_row& at, int column, int count, const Vector& vector,
                    const panel_epilogue& store) {
  static_assert(Inner || Rows == 1);
  constexpr int width = Vectors * float_lanes;
  const convolution_task& t = *at.task;
  alignas(64) float buffer[Rows * width];
  std::ptrdiff_t offsets[Rows];
  const float* residuals[Rows];
  float* outputs[Rows];
  const int output_row = t.vertical.output_first + at.row * t.vertical.output_step;
  for (int r = 0; r < Rows; ++r) {
    // Those beyond the last are computed from its inputs, and not stored.
    offsets[r] = std::min(r, count - 1) * t.horizontal.stride * t.x.pitch;
    if (r >= count) continue;
    const int output_column = t.horizontal.output_first + (column + r) * t.horizontal.output_step;
    outputs[r] = t.y.pixel(at.picture, output_row, output_column) + at.channel;
    if (store.has_residual)
      residuals[r] = t.store->residual.pixel(at.picture, output_row, output_column) + at.channel;
  }
  tile_sums<Rows, Vectors> sum;
  unroll(up_to<Rows>, [&](int r) {
    unroll(up_to<Vectors>,
           [&](int v) { sum.at[r][v] = floats::load_aligned(store.start + v * float_lanes); });
  });
  const int first_row = t.vertical.first + at.row * t.vertical.stride;
  const int first_column = t.horizontal.first + column * t.horizontal.stride;
  for (int k = 0; k < t.vertical.taps; ++k) {
    const int y = border_index(first_row + k * t.vertical.dilation, t.x.height, t.mode);
    if (y < 0) continue;
    const float* weights = at.weights + k * t.horizontal.taps * at.weight_step;
    const float* pixels = t.x.pixel(at.picture, y, 0) + at.channel;
    for (int l = 0; l < t.horizontal.taps; ++l, weights += at.weight_step) {
      int x = first_column + l * t.horizontal.dilation;
      if constexpr (!Inner) {
        x = border_index(x, t.x.width, t.mode);
        if (x < 0) continue;
      }
      const float* from = pixels + x * t.x.pitch;
      floats w[Vectors];
      unroll(up_to<Vectors>, [&](int v) { w[v] = floats::load_unaligned(weights + v * float_lanes); });
      unroll(up_to<Rows>, [&](int r) {
        unroll(up_to<Vectors>, [&](int v) {
          sum.at[r][v] = xsimd::fma(vector.load(from + offsets[r] + v * float_lanes), w[v], sum.at[r][v]);
        });
      });
    }
  }
  unroll(up_to<Rows>, [&](int r) {
    unroll(up_to<Vectors>, [&](int v) { sum.at[r][v].store_aligned(buffer + r * width + v * float_lanes); });
  });
  finish_tile(buffer, width, count, store, residuals, outputs, 0);
}

/// The outputs [begin, end) along an axis whose taps all lie inside of `extent` inputs.
struct inner_outputs {
  int begin, end;

  inner_outputs(const convolution_axis& a, int extent) {
    begin = std::clamp(divide_up(std::max(-a.first, 0), a.stride), 0, a.count);
    // How far behind the first output's inputs the last output's may begin.
    const int last = extent - 1 - (a.taps - 1) * a.dilation - a.first;
    end = last < 0 ? begin : std::clamp(last / a.stride + 1, begin, a.count);
  }
};

/// Rows [first_row, last_row) of a panel.
template <int Vectors, class Vector>
void depthwise_panel(depthwise_row at, int first_row, int last_row, const Vector& vector,
                     const panel_epilogue& store) {
  constexpr int tile = tile_rows<Vectors>;
  const convolution_task& t = *at.task;
  const inner_outputs inner(t.horizontal, t.x.width);
  const auto border = [&](int begin, int end) {
    for (int column = begin; column < end; ++column)
      depthwise_tile<1, Vectors, false>(at, column, 1, vector, store);
  };
  for (at.row = first_row; at.row < last_row; ++at.row) {
    border(0, inner.begin);
    for (int column = inner.begin; column < inner.end; column += tile)
      depthwise_tile<tile, Vectors, true>(at, column, std::min(tile, inner.end - column), vector, store);
    border(inner.end, t.horizontal.count);
  }
}

inline void depthwise_convolution(const convolution_task& t) {
  if (t.y.pixels() == 0) return;
  const int channels = t.x.channels;
  const int panels = divide_up(channels, panel_channels);
  // Rows whose inputs stay in the second-level cache, for one panel after the other.
  const std::ptrdiff_t row_scalars = std::ptrdiff_t{t.horizontal.count} * t.horizontal.stride * channels;
  const int rows = std::clamp(
      static_cast<int>(block_budget / std::max<std::ptrdiff_t>(row_scalars * t.vertical.stride, 1)), 1,
      std::max(t.vertical.count, 1));
  const int row_blocks = divide_up(t.vertical.count, rows);
  const std::int64_t blocks = std::int64_t{t.y.batch} * row_blocks;
  const std::int64_t wanted = threads() == 1 ? 1 : 4 * threads();
  const std::int64_t parts = std::clamp<std::int64_t>(wanted / std::max<std::int64_t>(blocks, 1), 1, panels);
  const std::ptrdiff_t padded = divide_up(channels, float_lanes) * float_lanes;
  for_each_with_memory(blocks * parts, 0, {}, [&](std::int64_t i, float*) {
    const std::int64_t part = i % parts, block = i / parts;
    const int first_row = static_cast<int>(block % row_blocks) * rows;
    const int last_row = std::min(first_row + rows, t.vertical.count);
    const auto last_panel = static_cast<int>(panels * (part + 1) / parts);
    for (auto panel = static_cast<int>(panels * part / parts); panel < last_panel; ++panel) {
      // A last panel of one register and a bit is two.
      const int end = std::min(channels, (panel + 1) * panel_channels);
      for (int first = panel * panel_channels; first < end;) {
        const depthwise_row at{&t, static_cast<int>(block / row_blocks), 0, first, t.packed + first, padded};
        const int left = end - first;
        const int count = left == panel_channels ? left : std::min(left, float_lanes);
        const panel_epilogue store(*t.store, first, count);
        if (count == panel_channels) {
          depthwise_panel<2>(at, first_row, last_row, whole_vector<float>{}, store);
        } else if (count == float_lanes) {
          depthwise_panel<1>(at, first_row, last_row, whole_vector<float>{}, store);
        } else {
          depthwise_panel<1>(at, first_row, last_row, partial_vector<float>{count}, store);
        }
        first += count;
      }
    }
  });
}

}  // namespace detail
}  // namespace lookalike::simd::inline LOOKALIKE_SIMD_NAMESPACE

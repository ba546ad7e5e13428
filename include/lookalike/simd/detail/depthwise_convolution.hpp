#pragma once

/// \file
/// Convolution of each channel with a kernel of its own: vectors run along the channels.

#include <algorithm>
#include <cstddef>
#include <span>

#include <lookalike/simd/detail/direct_convolution.hpp>

namespace lookalike::simd::inline LOOKALIKE_SIMD_NAMESPACE {
namespace detail {

/// Channels that are copied into a block together.
inline constexpr int depthwise_channels = 64;

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

/// One register of channels of Rows pixels.
template <int Rows>
void depthwise_tile(pixel_walk& walk, int count, const input_runs& runs, const float* weights,
                    std::ptrdiff_t weight_step, const panel_epilogue& store) {
  alignas(64) float buffer[Rows * float_lanes];
  const float* pixels[Rows];
  const float* residuals[Rows];
  float* outputs[Rows];
  for (int r = 0; r < Rows; ++r) {
    if (r >= count) {
      pixels[r] = pixels[0];
      continue;
    }
    pixels[r] = walk.input();
    outputs[r] = walk.output();
    residuals[r] = walk.residual();
    walk.step();
  }
  tile_sums<Rows, 1> sum;
  unroll(up_to<Rows>, [&](int r) { sum.at[r][0] = floats::load_aligned(store.start); });
  for (int k = 0; k < runs.outer_count; ++k) {
    for (int l = 0; l < runs.inner_count; ++l, weights += weight_step) {
      const floats w = floats::load_unaligned(weights);
      const std::ptrdiff_t offset = k * runs.outer_step + l * runs.inner_step;
      unroll(up_to<Rows>, [&](int r) {
        sum.at[r][0] = xsimd::fma(floats::load_unaligned(pixels[r] + offset), w, sum.at[r][0]);
      });
    }
  }
  unroll(up_to<Rows>, [&](int r) { sum.at[r][0].store_aligned(buffer + r * float_lanes); });
  finish_tile(buffer, float_lanes, count, store, residuals, outputs);
}

/// Blocks for the copies of up to `depthwise_channels` channels.
inline blocking depthwise_blocks(const convolution_task& t) {
  const int channels = divide_up(std::min(t.x.channels, depthwise_channels), float_lanes) * float_lanes;
  return choose_blocks(t.y.batch, t.vertical, t.horizontal, channels, forward_block_pixels);
}

inline std::ptrdiff_t depthwise_scratch(const convolution_task& t) {
  return depthwise_blocks(t).memory;
}

inline void depthwise_convolution(const convolution_task& t, std::span<float> scratch) {
  const blocking blocks = depthwise_blocks(t);
  const int slices = divide_up(t.x.channels, depthwise_channels);
  const int padded = divide_up(t.x.channels, float_lanes) * float_lanes;
  for_each_with_memory(blocks.count() * slices, blocks.memory, scratch, [&](std::int64_t i, float* memory) {
    const block_range range = block_at(blocks, i / slices, t.y.batch, t.vertical.count, t.horizontal.count);
    const int first = static_cast<int>(i % slices) * depthwise_channels;
    const int channels = std::min(depthwise_channels, t.x.channels - first);
    const input_block inputs = copy_inputs(t.x.slice(first, channels), t.mode, t.vertical, t.horizontal,
                                           range, divide_up(channels, float_lanes) * float_lanes, memory);
    const input_runs runs{.outer_count = t.vertical.taps,
                          .outer_step = t.vertical.dilation * inputs.row_step,
                          .inner_count = t.horizontal.taps,
                          .inner_step = t.horizontal.dilation * inputs.pixel_step,
                          .length = 1};
    for (int c = 0; c < channels; c += float_lanes) {
      const panel_epilogue store(*t.store, first + c, std::min(float_lanes, channels - c));
      input_block shifted = inputs;
      shifted.data += c;
      pixel_walk walk(t, shifted, range, first + c);
      for (int pixels = range.pixels(); pixels > 0; pixels -= 8)
        depthwise_tile<8>(walk, std::min(pixels, 8), runs, t.packed + first + c, padded, store);
    }
  });
}

}  // namespace detail
}  // namespace lookalike::simd::inline LOOKALIKE_SIMD_NAMESPACE

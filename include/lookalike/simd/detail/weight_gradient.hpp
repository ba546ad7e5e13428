#pragma once

/// \file
/// Gradients of the weights of a convolution by register tiles over inputs x output channels, which sum over
/// the pixels of a block.
///
/// Pixels are divided into parts, whatever the number of threads; each part has sums of its own, in the order
/// of packed weights, to which its blocks add one after another; in the end the parts are added in order.
/// Blocks of a hundred or so pixels keep sums of millions of floats accurate.

#include <algorithm>
#include <cstddef>
#include <span>

#include <lookalike/simd/detail/depthwise_convolution.hpp>

namespace lookalike::simd::inline LOOKALIKE_SIMD_NAMESPACE {
namespace detail {

/// The convolution whose weights are wanted: of all channels of x to all channels of gy.
struct weight_gradient_task {
  feature_map<const float> x;
  padding_mode mode = padding_mode::zeros;
  convolution_axis vertical;
  convolution_axis horizontal;
  feature_map<const float> gy;
  bool is_depthwise = false;

  std::ptrdiff_t packed_size() const {
    return is_depthwise ? packed_depthwise_size(x.channels, vertical.taps, horizontal.taps)
                        : packed_panels_size(x.channels, gy.channels, vertical.taps, horizontal.taps);
  }
};

/// How the work is divided: not by the number of threads.
struct weight_gradient_parts {
  blocking blocks;
  std::int64_t pixel_parts = 1;
  std::int64_t channel_parts = 1;
  std::ptrdiff_t gradient_memory = 0;  ///< scalars of the gradients of a block, one panel

  static constexpr int block_pixels = 192;
  static constexpr std::ptrdiff_t sums_budget = 2 << 20;

  explicit weight_gradient_parts(const weight_gradient_task& t) {
    const int step = t.is_depthwise ? divide_up(t.x.channels, float_lanes) * float_lanes : t.x.channels;
    blocks = choose_blocks(t.gy.batch, t.vertical, t.horizontal, step, block_pixels);
    // Parts are worth their memory, and the time to add them, only if each has many pixels.
    const std::int64_t most = std::min<std::int64_t>(
        t.gy.pixels() / 1024, sums_budget / std::max<std::ptrdiff_t>(1, t.packed_size()));
    pixel_parts = std::clamp<std::int64_t>(most, 1, 16);
    channel_parts =
        std::min<std::int64_t>((15 + pixel_parts) / pixel_parts, divide_up(t.gy.channels, panel_channels));
    gradient_memory = std::ptrdiff_t{blocks.pictures} * blocks.rows * blocks.columns * panel_channels;
  }
  std::ptrdiff_t memory_each() const { return blocks.memory + gradient_memory; }
};

/// Scratch, for so many threads.
inline std::ptrdiff_t weight_gradient_memory(const weight_gradient_task& t, int thread_count) {
  const weight_gradient_parts parts(t);
  return (parts.pixel_parts * t.packed_size() + 15) / 16 * 16 + thread_count * parts.memory_each();
}

/// The gradients of `count` channels from `first` on at the pixels of a block, `width` apart, filled up with
/// zeros.
inline void pack_gradients(const feature_map<const float>& gy, const block_range& range, int first, int count,
                           int width, float* to) {
  for (int n = 0; n < range.pictures; ++n) {
    for (int y = 0; y < range.rows; ++y) {
      const float* from = gy.pixel(range.picture + n, range.row + y, range.column) + first;
      for (int x = 0; x < range.columns; ++x, from += gy.pitch, to += width) {
        int c = 0;
        for (; c + float_lanes <= count; c += float_lanes)
          floats::load_unaligned(from + c).store_unaligned(to + c);
        for (; c < count; ++c) to[c] = from[c];
        for (; c < width; ++c) to[c] = 0;
      }
    }
  }
}

/// Adds the products of one block and one run of `length` inputs to `totals`.
template <int Vectors>
void add_gradients(const float* x, std::ptrdiff_t length, const pixel_grid& grid, const float* gradients,
                   float* totals) {
  constexpr int rows = tile_rows<Vectors>, small = small_tile_rows<Vectors>, width = Vectors * float_lanes;
  std::ptrdiff_t j = 0;
#ifdef LOOKALIKE_HAS_WIDE_TILE
  if constexpr (width == panel_channels) {
    constexpr int wide = wide_tile_rows;
    for (; has_wide_registers && length - j > wide / 2 && length >= wide; j += wide) {
      const std::ptrdiff_t at = std::min(j, length - wide);
      wide_gradient_tile(x + at, grid, gradients, static_cast<int>(j - at), totals + at * width);
    }
  }
#endif
  for (; length - j > rows - small && length >= rows; j += rows) {
    // the last tile begins early and computes some rows again, which it does not store
    const std::ptrdiff_t at = std::min(j, length - rows);
    gradient_tile<rows, Vectors>(x + at, grid, gradients, static_cast<int>(j - at), totals + at * width);
  }
  for (; j < length && length >= small; j += small) {
    const std::ptrdiff_t at = std::min(j, length - small);
    gradient_tile<small, Vectors>(x + at, grid, gradients, static_cast<int>(j - at), totals + at * width);
  }
  for (; j < length; ++j) gradient_tile<1, Vectors>(x + j, grid, gradients, 0, totals + j * width);
}

inline void dense_block_gradient(const weight_gradient_task& t, const input_block& inputs,
                                 const block_range& range, int panel, float* gradients, float* sums) {
  const int first = panel * panel_channels;
  const int count = std::min(panel_channels, t.gy.channels - first);
  const int width = panel_width_at(first, t.gy.channels);
  pack_gradients(t.gy, range, first, count, width, gradients);
  const pixel_grid grid{.pictures = range.pictures,
                        .picture_step = inputs.picture_step,
                        .rows = range.rows,
                        .row_step = t.vertical.stride * inputs.row_step,
                        .columns = range.columns,
                        .column_step = t.horizontal.stride * inputs.pixel_step};
  const std::ptrdiff_t tap_step = t.horizontal.dilation * inputs.pixel_step;
  const bool is_one_run = tap_step == t.x.channels;
  const std::ptrdiff_t length = std::ptrdiff_t{t.x.channels} * (is_one_run ? t.horizontal.taps : 1);
  float* totals = sums + std::ptrdiff_t{first} * t.x.channels * t.vertical.taps * t.horizontal.taps;
  for (int k = 0; k < t.vertical.taps; ++k) {
    for (int l = 0; l < (is_one_run ? 1 : t.horizontal.taps); ++l, totals += length * width) {
      const float* x = inputs.data + k * t.vertical.dilation * inputs.row_step + l * tap_step;
      if (width > float_lanes) {
        add_gradients<2>(x, length, grid, gradients, totals);
      } else {
        add_gradients<1>(x, length, grid, gradients, totals);
      }
    }
  }
}

inline void depthwise_block_gradient(const weight_gradient_task& t, const input_block& inputs,
                                     const block_range& range, float* gradients, float* sums) {
  const int padded = divide_up(t.x.channels, float_lanes) * float_lanes;
  for (int c = 0; c < t.x.channels; c += float_lanes) {
    pack_gradients(t.gy, range, c, std::min(float_lanes, t.x.channels - c), float_lanes, gradients);
    float* total = sums + c;
    for (int k = 0; k < t.vertical.taps; ++k) {
      for (int l = 0; l < t.horizontal.taps; ++l, total += padded) {
        floats sum[4] = {floats(0.0f), floats(0.0f), floats(0.0f), floats(0.0f)};
        const float* g = gradients;
        for (int n = 0; n < range.pictures; ++n) {
          for (int y = 0; y < range.rows; ++y) {
            const float* x = inputs.data + c + n * inputs.picture_step +
                             (y * t.vertical.stride + k * t.vertical.dilation) * inputs.row_step +
                             l * t.horizontal.dilation * inputs.pixel_step;
            const std::ptrdiff_t step = t.horizontal.stride * inputs.pixel_step;
            for (int column = 0; column < range.columns; ++column, x += step, g += float_lanes)
              sum[column % 4] =
                  xsimd::fma(floats::load_unaligned(x), floats::load_unaligned(g), sum[column % 4]);
          }
        }
        (floats::load_unaligned(total) + ((sum[0] + sum[1]) + (sum[2] + sum[3]))).store_unaligned(total);
      }
    }
  }
}

/// gw += the sums for the outputs from `first` on, `count` of them: those of all parts, `part_step` apart, in
/// order. `total` is a panel of packed weights, and is changed.
inline void add_panel(const weight_gradient_task& t, float* total, std::int64_t parts,
                      std::ptrdiff_t part_step, int first, int count, float* gw) {
  const int inputs = t.is_depthwise ? 1 : t.x.channels;
  const int taps = t.vertical.taps * t.horizontal.taps;
  const int width =
      t.is_depthwise ? divide_up(count, float_lanes) * float_lanes : panel_width_at(first, t.gy.channels);
  const std::ptrdiff_t panel_size = std::ptrdiff_t{width} * inputs * taps;
  for (std::int64_t part = 1; part < parts; ++part) {
    const float* other = total + part * part_step;
    for (std::ptrdiff_t i = 0; i < panel_size; ++i) total[i] += other[i];
  }
  weight_table table;
  weight_table::for_each_piece(inputs, taps, [&](int c0, int c_count, int tap0, int tap_count) {
    for (int o0 = 0; o0 < count; o0 += panel_channels) {
      const int o_count = std::min(panel_channels, count - o0);
      for (int i = 0; i < tap_count; ++i)
        for (int c = 0; c < c_count; ++c)
          std::copy_n(total + (std::ptrdiff_t{tap0 + i} * inputs + c0 + c) * width + o0, o_count,
                      table.values[c][i]);
      for (int o = 0; o < o_count; ++o) {
        for (int c = 0; c < c_count; ++c) {
          float* out = gw + (std::ptrdiff_t{first + o0 + o} * inputs + c0 + c) * taps + tap0;
          for (int i = 0; i < tap_count; ++i) out[i] += table.values[c][i][o];
        }
      }
    }
  });
}

/// gw += the sums of all parts.
inline void add_parts(const weight_gradient_task& t, float* sums, std::int64_t parts, float* gw) {
  const int taps = t.vertical.taps * t.horizontal.taps;
  const int panel_outputs = t.is_depthwise ? t.gy.channels : panel_channels;
  for_panels(divide_up(t.gy.channels, panel_outputs), [&](std::int64_t panel) {
    const int first = static_cast<int>(panel) * panel_outputs;
    float* total = sums + std::ptrdiff_t{first} * (t.is_depthwise ? 1 : t.x.channels) * taps;
    add_panel(t, total, parts, t.packed_size(), first, std::min(panel_outputs, t.gy.channels - first), gw);
  });
}

/// gw += the gradient, gw in the order O x I x kernel.
inline void weight_gradient(const weight_gradient_task& t, float* gw, std::span<float> scratch) {
  const weight_gradient_parts parts(t);
  const std::ptrdiff_t size = t.packed_size();
  const std::int64_t blocks = parts.blocks.count();
  const int panels = t.is_depthwise ? 1 : divide_up(t.gy.channels, panel_channels);
  const std::int64_t channel_parts = t.is_depthwise ? 1 : parts.channel_parts;
  const std::ptrdiff_t panel_size =
      std::ptrdiff_t{panel_channels} * t.x.channels * t.vertical.taps * t.horizontal.taps;
  float* sums = scratch.data();
  const auto rest = scratch.subspan(static_cast<std::size_t>((parts.pixel_parts * size + 15) / 16 * 16));
  for_each_with_memory(
      parts.pixel_parts * channel_parts, parts.memory_each(), rest, [&](std::int64_t i, float* memory) {
        const std::int64_t part = i / channel_parts;
        const std::int64_t channel_part = i % channel_parts;
        const int first_panel = static_cast<int>(panels * channel_part / channel_parts);
        const int last_panel = static_cast<int>(panels * (channel_part + 1) / channel_parts);
        float* total = sums + part * size;
        float* gradients = memory + parts.blocks.memory;
        if (t.is_depthwise) {
          std::fill_n(total, size, 0.0f);
        } else {
          std::fill(total + first_panel * panel_size, total + std::min(size, last_panel * panel_size), 0.0f);
        }
        for (std::int64_t b = blocks * part / parts.pixel_parts; b < blocks * (part + 1) / parts.pixel_parts;
             ++b) {
          const block_range range =
              block_at(parts.blocks, b, t.gy.batch, t.vertical.count, t.horizontal.count);
          if (t.is_depthwise) {
            const int padded = divide_up(t.x.channels, float_lanes) * float_lanes;
            const input_block inputs =
                copy_inputs(t.x, t.mode, t.vertical, t.horizontal, range, padded, memory);
            depthwise_block_gradient(t, inputs, range, gradients, total);
          } else {
            const input_block inputs =
                find_inputs(t.x, t.mode, t.vertical, t.horizontal, range, t.x.channels, memory);
            for (int panel = first_panel; panel < last_panel; ++panel)
              dense_block_gradient(t, inputs, range, panel, gradients, total);
          }
        }
      });
  add_parts(t, sums, parts.pixel_parts, gw);
}

}  // namespace detail
}  // namespace lookalike::simd::inline LOOKALIKE_SIMD_NAMESPACE

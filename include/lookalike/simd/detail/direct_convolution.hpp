#pragma once

/// \file
/// Direct convolution by register tiles: forward, backward for the data, and transposed alike.

#include <algorithm>
#include <cstddef>
#include <span>
#include <type_traits>

#include <lookalike/simd/detail/convolution_block.hpp>
#include <lookalike/simd/detail/finish_tile.hpp>
#include <lookalike/simd/detail/register_tile.hpp>
#include <lookalike/simd/detail/thin_convolution.hpp>
#include <lookalike/simd/detail/wide_tile.hpp>
#include <lookalike/simd/epilogue.hpp>
#include <lookalike/simd/feature_map.hpp>
#include <lookalike/simd/instruction_set.hpp>

namespace lookalike::simd::inline LOOKALIKE_SIMD_NAMESPACE {
namespace detail {

/// One convolution without groups: of all channels of x to all channels of y, at the outputs of two axes.
struct convolution_task {
  feature_map<const float> x;
  padding_mode mode = padding_mode::zeros;
  convolution_axis vertical;
  convolution_axis horizontal;
  const float* packed = nullptr;
  const epilogue<float>* store = nullptr;
  feature_map<float> y;
};

/// Where weights are: of output o, input c and taps (k, l), at
/// `data[o * output + c * input + k * row + l * column]`.
struct weight_strides {
  const float* data = nullptr;
  std::ptrdiff_t output = 0;
  std::ptrdiff_t input = 0;
  std::ptrdiff_t row = 0;
  std::ptrdiff_t column = 0;
};

/// Panels of `panel_channels` outputs, the last filled up with zeros to whole registers; in each: row and
/// column of the tap, input, output.
constexpr std::ptrdiff_t packed_panels_size(int inputs, int outputs, int row_taps, int column_taps) {
  return std::ptrdiff_t{divide_up(outputs, float_lanes)} * float_lanes * inputs * row_taps * column_taps;
}

inline int panel_width_at(int first_output, int outputs) {
  return outputs - first_output > float_lanes ? panel_channels : float_lanes;
}

/// Visits the weights of a panel of outputs in pieces of a few inputs and taps, each of which fits a small
/// table: `visit(first input, inputs, first tap, taps)`. Weights have taps as neighbors, panels have outputs,
/// and both lie whole pages apart, which the first-level cache does not like; a table stands between them.
struct weight_table {
  static constexpr int inputs = 8;
  static constexpr int taps = 16;
  alignas(64) float values[inputs][taps][panel_channels];

  template <class Visit>
  static void for_each_piece(int all_inputs, int all_taps, const Visit& visit) {
    for (int c = 0; c < all_inputs; c += inputs)
      for (int tap = 0; tap < all_taps; tap += taps)
        visit(c, std::min(inputs, all_inputs - c), tap, std::min(taps, all_taps - tap));
  }
};

/// Runs `step(panel)` for all panels, on several threads.
template <class Step>
void for_panels(int count, const Step& step) {
  parallel_for(count, block_step(step));
}

inline void pack_panels(const weight_strides& w, int inputs, int outputs, int row_taps, int column_taps,
                        float* packed) {
  const int taps = row_taps * column_taps;
  for_panels(divide_up(outputs, panel_channels), [&](std::int64_t panel) {
    const int first = static_cast<int>(panel) * panel_channels;
    const int width = panel_width_at(first, outputs);
    const int used = std::min(width, outputs - first);
    float* panel_start = packed + std::ptrdiff_t{first} * inputs * taps;
    weight_table table = {};
    weight_table::for_each_piece(inputs, taps, [&](int c0, int c_count, int tap0, int tap_count) {
      std::ptrdiff_t offsets[weight_table::taps];
      for (int i = 0; i < tap_count; ++i)
        offsets[i] = (tap0 + i) / column_taps * w.row + (tap0 + i) % column_taps * w.column;
      for (int o = 0; o < used; ++o) {
        for (int c = 0; c < c_count; ++c) {
          const float* from = w.data + (first + o) * w.output + (c0 + c) * w.input;
          for (int i = 0; i < tap_count; ++i) table.values[c][i][o] = from[offsets[i]];
        }
      }
      for (int i = 0; i < tap_count; ++i)
        for (int c = 0; c < c_count; ++c)
          std::copy_n(table.values[c][i], width,
                      panel_start + (std::ptrdiff_t{tap0 + i} * inputs + c0 + c) * width);
    });
  });
}

/// Outputs in a block, about: enough to load a panel of weights from the second-level cache for.
inline constexpr int forward_block_pixels = 1024;

/// Weights of a layer, in scalars, that leave room in the first-level cache.
inline constexpr std::ptrdiff_t few_weights = 4096;

/// Where the inputs, outputs and residuals of the pixels of a block are, in order: found once for all panels
/// of channels. Behind the last pixel come copies of the first, which are computed again and not stored.
struct block_pixels {
  static constexpr int spare = tile_rows<1>;
  int count = 0;
  const float* inputs[forward_block_pixels + spare];
  float* outputs[forward_block_pixels + spare];
  const float* residuals[forward_block_pixels + spare];

  block_pixels(const convolution_task& t, const input_block& from, const block_range& range) {
    const std::ptrdiff_t input_step = t.horizontal.stride * from.pixel_step;
    const std::ptrdiff_t output_step = t.horizontal.output_step * t.y.pitch;
    const feature_map<const float>& residual = t.store->residual;
    const int x = t.horizontal.output_first + range.column * t.horizontal.output_step;
    for (int n = 0; n < range.pictures; ++n) {
      for (int row = 0; row < range.rows; ++row) {
        const int y = t.vertical.output_first + (range.row + row) * t.vertical.output_step;
        const float* input = from.data + n * from.picture_step + row * t.vertical.stride * from.row_step;
        float* output = t.y.pixel(range.picture + n, y, x);
        for (int i = 0; i < range.columns; ++i) inputs[count + i] = input + i * input_step;
        for (int i = 0; i < range.columns; ++i) outputs[count + i] = output + i * output_step;
        if (residual.data) {
          const float* at = residual.pixel(range.picture + n, y, x);
          const std::ptrdiff_t step = t.horizontal.output_step * residual.pitch;
          for (int i = 0; i < range.columns; ++i) residuals[count + i] = at + i * step;
        }
        count += range.columns;
      }
    }
    std::fill_n(inputs + count, spare, inputs[0]);
  }
};

/// One panel of channels of pixels [at, end) of a block, from channel `first` on. Outputs and residuals lie
/// far apart, one cache line in a pixel, which no processor foresees: they are fetched while the sums are
/// computed.
template <int Vectors>
void convolve_panel(const block_pixels& pixels, int at, int end, int first, const input_runs& runs,
                    const float* weights, const panel_epilogue& store) {
  constexpr int width = Vectors * float_lanes;
  const std::ptrdiff_t depth = runs.outer_count * runs.inner_count * runs.length;
  const float* ahead = weights + depth * width;  // the next panel's
  // Calls `multiply(inputs, residuals, outputs, count)` for the next pixels.
  const auto next = [&](int height, std::ptrdiff_t fetched_for_four, const auto& multiply) {
    const int count = std::min(height, end - at);
    float* const* outputs = pixels.outputs + at;
    const float* const* residuals = pixels.residuals + at;
    for (int r = 0; r < count; ++r) __builtin_prefetch(outputs[r] + first + width - 1, 1);
    if (store.has_residual)
      for (int r = 0; r < count; ++r) __builtin_prefetch(residuals[r] + first);
    multiply(pixels.inputs + at, residuals, outputs, count);
    at += height;
    ahead += depth / inputs_ahead * fetched_for_four;
  };
#ifdef LOOKALIKE_HAS_WIDE_TILE
  if constexpr (width == panel_channels) {
    if (has_wide_registers && finishes_wide(store)) {
      int left = end - at;
      for_wide_tiles(left, [&](auto height) {
        next(
            height(), wide_scalars_ahead,
            [&](const float* const* inputs, const float* const* residuals, float* const* outputs, int count) {
              wide_tile<height()>(inputs, runs, weights, ahead, store, residuals, outputs, first, count);
            });
        left -= height();
      });
      return;
    }
  }
#endif
  constexpr int rows = tile_rows<Vectors>, small = small_tile_rows<Vectors>;
  alignas(64) float buffer[rows * width];
  float* sums[rows];
  for (int r = 0; r < rows; ++r) sums[r] = buffer + r * width;
  const bool is_stored_at_once = store.is_trivial && store.channels == width;
  const auto tile = [&](auto tile_rows) {
    constexpr int height = tile_rows();
    next(height, scalars_ahead,
         [&](const float* const* inputs, const float* const* residuals, float* const* outputs, int count) {
           if (is_stored_at_once && count == height) {
             register_tile<height, Vectors>(inputs, runs, weights, ahead, store.start, outputs, first);
           } else {
             register_tile<height, Vectors>(inputs, runs, weights, ahead, store.start, sums, 0);
             finish_tile(buffer, width, count, store, residuals, outputs, first);
           }
         });
  };
  while (end - at > rows - small) tile(std::integral_constant<int, rows>{});
  while (end - at > 0) tile(std::integral_constant<int, small>{});
}

/// Whether four panels of a layer are computed together: their weights, `depth` for each output, must stay in
/// the second-level cache while tiles of pixels pass.
inline bool has_panel_groups([[maybe_unused]] int outputs, [[maybe_unused]] std::ptrdiff_t depth) {
#ifdef LOOKALIKE_HAS_WIDE_TILE
  constexpr std::ptrdiff_t most_depth = 2048;
  return has_wide_registers && outputs >= group_panels * panel_channels && depth <= most_depth;
#else
  return false;
#endif
}

#ifdef LOOKALIKE_HAS_WIDE_TILE
/// What `convolve_panel` does, for four panels, each with an epilogue that wide tiles know.
inline void convolve_group(const block_pixels& pixels, int at, int end, int first, const input_runs& runs,
                           const float* weights, const panel_epilogue* stores) {
  const std::ptrdiff_t depth = runs.outer_count * runs.inner_count * runs.length;
  const std::ptrdiff_t panel_size = depth * panel_channels;
  const float* ahead = weights + group_panels * panel_size;  // the next group's
  const auto tile = [&](auto height) {
    constexpr int rows = height();
    const int count = std::min(rows, end - at);
    float* const* outputs = pixels.outputs + at;
    const float* const* residuals = pixels.residuals + at;
    for (int r = 0; r < count; ++r) {
      for (int v = 0; v < group_panels; ++v) {
        __builtin_prefetch(outputs[r] + first + v * panel_channels, 1);
        if (stores->has_residual) __builtin_prefetch(residuals[r] + first + v * panel_channels);
      }
    }
    group_tile<rows>(pixels.inputs + at, runs, weights, panel_size, ahead, stores, residuals, outputs, first,
                     count);
    ahead += panel_size;
    at += rows;
  };
  while (at < end) {
    const int rows = (end - at) / divide_up(end - at, group_rows);  // as even as can be
    with_tile_height<group_rows, 5, 4, 2>(rows, tile);
  }
}
#endif

/// Products of an output.
inline std::ptrdiff_t direct_depth(const convolution_task& t) {
  return std::ptrdiff_t{t.x.channels} * t.vertical.taps * t.horizontal.taps;
}

/// Pixels that lie half a page apart, or a multiple of it, fall on the same lines of the first-level cache,
/// which has room for a few pixels of a tile then. Where a copy is worth it, it has a gap between pixels.
inline int direct_pixel_step(const convolution_task& t) {
  constexpr std::ptrdiff_t half_page = 512;
  const bool is_worth_it =
      t.y.channels >= 4 * panel_channels && !has_panel_groups(t.y.channels, direct_depth(t));
  const bool collide = t.horizontal.stride * t.x.pitch % half_page == 0 || t.x.channels % half_page == 0;
  return t.x.channels + (collide && is_worth_it ? static_cast<int>(row_gap) : 0);
}

inline blocking direct_blocks(const convolution_task& t) {
  return choose_blocks(t.y.batch, t.vertical, t.horizontal, direct_pixel_step(t), forward_block_pixels);
}

/// Memory of one thread of `direct_convolution`.
inline std::ptrdiff_t direct_scratch(const convolution_task& t) {
  return direct_blocks(t).memory;
}

inline void direct_convolution(const convolution_task& t, std::span<float> scratch) {
  const blocking blocks = direct_blocks(t);
  const int panels = divide_up(t.y.channels, panel_channels);
  const std::ptrdiff_t depth = direct_depth(t);
  // Where there are few blocks, threads share their panels, in whole groups if these are enough.
  const std::int64_t wanted = threads() == 1 ? 1 : 4 * threads();
  const int groups = divide_up(panels, group_panels);
  const int together =
      has_panel_groups(t.y.channels, depth) && blocks.count() * groups >= threads() ? group_panels : 1;
  const int shares = divide_up(panels, together);
  const std::int64_t parts =
      std::clamp<std::int64_t>(wanted / std::max<std::int64_t>(1, blocks.count()), 1, shares);
  for_each_with_memory(blocks.count() * parts, blocks.memory, scratch, [&](std::int64_t i, float* memory) {
    const block_range range = block_at(blocks, i / parts, t.y.batch, t.vertical.count, t.horizontal.count);
    const input_block inputs =
        find_inputs(t.x, t.mode, t.vertical, t.horizontal, range, direct_pixel_step(t), memory);
    const std::int64_t part = i % parts;
    input_runs runs{.outer_count = t.vertical.taps,
                    .outer_step = t.vertical.dilation * inputs.row_step,
                    .inner_count = t.horizontal.taps,
                    .inner_step = t.horizontal.dilation * inputs.pixel_step,
                    .length = t.x.channels};
    if (runs.inner_step == runs.length) {
      runs.length *= runs.inner_count;
      runs.inner_count = 1;
    }
    const block_pixels pixels(t, inputs, range);
    if (has_narrow_outputs(runs.length, t.y.channels)) {
      aligned_vector<float> turned;
      turn_narrow_weights(t.packed, runs, t.y.channels, turned);
      convolve_narrow(pixels.inputs, pixels.count, runs, turned.data(),
                      panel_epilogue(*t.store, 0, t.y.channels), pixels.residuals, pixels.outputs);
      return;
    }
    const std::int64_t first_panel = shares * part / parts * together;
    const std::int64_t last_panel = std::min<std::int64_t>(shares * (part + 1) / parts * together, panels);
    if (has_thin_sums(depth, t.y.channels)) {
      const int first = static_cast<int>(first_panel) * panel_channels;
      convolve_thin(pixels.inputs, pixels.residuals, pixels.outputs, pixels.count, runs,
                    t.packed + first * depth, *t.store, first,
                    std::min(static_cast<int>(last_panel) * panel_channels, t.y.channels));
      return;
    }
    // Few weights stay in the first-level cache, and all channels of a pixel are stored one after another.
    const int pixels_at_once = depth * t.y.channels <= few_weights ? 4 * tile_rows<1> : pixels.count;
    for (int at = 0; at < pixels.count; at += pixels_at_once) {
      const int end = std::min(at + pixels_at_once, pixels.count);
      for (std::int64_t panel = first_panel; panel < last_panel; ++panel) {
        const int first = static_cast<int>(panel) * panel_channels;
        const int count = std::min(panel_channels, t.y.channels - first);
        const panel_epilogue store(*t.store, first, count);
        const float* weights = t.packed + first * depth;
#ifdef LOOKALIKE_HAS_WIDE_TILE
        if (has_panel_groups(t.y.channels - first, depth) && last_panel - panel >= group_panels &&
            finishes_wide(store)) {
          const auto next = [&](int v) {
            return panel_epilogue(*t.store, first + v * panel_channels, panel_channels);
          };
          const panel_epilogue stores[group_panels] = {store, next(1), next(2), next(3)};
          convolve_group(pixels, at, end, first, runs, weights, stores);
          panel += group_panels - 1;
          continue;
        }
#endif
        if (count > float_lanes) {
          convolve_panel<2>(pixels, at, end, first, runs, weights, store);
        } else {
          convolve_panel<1>(pixels, at, end, first, runs, weights, store);
        }
      }
    }
  });
}

}  // namespace detail
}  // namespace lookalike::simd::inline LOOKALIKE_SIMD_NAMESPACE

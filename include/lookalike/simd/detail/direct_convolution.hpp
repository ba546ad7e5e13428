#pragma once

/// \file
/// Direct convolution by register tiles: forward, backward for the data, and transposed alike.

#include <algorithm>
#include <cstddef>
#include <span>

#include <lookalike/simd/detail/convolution_block.hpp>
#include <lookalike/simd/detail/finish_tile.hpp>
#include <lookalike/simd/detail/register_tile.hpp>
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

/// Walks over the output pixels of a block in order.
class pixel_walk {
 public:
  pixel_walk(const convolution_task& task, const input_block& inputs, const block_range& range, int channel)
      : task_(task), inputs_(inputs), range_(range), channel_(channel) {
    start_row();
  }
  const float* input() const { return input_; }
  float* output() const { return output_; }
  const float* residual() const { return residual_; }
  void step() {
    if (++column_ < range_.columns) {
      input_ += input_step_;
      output_ += task_.horizontal.output_step * task_.y.pitch;
      residual_ += residual_step_;
      return;
    }
    column_ = 0;
    if (++row_ == range_.rows) {
      row_ = 0;
      if (++picture_ == range_.pictures) return;
    }
    start_row();
  }

 private:
  void start_row() {
    const int n = range_.picture + picture_;
    const int y = task_.vertical.output_first + (range_.row + row_) * task_.vertical.output_step;
    const int x = task_.horizontal.output_first + range_.column * task_.horizontal.output_step;
    input_step_ = task_.horizontal.stride * inputs_.pixel_step;
    input_ = inputs_.data + picture_ * inputs_.picture_step + row_ * task_.vertical.stride * inputs_.row_step;
    output_ = task_.y.pixel(n, y, x) + channel_;
    if (task_.store->residual.data) {
      residual_ = task_.store->residual.pixel(n, y, x) + channel_;
      residual_step_ = task_.horizontal.output_step * task_.store->residual.pitch;
    }
  }

  const convolution_task& task_;
  const input_block& inputs_;
  const block_range& range_;
  int channel_;
  int picture_ = 0, row_ = 0, column_ = 0;
  const float* input_ = nullptr;
  float* output_ = nullptr;
  const float* residual_ = nullptr;
  std::ptrdiff_t input_step_ = 0;
  std::ptrdiff_t residual_step_ = 0;
};

/// `count` <= Rows pixels of a panel. Outputs and residuals lie far apart, one cache line in a pixel, which
/// no processor foresees: they are fetched while the sums are computed.
template <int Rows, int Vectors>
void convolve_tile(pixel_walk& walk, int count, const input_runs& runs, const float* weights,
                   const float* ahead, const panel_epilogue& store) {
  constexpr int width = Vectors * float_lanes;
  alignas(64) float buffer[Rows * width];
  const float* pixels[Rows];
  const float* residuals[Rows];
  float* outputs[Rows];
  float* sums[Rows];
  for (int r = 0; r < Rows; ++r) {
    if (r < count) {
      pixels[r] = walk.input();
      outputs[r] = walk.output();
      residuals[r] = walk.residual();
      __builtin_prefetch(outputs[r], 1);
      if (store.has_residual) __builtin_prefetch(residuals[r]);
      walk.step();
    } else {
      pixels[r] = pixels[0];  // computed again, not stored
    }
    sums[r] = buffer + r * width;
  }
  if (store.is_trivial && store.channels == width && count == Rows) {
    register_tile<Rows, Vectors>(pixels, runs, weights, ahead, store.start, outputs);
    return;
  }
  register_tile<Rows, Vectors>(pixels, runs, weights, ahead, store.start, sums);
  finish_tile(buffer, width, count, store, residuals, outputs);
}

template <int Vectors>
void convolve_panel(pixel_walk walk, int pixels, const input_runs& runs, const float* weights,
                    const panel_epilogue& store) {
  constexpr int rows = tile_rows<Vectors>, small = small_tile_rows<Vectors>;
  const std::ptrdiff_t depth = runs.outer_count * runs.inner_count * runs.length;
  const float* ahead = weights + depth * Vectors * float_lanes;  // the next panel's
  const std::ptrdiff_t fetched = depth / inputs_ahead * scalars_ahead;
  for (; pixels > rows - small; pixels -= rows, ahead += fetched)
    convolve_tile<rows, Vectors>(walk, std::min(pixels, rows), runs, weights, ahead, store);
  for (; pixels > 0; pixels -= small, ahead += fetched)
    convolve_tile<small, Vectors>(walk, std::min(pixels, small), runs, weights, ahead, store);
}

/// Outputs in a block, about: enough to load a panel of weights from the second-level cache for.
inline constexpr int forward_block_pixels = 1024;

inline blocking direct_blocks(const convolution_task& t) {
  return choose_blocks(t.y.batch, t.vertical, t.horizontal, t.x.channels, forward_block_pixels);
}

/// Memory of one thread of `direct_convolution`.
inline std::ptrdiff_t direct_scratch(const convolution_task& t) {
  return direct_blocks(t).memory;
}

inline void direct_convolution(const convolution_task& t, std::span<float> scratch) {
  const blocking blocks = direct_blocks(t);
  const int panels = divide_up(t.y.channels, panel_channels);
  // Where there are few blocks, threads share their panels.
  const std::int64_t wanted = threads() == 1 ? 1 : 4 * threads();
  const std::int64_t parts =
      std::clamp<std::int64_t>(wanted / std::max<std::int64_t>(1, blocks.count()), 1, panels);
  const std::ptrdiff_t depth = std::ptrdiff_t{t.x.channels} * t.vertical.taps * t.horizontal.taps;
  for_each_with_memory(blocks.count() * parts, blocks.memory, scratch, [&](std::int64_t i, float* memory) {
    const block_range range = block_at(blocks, i / parts, t.y.batch, t.vertical.count, t.horizontal.count);
    const input_block inputs = find_inputs(t.x, t.mode, t.vertical, t.horizontal, range, memory);
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
    for (std::int64_t panel = panels * part / parts; panel < panels * (part + 1) / parts; ++panel) {
      const int first = static_cast<int>(panel) * panel_channels;
      const int count = std::min(panel_channels, t.y.channels - first);
      const panel_epilogue store(*t.store, first, count);
      const pixel_walk walk(t, inputs, range, first);
      const float* weights = t.packed + first * depth;
      if (count > float_lanes) {
        convolve_panel<2>(walk, range.pixels(), runs, weights, store);
      } else {
        convolve_panel<1>(walk, range.pixels(), runs, weights, store);
      }
    }
  });
}

}  // namespace detail
}  // namespace lookalike::simd::inline LOOKALIKE_SIMD_NAMESPACE

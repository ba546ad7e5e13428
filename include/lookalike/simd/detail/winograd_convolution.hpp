#pragma once

/// \file
/// Convolution with kernels of 2 x 2, 3 x 3 or 5 x 5 by Winograd's minimal filtering
/// (simd/convolution_algorithm.hpp), forward and backward for the data alike. Tiles of the input are
/// transformed, (m + r - 1)^2 numbers a channel for m x m outputs of r x r taps; for each of these numbers a
/// matrix product runs over the channels; and the products are transformed back. With dilation d, every d-th
/// row and column is a map of its own (its phase), which has its own tiles. With stride 2 the even rows and
/// columns of the input are convolved with the even taps, the odd ones with the odd taps; what is added up is
/// the products, before they are transformed back.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>

#include <lookalike/simd/convolution_algorithm.hpp>
#include <lookalike/simd/detail/border_index.hpp>
#include <lookalike/simd/detail/convolution_block.hpp>
#include <lookalike/simd/detail/direct_convolution.hpp>
#include <lookalike/simd/detail/finish_tile.hpp>
#include <lookalike/simd/detail/lanes.hpp>
#include <lookalike/simd/detail/register_tile.hpp>
#include <lookalike/simd/detail/winograd_transform.hpp>
#include <lookalike/simd/instruction_set.hpp>

namespace lookalike::simd::inline LOOKALIKE_SIMD_NAMESPACE {
namespace detail {

// ---- the transforms of one tile --------------------------------------------------------------------------

/// Transforms a tile of side x side pixels, side = m + r - 1, `vectors` vectors of channels of each. Number
/// (i, j) of the result goes to `to + (i * side + j) * plane`.
template <int Outputs, int Taps>
[[gnu::noinline]] void transform_inputs(const float* from, std::ptrdiff_t row_step, std::ptrdiff_t pixel_step,
                                        int vectors, float* to, std::ptrdiff_t plane) {
  constexpr int side = Outputs + Taps - 1;
  using transform = winograd_transform<Outputs, Taps>;
  floats columns[side][side];
  for (int c = 0; c < vectors; ++c, from += float_lanes, to += float_lanes) {
    for (int i = 0; i < side; ++i) {
      floats row[side], result[side];
      unroll(up_to<side>,
             [&](int j) { row[j] = floats::load_unaligned(from + i * row_step + j * pixel_step); });
      transform::input(row, result);
      unroll(up_to<side>, [&](int j) { columns[j][i] = result[j]; });
    }
    for (int j = 0; j < side; ++j) {
      floats result[side];
      transform::input(columns[j], result);
      unroll(up_to<side>, [&](int i) { result[i].store_unaligned(to + (i * side + j) * plane); });
    }
  }
}

/// Transforms products back, adds `start`, and stores pixel (i, j) of the tile at `outputs[i * m + j]`.
template <int Outputs, int Taps>
[[gnu::noinline]] void transform_outputs(const float* from, std::ptrdiff_t plane, int vectors,
                                         const float* start, float* const* outputs) {
  constexpr int side = Outputs + Taps - 1;
  using transform = winograd_transform<Outputs, Taps>;
  floats columns[side][Outputs];
  for (int c = 0; c < vectors * float_lanes; c += float_lanes) {
    const floats first = floats::load_aligned(start + c);
    for (int j = 0; j < side; ++j) {
      floats column[side];
      unroll(up_to<side>,
             [&](int i) { column[i] = floats::load_unaligned(from + c + (i * side + j) * plane); });
      transform::output(column, columns[j]);
    }
    for (int i = 0; i < Outputs; ++i) {
      floats row[side], result[Outputs];
      unroll(up_to<side>, [&](int j) { row[j] = columns[j][i]; });
      transform::output(row, result);
      unroll(up_to<Outputs>,
             [&](int j) { (result[j] + first).store_unaligned(outputs[i * Outputs + j] + c); });
    }
  }
}

/// Transforms the taps of one vector of outputs: tap (k, l) is at `taps + (r k + l) * panel_channels`, number
/// (i, j) of the result goes to `to + (i * side + j) * plane`.
template <int Outputs, int Taps>
[[gnu::noinline]] void transform_taps(const float* taps, float* to, std::ptrdiff_t plane) {
  constexpr int side = Outputs + Taps - 1;
  using transform = winograd_transform<Outputs, Taps>;
  floats columns[side][Taps];
  for (int k = 0; k < Taps; ++k) {
    floats row[Taps], result[side];
    unroll(up_to<Taps>,
           [&](int l) { row[l] = floats::load_aligned(taps + (Taps * k + l) * panel_channels); });
    transform::filter(row, result);
    unroll(up_to<side>, [&](int j) { columns[j][k] = result[j]; });
  }
  for (int j = 0; j < side; ++j) {
    floats result[side];
    transform::filter(columns[j], result);
    unroll(up_to<side>, [&](int i) { result[i].store_unaligned(to + (i * side + j) * plane); });
  }
}

/// F(m x m, r x r): all that depends on m and r. The rest is compiled once.
struct winograd_tile {
  int outputs;  ///< m
  int kernel;   ///< r
  void (*inputs)(const float* from, std::ptrdiff_t row_step, std::ptrdiff_t pixel_step, int vectors,
                 float* to, std::ptrdiff_t plane);
  void (*taps)(const float* taps, float* to, std::ptrdiff_t plane);
  void (*products)(const float* from, std::ptrdiff_t plane, int vectors, const float* start,
                   float* const* outputs);

  static constexpr int most_outputs = 6;
  static constexpr int most_taps = 5;
  constexpr int side() const { return outputs + kernel - 1; }
  constexpr int numbers() const { return side() * side(); }
};

template <int Outputs, int Taps = 3>
inline constexpr winograd_tile winograd_tile_of{Outputs, Taps, &transform_inputs<Outputs, Taps>,
                                                &transform_taps<Outputs, Taps>,
                                                &transform_outputs<Outputs, Taps>};

// ---- weights ---------------------------------------------------------------------------------------------

/// Scalars of transformed weights: for each number what `packed_panels_size` counts.
inline std::ptrdiff_t packed_winograd_size(const winograd_tile& tile, int inputs, int outputs) {
  return tile.numbers() * packed_panels_size(inputs, outputs, 1, 1);
}

/// Transforms a kernel of `rows` x `columns` taps, filled up with zeros; `plane` is how far one number is
/// from the next.
inline void pack_winograd(const winograd_tile& tile, const weight_strides& w, int rows, int columns,
                          int inputs, int outputs, std::ptrdiff_t plane, float* packed) {
  for_panels(divide_up(outputs, panel_channels), [&](std::int64_t panel) {
    const int first = static_cast<int>(panel) * panel_channels;
    const int width = panel_width_at(first, outputs);
    const int used = std::min(width, outputs - first);
    alignas(64) float taps[winograd_tile::most_taps * winograd_tile::most_taps][panel_channels] = {};
    for (int c = 0; c < inputs; ++c) {
      for (int o = 0; o < used; ++o) {
        const float* from = w.data + (first + o) * w.output + c * w.input;
        for (int k = 0; k < rows; ++k)
          for (int l = 0; l < columns; ++l) taps[tile.kernel * k + l][o] = from[k * w.row + l * w.column];
      }
      float* to = packed + std::ptrdiff_t{first} * inputs + std::ptrdiff_t{c} * width;
      for (int v = 0; v < width; v += float_lanes) tile.taps(taps[0] + v, to + v, plane);
    }
  });
}

// ---- tiles -----------------------------------------------------------------------------------------------

/// Where the outputs of a convolution and their inputs lie along one axis. With dilation, outputs and inputs
/// that are as many apart belong together: a phase, of which there are as many. With stride 2, even and odd
/// taps are kernels of their own, of inputs two apart.
struct winograd_axis {
  int first = 0;       ///< input under the first tap of the first output
  int taps = 3;        ///< of all kernels together
  int input_step = 1;  ///< between the inputs of a kernel's neighboring taps, and of neighboring outputs
  int output_first = 0;
  int output_step = 1;
  int phases = 1;
  int kernels = 1;

  static constexpr winograd_axis dilated(int first, int taps, int dilation) {
    return {
        .first = first, .taps = taps, .input_step = dilation, .output_step = dilation, .phases = dilation};
  }
  static constexpr winograd_axis strided(int first, int taps) {
    return {.first = first, .taps = taps, .input_step = 2, .kernels = 2};
  }
  /// Every `output_step`-th output, of inputs side by side.
  static constexpr winograd_axis phase(int first, int taps, int output_first, int output_step) {
    return {.first = first, .taps = taps, .output_first = output_first, .output_step = output_step};
  }

  constexpr int taps_of(int kernel) const { return (taps - kernel + kernels - 1) / kernels; }
  /// Whether a number of the transform is 0 for a kernel: that of infinity is the tap that a short one lacks.
  constexpr bool vanishes(int kernel, int number, const winograd_tile& tile) const {
    return number == tile.side() - 1 && taps_of(kernel) < tile.kernel;
  }
};

/// A convolution of all channels of x to all of y, or to some of its rows and columns.
struct winograd_task {
  const winograd_tile* tile = nullptr;
  feature_map<const float> x;
  padding_mode mode = padding_mode::zeros;
  winograd_axis vertical;
  winograd_axis horizontal;
  const float* packed = nullptr;
  const epilogue<float>* store = nullptr;
  feature_map<float> y;

  int kernels() const { return vertical.kernels * horizontal.kernels; }
};

/// Transforms the weights of all kernels, `w` those of the whole convolution: number by number, for each the
/// kernels one after another.
inline void pack_winograd(const winograd_task& t, const weight_strides& w, int inputs, int outputs,
                          float* packed) {
  const std::ptrdiff_t plane = packed_panels_size(inputs, outputs, 1, 1);
  weight_strides from = w;
  from.row *= t.vertical.kernels;
  from.column *= t.horizontal.kernels;
  for (int row = 0; row < t.vertical.kernels; ++row) {
    for (int column = 0; column < t.horizontal.kernels; ++column, packed += plane) {
      from.data = w.data + row * w.row + column * w.column;
      pack_winograd(*t.tile, from, t.vertical.taps_of(row), t.horizontal.taps_of(column), inputs, outputs,
                    t.kernels() * plane, packed);
    }
  }
}

/// How many tiles there are, and how many are transformed at a time.
struct winograd_tiles {
  int side;  ///< inputs of a tile along one axis
  int down, across;
  std::int64_t count;
  int block;                        ///< tiles of a block, of which some may be beyond the last
  std::ptrdiff_t v_kernel;          ///< of transformed inputs: from one kernel's to the next one's,
  std::ptrdiff_t v_pitch, v_plane;  ///< from tile to tile, from number to number
  std::ptrdiff_t m_pitch, m_plane;  ///< of products
  std::ptrdiff_t memory;            ///< scalars that one thread wants

  explicit winograd_tiles(const winograd_task& t) : side(t.tile->side()) {
    const auto tiles = [&](int extent, const winograd_axis& axis) {
      return divide_up(divide_up(std::max(0, extent - axis.output_first), axis.output_step), t.tile->outputs);
    };
    down = tiles(t.y.height, t.vertical);
    across = tiles(t.y.width, t.horizontal);
    count = std::int64_t{t.y.batch} * t.vertical.phases * t.horizontal.phases * down * across;
    v_kernel = divide_up(t.x.channels, float_lanes) * float_lanes;
    const int inputs_padded = t.kernels() * static_cast<int>(v_kernel);
    const int outputs_padded = divide_up(t.y.channels, float_lanes) * float_lanes;
    // Up to 128 channels a block stays in the second-level cache; with more, the weights are read from
    // further away, and more tiles share them.
    const int room =
        static_cast<int>(block_scalars_of_tiles) / (side * side * (inputs_padded + outputs_padded));
    const int wanted = inputs_padded + outputs_padded > 256 ? 48 : std::clamp(room, 12, 48);
    const std::int64_t blocks = std::max<std::int64_t>(1, (count + wanted / 2) / wanted);
    block = divide_up(static_cast<int>((count + blocks - 1) / blocks), tile_multiple) * tile_multiple;
    v_pitch = inputs_padded + row_gap;
    m_pitch = outputs_padded + row_gap;
    v_plane = block * v_pitch + row_gap;
    m_plane = block * m_pitch + row_gap;
    memory = side * side * (v_plane + m_plane + float_lanes);
  }
  std::int64_t blocks() const { return (count + block - 1) / block; }

 private:
  static constexpr int tile_multiple = tile_rows<1>;
  static constexpr std::ptrdiff_t block_scalars_of_tiles = 192 * 1024;
};

/// Where a tile begins.
struct tile_place {
  int picture;
  int row, column;              ///< in the output
  int input_row, input_column;  ///< maybe beyond the border

  tile_place(const winograd_task& t, const winograd_tiles& tiles, std::int64_t number) {
    const auto next = [&](int count) {
      const auto place = static_cast<int>(number % count);
      number /= count;
      return place;
    };
    const auto place = [&](int tile, const winograd_axis& axis, int& output, int& input) {
      const int phase = next(axis.phases), outputs = tile * t.tile->outputs;
      output = axis.output_first + phase + outputs * axis.output_step;
      input = axis.first + phase + outputs * axis.input_step;
    };
    const int tile_column = next(tiles.across), tile_row = next(tiles.down);
    place(tile_column, t.horizontal, column, input_column);
    place(tile_row, t.vertical, row, input_row);
    picture = static_cast<int>(number);
  }
};

/// Copies one vector of channels of a tile, of which only `count` exist, with what lies beyond the border.
inline void gather_tile(const winograd_task& t, const tile_place& at, int side, int channel, float* to) {
  const int count = std::min(float_lanes, t.x.channels - channel);
  for (int i = 0; i < side; ++i) {
    const int row = border_index(at.input_row + i * t.vertical.input_step, t.x.height, t.mode);
    for (int j = 0; j < side; ++j, to += float_lanes) {
      const int column = border_index(at.input_column + j * t.horizontal.input_step, t.x.width, t.mode);
      floats value(0.0f);
      if (row >= 0 && column >= 0) {
        const float* from = t.x.pixel(at.picture, row, column) + channel;
        value = count == float_lanes ? floats::load_unaligned(from) : partial_vector<float>{count}.load(from);
      }
      value.store_unaligned(to);
    }
  }
}

/// Transforms one tile of the input; `buffer` holds side x side vectors.
inline void load_tile(const winograd_task& t, const tile_place& at, float* v, std::ptrdiff_t plane,
                      float* buffer) {
  const int side = t.tile->side();
  const int row_step = t.vertical.input_step, column_step = t.horizontal.input_step;
  const bool is_inside = at.input_row >= 0 && at.input_row + (side - 1) * row_step < t.x.height &&
                         at.input_column >= 0 && at.input_column + (side - 1) * column_step < t.x.width;
  int channel = 0;
  if (is_inside) {
    const int vectors = t.x.channels / float_lanes;
    t.tile->inputs(t.x.pixel(at.picture, at.input_row, at.input_column), row_step * t.x.row_pitch(),
                   column_step * t.x.pitch, vectors, v, plane);
    channel = vectors * float_lanes;
  }
  for (; channel < t.x.channels; channel += float_lanes) {
    gather_tile(t, at, side, channel, buffer);
    t.tile->inputs(buffer, side * float_lanes, float_lanes, 1, v + channel, plane);
  }
}

/// The same for all kernels.
inline void load_tiles(const winograd_task& t, const winograd_tiles& tiles, tile_place at, float* v,
                       float* buffer) {
  const int row = at.input_row, column = at.input_column;
  for (int i = 0; i < t.vertical.kernels; ++i) {
    for (int j = 0; j < t.horizontal.kernels; ++j, v += tiles.v_kernel) {
      at.input_row = row + i;
      at.input_column = column + j;
      load_tile(t, at, v, tiles.v_plane, buffer);
    }
  }
}

/// Transforms one tile of products back and stores it through the epilogue of a panel of channels.
inline void store_tile(const winograd_task& t, const tile_place& at, int channel, const panel_epilogue& store,
                       const float* m, std::ptrdiff_t plane) {
  constexpr int most_pixels = winograd_tile::most_outputs * winograd_tile::most_outputs;
  const int side = t.tile->outputs, pixels = side * side;
  const int vectors = divide_up(store.channels, float_lanes);
  alignas(64) float sums[most_pixels * panel_channels];
  float* transformed[most_pixels];
  float* outputs[most_pixels];
  const float* residuals[most_pixels];
  const int rows = std::clamp(divide_up(t.y.height - at.row, t.vertical.output_step), 0, side);
  const int columns = std::clamp(divide_up(t.y.width - at.column, t.horizontal.output_step), 0, side);
  // The pixels that exist come first, then those beyond the border, which are not stored.
  for (int i = 0, inside = 0, outside = rows * columns; i < side; ++i) {
    for (int j = 0; j < side; ++j) {
      const bool exists = i < rows && j < columns;
      const int p = exists ? inside++ : outside++;
      transformed[i * side + j] = sums + p * panel_channels;
      if (!exists) continue;
      const int row = at.row + i * t.vertical.output_step, column = at.column + j * t.horizontal.output_step;
      outputs[p] = t.y.pixel(at.picture, row, column) + channel;
      __builtin_prefetch(outputs[p], 1);
      if (store.has_residual) {
        residuals[p] = t.store->residual.pixel(at.picture, row, column) + channel;
        __builtin_prefetch(residuals[p]);
      }
    }
  }
  if (store.is_trivial && rows * columns == pixels && store.channels == vectors * float_lanes) {
    t.tile->products(m, plane, vectors, store.start, outputs);
    return;
  }
  t.tile->products(m, plane, vectors, store.start, transformed);
  finish_tile(sums, panel_channels, rows * columns, store, residuals, outputs, 0);
}

// ---- products --------------------------------------------------------------------------------------------

/// `m[r][j] =` (or `+=`) the sum over i < length of `v[r][i] weights[i][j]`, for Rows tiles and Vectors
/// registers of outputs j. Meanwhile half as much memory as there are weights is fetched, from `ahead` on.
template <int Rows, int Vectors>
[[gnu::noinline]] void product_tile(const float* v, std::ptrdiff_t v_pitch, int length, const float* weights,
                                    const float* ahead, bool add, float* m, std::ptrdiff_t m_pitch) {
  constexpr int width = Vectors * float_lanes;
  tile_sums<Rows, Vectors> sum;
  unroll(up_to<Rows>, [&](int r) { unroll(up_to<Vectors>, [&](int i) { sum.at[r][i] = floats(0.0f); }); });
  const float* row[Rows];
  unroll(up_to<Rows>, [&](int r) { row[r] = v + r * v_pitch; });
  int k = 0;
  for (; k + 4 <= length; k += 4, weights += 4 * width, ahead += 2 * width) {
    for (int line = 0; line < 2 * width; line += 16) __builtin_prefetch(ahead + line, 0, 0);
    unroll(
        up_to<4>, [&](int u) __attribute__((always_inline)) {
          multiply_add(
              sum, weights + u * width, [&](int r) __attribute__((always_inline)) { return row[r][k + u]; });
        });
  }
  for (; k < length; ++k, weights += width) {
    multiply_add(
        sum, weights, [&](int r) __attribute__((always_inline)) { return row[r][k]; });
  }
  unroll(up_to<Rows>, [&](int r) {
    unroll(up_to<Vectors>, [&](int i) {
      float* to = m + r * m_pitch + i * float_lanes;
      if (add) sum.at[r][i] += floats::load_unaligned(to);
      sum.at[r][i].store_unaligned(to);
    });
  });
}

/// Products that are added one after the other; sums of so many are added in turn, for the sake of rounding.
inline constexpr int product_depth = 128;

/// The product for one number of the transform and one panel of outputs, added to what is there if `add`.
/// Rows are computed in whole tiles: those beyond `count` are memory of the block that nobody reads.
template <int Vectors>
void product_panel(const float* v, std::ptrdiff_t v_pitch, int count, int length, const float* weights,
                   bool add, float* m, std::ptrdiff_t m_pitch) {
  constexpr int rows = tile_rows<Vectors>, small = small_tile_rows<Vectors>;
  constexpr std::ptrdiff_t width = Vectors * float_lanes;
  const float* ahead = weights + length * width;  // the next panel's, which come from further away
  const auto product = [&](auto tile_rows) {
    constexpr int height = tile_rows();
    for (int k = 0; k < length; k += product_depth)
      product_tile<height, Vectors>(v + k, v_pitch, std::min(product_depth, length - k), weights + k * width,
                                    ahead + k * width / 2, add || k > 0, m, m_pitch);
    ahead += std::ptrdiff_t{length} * width / 2;
    count -= height;
    v += height * v_pitch;
    m += height * m_pitch;
  };
  while (count > rows - small) product(std::integral_constant<int, rows>{});
  while (count > 0) product(std::integral_constant<int, small>{});
}

/// Tiles [first, first + count) and panels [first_panel, last_panel) of outputs.
inline void winograd_block(const winograd_task& t, const winograd_tiles& tiles, std::int64_t first, int count,
                           int first_panel, int last_panel, float* memory) {
  const int numbers = t.tile->numbers();
  float* v = memory;
  float* m = v + numbers * tiles.v_plane;
  float* buffer = m + numbers * tiles.m_plane;
  for (int i = 0; i < count; ++i)
    load_tiles(t, tiles, tile_place(t, tiles, first + i), v + i * tiles.v_pitch, buffer);

  const std::ptrdiff_t plane = packed_panels_size(t.x.channels, t.y.channels, 1, 1);
  const auto multiply = [&](int number, int kernel, int panel, bool add) {
    const int channel = panel * panel_channels;
    const float* weights = t.packed + (std::ptrdiff_t{number} * t.kernels() + kernel) * plane +
                           std::ptrdiff_t{channel} * t.x.channels;
    const float* from = v + number * tiles.v_plane + kernel * tiles.v_kernel;
    float* to = m + number * tiles.m_plane + channel;
    if (t.y.channels - channel > float_lanes) {
      product_panel<2>(from, tiles.v_pitch, count, t.x.channels, weights, add, to, tiles.m_pitch);
    } else {
      product_panel<1>(from, tiles.v_pitch, count, t.x.channels, weights, add, to, tiles.m_pitch);
    }
  };
  for (int number = 0; number < numbers; ++number) {
    const int row = number / tiles.side, column = number % tiles.side;
    for (int kernel = 0; kernel < t.kernels(); ++kernel) {
      if (t.vertical.vanishes(kernel / t.horizontal.kernels, row, *t.tile) ||
          t.horizontal.vanishes(kernel % t.horizontal.kernels, column, *t.tile))
        continue;
      for (int panel = first_panel; panel < last_panel; ++panel) multiply(number, kernel, panel, kernel > 0);
    }
  }

  for (int panel = first_panel; panel < last_panel; ++panel) {
    const int channel = panel * panel_channels;
    const panel_epilogue store(*t.store, channel, std::min(panel_channels, t.y.channels - channel));
    for (int i = 0; i < count; ++i)
      store_tile(t, tile_place(t, tiles, first + i), channel, store, m + i * tiles.m_pitch + channel,
                 tiles.m_plane);
  }
}

/// Memory of one thread of `winograd_convolution`.
inline std::ptrdiff_t winograd_scratch(const winograd_task& t) {
  const winograd_tiles tiles(t);
  return tiles.count == 0 ? 0 : tiles.memory;
}

inline void winograd_convolution(const winograd_task& t, std::span<float> scratch) {
  const winograd_tiles tiles(t);
  if (tiles.count == 0) return;
  const int panels = divide_up(t.y.channels, panel_channels);
  // Where there are few blocks, threads share their panels. All who share a block transform its inputs, so
  // that a single one is not cut finer than need be; two or three may differ in size, and smaller parts even
  // that out.
  const std::int64_t wanted = threads() == 1 || tiles.blocks() == 1 ? threads() : 2 * threads();
  const std::int64_t parts = std::clamp<std::int64_t>(wanted / tiles.blocks(), 1, panels);
  for_each_with_memory(tiles.blocks() * parts, tiles.memory, scratch, [&](std::int64_t i, float* memory) {
    const std::int64_t first = i / parts * tiles.block, part = i % parts;
    const auto count = static_cast<int>(std::min<std::int64_t>(tiles.block, tiles.count - first));
    winograd_block(t, tiles, first, count, static_cast<int>(panels * part / parts),
                   static_cast<int>(panels * (part + 1) / parts), memory);
  });
}

}  // namespace detail
}  // namespace lookalike::simd::inline LOOKALIKE_SIMD_NAMESPACE

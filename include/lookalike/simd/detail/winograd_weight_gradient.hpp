#pragma once

/// \file
/// Gradients of the weights of 3 x 3 kernels by the transpose of Winograd's F(4 x 4). Where outputs are
/// y = A'((G g G') * (B' d B)) A for taps g and inputs d of a tile, the taps' gradient is
///
///     G' (sum over tiles of (B' d B) * (A dy A')) G
///
/// with 36 products for 144 pairs of tap and output. Inputs and gradients of a block of tiles are
/// transformed; for each of the 36 numbers a product of matrices sums over the tiles; and the sums are
/// transformed back once.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>

#include <lookalike/simd/detail/weight_gradient.hpp>
#include <lookalike/simd/detail/winograd_convolution.hpp>

namespace lookalike::simd::inline LOOKALIKE_SIMD_NAMESPACE {
namespace detail {

/// Transforms the gradients of a tile of 4 x 4 outputs, `vectors` vectors of channels of each. Number (i, j)
/// of the result goes to `to + (6 i + j) * plane`.
[[gnu::noinline]] inline void transform_gradients(const float* from, std::ptrdiff_t row_step,
                                                  std::ptrdiff_t pixel_step, int vectors, float* to,
                                                  std::ptrdiff_t plane) {
  using transform = winograd_transform<4>;
  floats columns[6][4];
  for (int c = 0; c < vectors; ++c, from += float_lanes, to += float_lanes) {
    for (int i = 0; i < 4; ++i) {
      floats row[4], result[6];
      unroll(up_to<4>, [&](int j) { row[j] = floats::load_unaligned(from + i * row_step + j * pixel_step); });
      transform::output_gradient(row, result);
      unroll(up_to<6>, [&](int j) { columns[j][i] = result[j]; });
    }
    for (int j = 0; j < 6; ++j) {
      floats result[6];
      transform::output_gradient(columns[j], result);
      unroll(up_to<6>, [&](int i) { result[i].store_unaligned(to + (6 * i + j) * plane); });
    }
  }
}

/// Transforms the 36 sums of `count` numbers each, a multiple of a vector, into those of 9 taps, in place.
[[gnu::noinline]] inline void transform_sums(float* sums, std::ptrdiff_t count) {
  using transform = winograd_transform<4>;
  for (std::ptrdiff_t at = 0; at < count; at += float_lanes) {
    floats columns[3][6];
    for (int i = 0; i < 6; ++i) {
      floats row[6], result[3];
      unroll(up_to<6>, [&](int j) { row[j] = floats::load_unaligned(sums + (6 * i + j) * count + at); });
      transform::filter_gradient(row, result);
      unroll(up_to<3>, [&](int j) { columns[j][i] = result[j]; });
    }
    for (int j = 0; j < 3; ++j) {
      floats result[3];
      transform::filter_gradient(columns[j], result);
      unroll(up_to<3>, [&](int i) { result[i].store_unaligned(sums + (3 * i + j) * count + at); });
    }
  }
}

/// How the work is divided: not by the number of threads.
struct winograd_gradient_parts {
  winograd_tiles tiles;
  int block;                        ///< tiles
  std::int64_t pixel_parts = 1;     ///< each with sums of its own, to be added in the end
  std::int64_t channel_parts = 1;   ///< each transforms all inputs
  std::ptrdiff_t panel_size;        ///< sums of a panel of outputs
  std::ptrdiff_t size;              ///< sums of all outputs
  std::ptrdiff_t v_pitch, v_plane;  ///< of transformed inputs: from tile to tile, from number to number
  std::ptrdiff_t u_plane;           ///< of transformed gradients
  std::ptrdiff_t memory_each;       ///< scalars that one thread wants

  static constexpr int numbers = 36;

  explicit winograd_gradient_parts(const winograd_task& t) : tiles(t) {
    constexpr int scalars_of_tiles = 192 * 1024;
    constexpr std::ptrdiff_t sums_budget = 2 << 20;
    const int inputs_padded = divide_up(t.x.channels, float_lanes) * float_lanes;
    const int panels = divide_up(t.y.channels, panel_channels);
    block = std::clamp(scalars_of_tiles / (numbers * (inputs_padded + panel_channels)), 8, 48);
    panel_size = std::ptrdiff_t{numbers} * t.x.channels * panel_channels;
    size = panels * panel_size;
    // Parts are worth their memory, and the time to add them, only if each has many tiles.
    pixel_parts =
        std::clamp<std::int64_t>(std::min<std::int64_t>(tiles.count / 64, sums_budget / size), 1, 16);
    channel_parts = std::min<std::int64_t>((15 + pixel_parts) / pixel_parts, panels);
    v_pitch = inputs_padded + row_gap;
    v_plane = block * v_pitch + row_gap;
    u_plane = std::ptrdiff_t{block} * panel_channels;
    memory_each = numbers * (v_plane + u_plane + float_lanes) + own_sums() * panels_of_part(panels);
  }
  std::int64_t blocks() const { return (tiles.count + block - 1) / block; }
  /// Sums of a panel in the memory of a thread: a part of all pixels needs no other.
  std::ptrdiff_t own_sums() const { return pixel_parts == 1 ? panel_size : 0; }
  std::ptrdiff_t shared_sums() const { return pixel_parts == 1 ? 0 : pixel_parts * size; }

 private:
  std::ptrdiff_t panels_of_part(std::int64_t panels) const {
    return (panels + channel_parts - 1) / channel_parts;
  }
};

/// Transforms the gradients of one tile for the `count` outputs from `channel` on, filled up with zeros to
/// `width`, as are outputs beyond the border. `buffer` holds 16 pixels.
inline void load_gradient_tile(const winograd_task& t, const feature_map<const float>& gy,
                               const tile_place& at, int channel, int count, int width, float* u,
                               std::ptrdiff_t plane, float* buffer) {
  const int rows = std::clamp(divide_up(gy.height - at.row, t.vertical.output_step), 0, 4);
  const int columns = std::clamp(divide_up(gy.width - at.column, t.horizontal.output_step), 0, 4);
  const std::ptrdiff_t row_step = t.vertical.output_step * gy.row_pitch(),
                       pixel_step = t.horizontal.output_step * gy.pitch;
  const int vectors = width / float_lanes;
  if (rows == 4 && columns == 4 && count == width) {
    transform_gradients(gy.pixel(at.picture, at.row, at.column) + channel, row_step, pixel_step, vectors, u,
                        plane);
    return;
  }
  std::fill_n(buffer, 16 * width, 0.0f);
  for (int i = 0; i < rows; ++i) {
    const float* from = gy.pixel(at.picture, at.row + i * t.vertical.output_step, at.column) + channel;
    for (int j = 0; j < columns; ++j) std::copy_n(from + j * pixel_step, count, buffer + (4 * i + j) * width);
  }
  transform_gradients(buffer, 4 * width, width, vectors, u, plane);
}

/// Adds the products of the tiles [first, first + count) for panels [first_panel, last_panel) to `sums`,
/// where the first of these panels begins.
inline void winograd_block_gradient(const winograd_task& t, const feature_map<const float>& gy,
                                    const winograd_gradient_parts& parts, std::int64_t first, int count,
                                    int first_panel, int last_panel, float* sums, float* memory) {
  constexpr int numbers = winograd_gradient_parts::numbers;
  float* v = memory;
  float* u = v + numbers * parts.v_plane;
  float* buffer = u + numbers * parts.u_plane;
  for (int i = 0; i < count; ++i)
    load_tile(t, tile_place(t, parts.tiles, first + i), v + i * parts.v_pitch, parts.v_plane, buffer);
  const pixel_grid grid{.pictures = 1, .rows = 1, .columns = count, .column_step = parts.v_pitch};
  for (int panel = first_panel; panel < last_panel; ++panel, sums += parts.panel_size) {
    const int channel = panel * panel_channels;
    const int width = panel_width_at(channel, gy.channels);
    for (int i = 0; i < count; ++i)
      load_gradient_tile(t, gy, tile_place(t, parts.tiles, first + i), channel,
                         std::min(panel_channels, gy.channels - channel), width, u + i * width, parts.u_plane,
                         buffer);
    for (int number = 0; number < numbers; ++number) {
      const float* x = v + number * parts.v_plane;
      float* totals = sums + std::ptrdiff_t{number} * t.x.channels * width;
      if (width > float_lanes) {
        add_gradients<2>(x, t.x.channels, grid, u + number * parts.u_plane, totals);
      } else {
        add_gradients<1>(x, t.x.channels, grid, u + number * parts.u_plane, totals);
      }
    }
  }
}

/// Scratch for so many threads.
inline std::ptrdiff_t winograd_gradient_memory(const winograd_task& t, int thread_count) {
  if (t.y.pixels() == 0) return 0;
  const winograd_gradient_parts parts(t);
  return parts.shared_sums() + thread_count * parts.memory_each;
}

/// gw += the gradient, for the convolution `t` whose outputs have the gradient gy; `order` is the same
/// convolution as it is computed directly.
inline void winograd_weight_gradient(const winograd_task& t, const feature_map<const float>& gy,
                                     const weight_gradient_task& order, float* gw, std::span<float> scratch) {
  if (gy.pixels() == 0) return;
  const winograd_gradient_parts parts(t);
  const int panels = divide_up(gy.channels, panel_channels);
  const auto finish = [&](int panel, float* total) {
    const int first = panel * panel_channels;
    for (std::int64_t part = 1; part < parts.pixel_parts; ++part)
      for (std::ptrdiff_t i = 0; i < parts.panel_size; ++i) total[i] += total[part * parts.size + i];
    transform_sums(total, std::ptrdiff_t{t.x.channels} * panel_width_at(first, gy.channels));
    add_panel(order, total, 1, 0, first, std::min(panel_channels, gy.channels - first), gw);
  };
  float* shared = scratch.data();
  const auto rest = scratch.subspan(static_cast<std::size_t>(parts.shared_sums()));
  for_each_with_memory(
      parts.pixel_parts * parts.channel_parts, parts.memory_each, rest, [&](std::int64_t i, float* memory) {
        const std::int64_t part = i / parts.channel_parts, channel_part = i % parts.channel_parts;
        const int first_panel = static_cast<int>(panels * channel_part / parts.channel_parts);
        const int last_panel = static_cast<int>(panels * (channel_part + 1) / parts.channel_parts);
        float* sums =
            parts.pixel_parts == 1 ? memory : shared + part * parts.size + first_panel * parts.panel_size;
        float* own = memory + parts.own_sums() * (last_panel - first_panel);
        std::fill_n(sums, (last_panel - first_panel) * parts.panel_size, 0.0f);
        const std::int64_t last = parts.blocks() * (part + 1) / parts.pixel_parts;
        for (std::int64_t b = parts.blocks() * part / parts.pixel_parts; b < last; ++b) {
          const std::int64_t first = b * parts.block;
          const auto count = static_cast<int>(std::min<std::int64_t>(parts.block, parts.tiles.count - first));
          winograd_block_gradient(t, gy, parts, first, count, first_panel, last_panel, sums, own);
        }
        if (parts.pixel_parts == 1) {
          for (int panel = first_panel; panel < last_panel; ++panel)
            finish(panel, sums + (panel - first_panel) * parts.panel_size);
        }
      });
  if (parts.pixel_parts > 1) {
    for_panels(panels, [&](std::int64_t panel) {
      finish(static_cast<int>(panel), shared + panel * parts.panel_size);
    });
  }
}

}  // namespace detail
}  // namespace lookalike::simd::inline LOOKALIKE_SIMD_NAMESPACE

#pragma once

/// \file
/// How a convolution is cut into blocks that fit the cache, and how the inputs of a block, with what lies
/// beyond the border, are laid out.

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>

#include <lookalike/core/error.hpp>
#include <lookalike/core/parallel.hpp>
#include <lookalike/simd/detail/border_index.hpp>
#include <lookalike/simd/detail/register_tile.hpp>
#include <lookalike/simd/feature_map.hpp>
#include <lookalike/simd/instruction_set.hpp>

namespace lookalike::simd::inline LOOKALIKE_SIMD_NAMESPACE {
namespace detail {

/// A convolution along one axis: output number i is stored at `output_first + i * output_step`, and its tap t
/// lies at `first + i * stride + t * dilation` of the input.
struct convolution_axis {
  int count = 0;
  int taps = 1;
  int first = 0;
  int stride = 1;
  int dilation = 1;
  int output_first = 0;
  int output_step = 1;

  /// How many inputs `outputs` successive outputs reach over.
  constexpr int span(int outputs) const {
    return taps == 0 ? 0 : (outputs - 1) * stride + (taps - 1) * dilation + 1;
  }
};

/// The extents of blocks of outputs.
struct blocking {
  int pictures = 1;
  int rows = 1;
  int columns = 1;
  int picture_blocks = 0;
  int row_blocks = 0;
  int column_blocks = 0;
  std::ptrdiff_t memory = 0;  ///< scalars of a block of inputs at most, in whole cache lines

  std::int64_t count() const { return std::int64_t{picture_blocks} * row_blocks * column_blocks; }
};

/// A block of outputs.
struct block_range {
  int picture, pictures;
  int row, rows;
  int column, columns;

  int pixels() const { return pictures * rows * columns; }
};

/// Scalars of inputs that a block holds, about: a part of a second-level cache.
inline constexpr std::ptrdiff_t block_budget = 48 * 1024;
/// Scalars by which rows are lengthened if they would be whole pages apart, and behind the last row.
inline constexpr std::ptrdiff_t row_gap = 16;

constexpr std::ptrdiff_t block_row_pitch(std::ptrdiff_t scalars) {
  return scalars % 1024 == 0 ? scalars + row_gap : scalars;
}

constexpr int divide_up(int a, int b) {
  return (a + b - 1) / b;
}

/// Blocks for `batch` pictures of inputs with `channels`, of not much more than `pixels` outputs. The result
/// of a convolution does not depend on them.
inline blocking choose_blocks(int batch, const convolution_axis& vertical, const convolution_axis& horizontal,
                              int channels, int pixels) {
  blocking b;
  if (batch == 0 || vertical.count == 0 || horizontal.count == 0) return b;
  const auto memory = [&](int rows, int columns) {
    return vertical.span(rows) * block_row_pitch(std::ptrdiff_t{horizontal.span(columns)} * channels);
  };
  const auto fits = [&](int rows, int columns) {
    return memory(rows, columns) <= block_budget && rows * columns <= pixels;
  };
  b.columns = horizontal.count;
  if (!fits(1, b.columns)) {
    b.rows = std::min(vertical.count, 4);
    for (int parts = 2; b.columns > 16 && !fits(b.rows, b.columns); ++parts)
      b.columns = divide_up(horizontal.count, parts);
    while (b.rows > 1 && !fits(b.rows, b.columns)) --b.rows;
  }
  while (b.rows < vertical.count && fits(b.rows + 1, b.columns)) ++b.rows;
  b.row_blocks = divide_up(vertical.count, b.rows);
  b.rows = divide_up(vertical.count, b.row_blocks);
  b.column_blocks = divide_up(horizontal.count, b.columns);
  const std::ptrdiff_t one = std::max<std::ptrdiff_t>(1, memory(b.rows, b.columns));
  if (b.row_blocks == 1 && b.column_blocks == 1) {
    const std::ptrdiff_t most = std::min<std::ptrdiff_t>(block_budget / one, pixels / (b.rows * b.columns));
    b.pictures = static_cast<int>(std::clamp<std::ptrdiff_t>(most, 1, batch));
  }
  b.picture_blocks = divide_up(batch, b.pictures);
  b.memory = (b.pictures * one + row_gap + 15) / 16 * 16;
  return b;
}

inline block_range block_at(const blocking& b, std::int64_t index, int batch, int rows, int columns) {
  block_range r;
  const int column_block = static_cast<int>(index % b.column_blocks);
  const int row_block = static_cast<int>(index / b.column_blocks % b.row_blocks);
  r.picture = static_cast<int>(index / b.column_blocks / b.row_blocks) * b.pictures;
  r.row = row_block * b.rows;
  r.column = column_block * b.columns;
  r.pictures = std::min(b.pictures, batch - r.picture);
  r.rows = std::min(b.rows, rows - r.row);
  r.columns = std::min(b.columns, columns - r.column);
  return r;
}

/// Inputs of a block of outputs: the first tap of the first output, and the way from there.
struct input_block {
  const float* data = nullptr;
  std::ptrdiff_t picture_step = 0;
  std::ptrdiff_t row_step = 0;
  std::ptrdiff_t pixel_step = 0;
};

/// Copies the inputs of a block into `memory`, pixels `pixel_step` >= channels apart (what is between
/// is zero).
inline input_block copy_inputs(const feature_map<const float>& x, padding_mode mode,
                               const convolution_axis& vertical, const convolution_axis& horizontal,
                               const block_range& r, int pixel_step, float* memory) {
  const int rows = vertical.span(r.rows);
  const int columns = horizontal.span(r.columns);
  const int first_row = vertical.first + r.row * vertical.stride;
  const int first_column = horizontal.first + r.column * horizontal.stride;
  const std::ptrdiff_t row_step = block_row_pitch(std::ptrdiff_t{columns} * pixel_step);
  const auto copy_pixel = [&](const float* from, float* to) {
    int c = 0;
    for (; c + float_lanes <= x.channels; c += float_lanes)
      floats::load_unaligned(from + c).store_unaligned(to + c);
    for (; c < x.channels; ++c) to[c] = from[c];
    for (; c < pixel_step; ++c) to[c] = 0;
  };
  // Columns [inner_begin, inner_end) of the block lie inside the map.
  const int inner_begin = std::clamp(-first_column, 0, columns);
  const int inner_end = std::clamp(x.width - first_column, inner_begin, columns);
  for (int n = 0; n < r.pictures; ++n) {
    for (int i = 0; i < rows; ++i) {
      float* to = memory + (std::ptrdiff_t{n} * rows + i) * row_step;
      const int y = border_index(first_row + i, x.height, mode);
      if (y < 0) {
        std::fill_n(to, row_step, 0.0f);
        continue;
      }
      const auto border = [&](int begin, int end) {
        for (int j = begin; j < end; ++j) {
          const int column = border_index(first_column + j, x.width, mode);
          if (column < 0) {
            std::fill_n(to + std::ptrdiff_t{j} * pixel_step, pixel_step, 0.0f);
          } else {
            copy_pixel(x.pixel(r.picture + n, y, column), to + std::ptrdiff_t{j} * pixel_step);
          }
        }
      };
      border(0, inner_begin);
      if (inner_begin < inner_end) {
        const float* from = x.pixel(r.picture + n, y, first_column + inner_begin);
        float* inner = to + std::ptrdiff_t{inner_begin} * pixel_step;
        if (x.pitch == pixel_step && x.channels == pixel_step) {
          std::copy_n(from, std::ptrdiff_t{inner_end - inner_begin} * pixel_step, inner);
        } else {
          for (int j = inner_begin; j < inner_end; ++j, from += x.pitch, inner += pixel_step)
            copy_pixel(from, inner);
        }
      }
      border(inner_end, columns);
    }
  }
  std::fill_n(memory + std::ptrdiff_t{r.pictures} * rows * row_step, row_gap, 0.0f);
  return {memory, rows * row_step, row_step, pixel_step};
}

/// The inputs of a block where they are, if all of them are inside the map and runs are not too short; a copy
/// in `memory` otherwise, with pixels `pixel_step` >= channels apart.
inline input_block find_inputs(const feature_map<const float>& x, padding_mode mode,
                               const convolution_axis& vertical, const convolution_axis& horizontal,
                               const block_range& r, int pixel_step, float* memory) {
  const int first_row = vertical.first + r.row * vertical.stride;
  const int first_column = horizontal.first + r.column * horizontal.stride;
  if (vertical.taps == 0 || horizontal.taps == 0) return {x.data, 0, 0, 0};
  const bool is_inside = first_row >= 0 && first_row + vertical.span(r.rows) <= x.height &&
                         first_column >= 0 && first_column + horizontal.span(r.columns) <= x.width;
  const bool is_gapless = x.pitch == x.channels || x.channels >= 16 || horizontal.taps == 1;
  if (is_inside && is_gapless && pixel_step == x.channels)
    return {x.pixel(r.picture, first_row, first_column), x.picture_pitch(), x.row_pitch(), x.pitch};
  return copy_inputs(x, mode, vertical, horizontal, r, pixel_step, memory);
}

/// Runs `step(i, memory)` for i < count, in any order, on as many threads as `scratch` has room for: each has
/// `memory_each` scalars of it.
template <class Step>
void for_each_with_memory(std::int64_t count, std::ptrdiff_t memory_each, std::span<float> scratch,
                          const Step& step) {
  if (count == 0) return;
  const std::ptrdiff_t room =
      memory_each == 0 ? threads() : static_cast<std::ptrdiff_t>(scratch.size()) / memory_each;
  require(room > 0, "convolution: no scratch for one thread");
  const std::int64_t workers = std::min<std::int64_t>(std::min<std::int64_t>(threads(), count), room);
  std::atomic<std::int64_t> next{0};
  const auto work = [&](std::int64_t worker) {
    float* memory = scratch.data() + worker * memory_each;
    for (std::int64_t i = next++; i < count; i = next++) step(i, memory);
  };
  parallel_for(workers, block_step(work));
}

}  // namespace detail
}  // namespace lookalike::simd::inline LOOKALIKE_SIMD_NAMESPACE

#pragma once

/// \file
/// The inner loops of convolution and matrix product: sums for a tile of pixels x output channels that stay
/// in registers. Pixels come by pointer, so that a tile may run over the end of a row or a picture; a weight
/// is loaded once for all pixels, an input broadcast once for all channels. Every sum runs in the order of
/// its inputs, whatever the size of the tile.

#include <cstddef>
#include <utility>

#include <lookalike/simd/detail/lanes.hpp>
#include <lookalike/simd/instruction_set.hpp>
#include <lookalike/simd/panel_product.hpp>

namespace lookalike::simd::inline LOOKALIKE_SIMD_NAMESPACE {
namespace detail {

using floats = xsimd::batch<float>;

inline constexpr int float_lanes = static_cast<int>(floats::size);
/// Output channels of a panel of weights: two registers. The last panel may have one.
inline constexpr int panel_channels = 2 * float_lanes;

/// Rows of a tile of `Vectors` registers across: as many as leave registers for weights and an input. There
/// is a smaller one for what remains.
template <int Vectors>
#if defined(__AVX512F__) || defined(__ARM_NEON)
inline constexpr int tile_rows = 12;
#else
inline constexpr int tile_rows = Vectors == 1 ? 12 : 6;
#endif
template <int Vectors>
inline constexpr int small_tile_rows = tile_rows<Vectors> == 12 ? 4 : 3;

/// Where the inputs of an output pixel are, from its pointer on: `outer_count` times `inner_count` runs of
/// `length` scalars.
struct input_runs {
  int outer_count = 1;
  std::ptrdiff_t outer_step = 0;
  int inner_count = 1;
  std::ptrdiff_t inner_step = 0;
  std::ptrdiff_t length = 0;
};

/// Runs `step(0)`, ..., `step(Count - 1)`, unrolled.
template <int... Indices, class Step>
[[gnu::always_inline]] inline void unroll(std::integer_sequence<int, Indices...>, const Step& step) {
  (step(Indices), ...);
}
template <int Count>
inline constexpr auto up_to = std::make_integer_sequence<int, Count>{};

template <int Rows, int Vectors>
struct tile_sums {
  floats at[Rows][Vectors];
};

/// `sums[r][v] += inputs(r) * weights[v]` for one input of each row.
template <int Rows, int Vectors, class Input>
[[gnu::always_inline]] inline void multiply_add(tile_sums<Rows, Vectors>& sum, const float* weights,
                                                const Input& input) {
  floats w[Vectors];
  unroll(
      up_to<Vectors>, [&](int v) __attribute__((always_inline)) {
        w[v] = floats::load_unaligned(weights + v * float_lanes);
        if constexpr (tile_rows<2> < 12) keep_in_register(w[v]);  // with 32 registers g++ does well by itself
      });
  unroll(
      up_to<Rows>, [&](int r) __attribute__((always_inline)) {
        const floats value(input(r));
        unroll(
            up_to<Vectors>, [&](int v) __attribute__((always_inline)) {
              sum.at[r][v] = xsimd::fma(value, w[v], sum.at[r][v]);
            });
      });
}

/// A tile of sums fetches a cache line ahead, `scalars_ahead`, for every `inputs_ahead` of its inputs.
inline constexpr int inputs_ahead = 4;
inline constexpr int scalars_ahead = 16;

/// `outputs[r][first + j] = start[j] +` the sum over all inputs i of `pixels[r][i] weights[i][j]`, for Rows
/// pixels and Vectors registers of channels j. `weights` follow one another, Vectors * float_lanes for each
/// input. Meanwhile memory is fetched from `ahead` on, whether or not there is any.
template <int Rows, int Vectors>
[[gnu::noinline]] void register_tile(const float* const* pixels, const input_runs& runs, const float* weights,
                                     const float* ahead, const float* start, float* const* outputs,
                                     std::ptrdiff_t first) {
  constexpr int width = Vectors * float_lanes;
  tile_sums<Rows, Vectors> sum;
  unroll(up_to<Rows>, [&](int r) {
    unroll(up_to<Vectors>, [&](int v) { sum.at[r][v] = floats::load_unaligned(start + v * float_lanes); });
  });
  const float* pixel[Rows];
  for (int outer = 0; outer < runs.outer_count; ++outer) {
    for (int inner = 0; inner < runs.inner_count; ++inner) {
      const std::ptrdiff_t offset = outer * runs.outer_step + inner * runs.inner_step;
      unroll(up_to<Rows>, [&](int r) { pixel[r] = pixels[r] + offset; });
      std::ptrdiff_t k = 0;
      const auto take = [&](auto count) __attribute__((always_inline)) {
        unroll(
            up_to<count()>, [&](int u) __attribute__((always_inline)) {
              multiply_add(
                  sum,
                  weights + u * width, [&](int r) __attribute__((always_inline)) { return pixel[r][k + u]; });
            });
        weights += count() * width;
        k += count();
      };
      for (; k + inputs_ahead <= runs.length; ahead += scalars_ahead) {
        __builtin_prefetch(ahead, 0, 2);
        take(std::integral_constant<int, inputs_ahead>{});
      }
      static_assert(inputs_ahead == 4);
      if (((runs.length - k) & 2) != 0) take(std::integral_constant<int, 2>{});
      if (((runs.length - k) & 1) != 0) take(std::integral_constant<int, 1>{});
    }
  }
  unroll(up_to<Rows>, [&](int r) {
    float* to = outputs[r] + first;
    unroll(up_to<Vectors>, [&](int v) { sum.at[r][v].store_unaligned(to + v * float_lanes); });
  });
}

/// Pixels of a block, in `pictures` times `rows` rows of `columns`.
struct pixel_grid {
  int pictures = 1;
  std::ptrdiff_t picture_step = 0;
  int rows = 1;
  std::ptrdiff_t row_step = 0;
  int columns = 1;
  std::ptrdiff_t column_step = 0;
};

/// `totals[r][j] +=` the sum over the pixels i of a grid of `x[r] of pixel i * gradients[i][j]`, for the rows
/// r in [first_row, Rows). `gradients` follow one another, Vectors * float_lanes for each pixel, and so do
/// totals.
template <int Rows, int Vectors>
[[gnu::noinline]] void gradient_tile(const float* x, const pixel_grid& grid, const float* gradients,
                                     int first_row, float* totals) {
  constexpr int width = Vectors * float_lanes;
  tile_sums<Rows, Vectors> sum;
  unroll(up_to<Rows>, [&](int r) { unroll(up_to<Vectors>, [&](int v) { sum.at[r][v] = floats(0.0f); }); });
  for (int n = 0; n < grid.pictures; ++n) {
    for (int y = 0; y < grid.rows; ++y) {
      const float* pixel = x + n * grid.picture_step + y * grid.row_step;
      int column = 0;
      for (; column + 2 <= grid.columns; column += 2) {
        unroll(
            up_to<2>, [&](int u) __attribute__((always_inline)) {
              multiply_add(
                  sum, gradients + u * width, [&](int r) __attribute__((always_inline)) { return pixel[r]; });
              pixel += grid.column_step;
            });
        gradients += 2 * width;
      }
      for (; column < grid.columns; ++column) {
        multiply_add(
            sum, gradients, [&](int r) __attribute__((always_inline)) { return pixel[r]; });
        pixel += grid.column_step;
        gradients += width;
      }
    }
  }
  unroll(up_to<Rows>, [&](int r) {
    if (r < first_row) return;
    unroll(up_to<Vectors>, [&](int v) {
      float* total = totals + r * width + v * float_lanes;
      (floats::load_unaligned(total) + sum.at[r][v]).store_unaligned(total);
    });
  });
}

}  // namespace detail
}  // namespace lookalike::simd::inline LOOKALIKE_SIMD_NAMESPACE

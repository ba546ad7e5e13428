#pragma once

/// \file
/// Register tiles for processors with 512-bit registers in programs that are compiled for AVX2. Their peak
/// may be the same, but a tile costs as much to set up as to multiply a few inputs, and 28 pixels of a panel,
/// or 6 of four panels, are set up a fifth as often as 6 of one. Sums are those of `register_tile`, bit for
/// bit: a lane adds the same products in the same order. (xsimd takes its instruction set from the compiler's
/// options alone; these are the only loops that ask the processor.)

#include <algorithm>
#include <cstddef>
#include <type_traits>

#include <lookalike/simd/detail/finish_tile.hpp>
#include <lookalike/simd/detail/register_tile.hpp>
#include <lookalike/simd/epilogue.hpp>
#include <lookalike/simd/instruction_set.hpp>

#if defined(__x86_64__) && defined(__AVX2__) && defined(__FMA__) && !defined(__AVX512F__)
#define LOOKALIKE_HAS_WIDE_TILE 1
#include <immintrin.h>
#endif

namespace lookalike::simd::inline LOOKALIKE_SIMD_NAMESPACE {
namespace detail {

/// Panels that one tile computes together: an input is broadcast once for all of them, and so few pixels do
/// not fall on the same lines of the first-level cache, however far apart they are.
inline constexpr int group_panels = 4;

#ifdef LOOKALIKE_HAS_WIDE_TILE

/// Whether the processor has 512-bit registers.
inline const bool has_wide_registers = [] {
  __builtin_cpu_init();
  return __builtin_cpu_supports("avx512f") != 0;
}();

/// Pixels of the widest tile: with the weights of four inputs they fill the 32 registers.
inline constexpr int wide_tile_rows = 28;
/// What a wide tile fetches ahead for every `inputs_ahead` of its inputs.
inline constexpr int wide_scalars_ahead = 2 * scalars_ahead;

/// Calls `tile(height)`, a constant: the least of the heights, which descend, that is not below `rows`; the
/// largest if all are.
template <int Height, int... Smaller, class Tile>
void with_tile_height(int rows, const Tile& tile) {
  if constexpr (sizeof...(Smaller) > 0) {
    if (rows <= std::max({Smaller...})) {
      with_tile_height<Smaller...>(rows, tile);
      return;
    }
  }
  tile(std::integral_constant<int, Height>{});
}

/// Calls `tile(height)`, a constant, until the heights cover `count` rows: as few and as even as can be.
/// `tile` takes what it has done off `count`.
template <class Tile>
void for_wide_tiles(const int& count, const Tile& tile) {
  while (count > 0) {
    const int tiles = (count + wide_tile_rows - 1) / wide_tile_rows, even = (count + tiles - 1) / tiles;
    with_tile_height<wide_tile_rows, 24, 16, 8, 4>(even, tile);
  }
}

/// `sum[r] += ` four, or one, of the inputs of each of Rows pixels, times their weights.
// Plain loops, fully unrolled: a lambda would not have the instructions of the function around it.
#define LOOKALIKE_WIDE_STEP(inputs, input_of)                             \
  {                                                                       \
    __m512 w[inputs];                                                     \
    _Pragma("GCC unroll 4") for (int u = 0; u < (inputs); ++u) w[u] =     \
        _mm512_loadu_ps(weights + u * panel_channels);                    \
    _Pragma("GCC unroll 28") for (int r = 0; r < Rows; ++r) {             \
      const float* from = input_of;                                       \
      _Pragma("GCC unroll 4") for (int u = 0; u < (inputs); ++u) sum[r] = \
          _mm512_fmadd_ps(_mm512_set1_ps(from[u]), w[u], sum[r]);         \
    }                                                                     \
    weights += (inputs)*panel_channels;                                   \
  }

/// Whether `wide_tile` knows the epilogue.
inline bool finishes_wide(const panel_epilogue& store) {
  return store.channels == panel_channels && (store.activation.function == activation_function::none ||
                                              store.activation.function == activation_function::relu);
}

/// Stores one pixel of a panel through such an epilogue.
[[gnu::always_inline, gnu::target("avx512f")]] inline void finish_wide(__m512 sum,
                                                                       const panel_epilogue& store,
                                                                       const float* residual, float* output) {
  if (!store.is_trivial) {
    sum = _mm512_fmadd_ps(sum, _mm512_load_ps(store.scale), _mm512_load_ps(store.shift));
    if (store.has_residual) sum = _mm512_add_ps(sum, _mm512_loadu_ps(residual));
    if (store.activation.function == activation_function::relu) {  // NaN stays
      const __mmask16 is_negative = _mm512_cmp_ps_mask(sum, _mm512_setzero_ps(), _CMP_LT_OQ);
      sum = _mm512_mask_mov_ps(sum, is_negative, _mm512_setzero_ps());
    }
  }
  _mm512_storeu_ps(output, sum);
}

/// What `register_tile<Rows, 2>` does, and then `finish_tile` with the first `count` pixels.
template <int Rows>
[[gnu::noinline, gnu::target("avx512f")]] void wide_tile(const float* const* pixels, const input_runs& runs,
                                                         const float* weights, const float* ahead,
                                                         const panel_epilogue& store,
                                                         const float* const* residuals, float* const* outputs,
                                                         std::ptrdiff_t first, int count) {
  __m512 sum[Rows];
  const __m512 begin = _mm512_load_ps(store.start);
#pragma GCC unroll 28
  for (int r = 0; r < Rows; ++r) sum[r] = begin;
  for (int outer = 0; outer < runs.outer_count; ++outer) {
    for (int inner = 0; inner < runs.inner_count; ++inner) {
      std::ptrdiff_t at = outer * runs.outer_step + inner * runs.inner_step;
      const std::ptrdiff_t end = at + runs.length;
      for (; at + inputs_ahead <= end; at += inputs_ahead, ahead += wide_scalars_ahead) {
        __builtin_prefetch(ahead, 0, 2);
        __builtin_prefetch(ahead + scalars_ahead, 0, 2);
        LOOKALIKE_WIDE_STEP(inputs_ahead, pixels[r] + at)
      }
      for (; at < end; ++at) LOOKALIKE_WIDE_STEP(1, pixels[r] + at)
    }
  }
#pragma GCC unroll 28
  for (int r = 0; r < Rows; ++r) {
    if (r == count) return;
    finish_wide(sum[r], store, store.has_residual ? residuals[r] + first : nullptr, outputs[r] + first);
  }
}

#undef LOOKALIKE_WIDE_STEP

/// Pixels of the largest of these tiles.
inline constexpr int group_rows = 6;

/// `sum[r][v] +=` an input of each of Rows pixels, times its weights in each panel, `panel_size` apart.
template <int Rows>
[[gnu::always_inline, gnu::target("avx512f")]] inline void add_products(__m512 (&sum)[Rows][group_panels],
                                                                        const float* const (&pixel)[Rows],
                                                                        std::ptrdiff_t input,
                                                                        const float* weights,
                                                                        std::ptrdiff_t panel_size) {
  __m512 w[group_panels];
#pragma GCC unroll 4
  for (int v = 0; v < group_panels; ++v) w[v] = _mm512_loadu_ps(weights + v * panel_size);
#pragma GCC unroll 6
  for (int r = 0; r < Rows; ++r) {
    const __m512 value = _mm512_set1_ps(pixel[r][input]);
#pragma GCC unroll 4
    for (int v = 0; v < group_panels; ++v) sum[r][v] = _mm512_fmadd_ps(value, w[v], sum[r][v]);
  }
}

/// What `wide_tile` does, for four panels whose weights are `panel_size` apart and whose channels follow
/// those from `first` on. Meanwhile a quarter as much memory as there are weights is fetched, from `ahead`
/// on.
template <int Rows>
[[gnu::noinline, gnu::target("avx512f")]] void group_tile(const float* const* pixels, const input_runs& runs,
                                                          const float* weights, std::ptrdiff_t panel_size,
                                                          const float* ahead, const panel_epilogue* stores,
                                                          const float* const* residuals,
                                                          float* const* outputs, std::ptrdiff_t first,
                                                          int count) {
  __m512 sum[Rows][group_panels];
#pragma GCC unroll 6
  for (int r = 0; r < Rows; ++r) {
#pragma GCC unroll 4
    for (int v = 0; v < group_panels; ++v) sum[r][v] = _mm512_load_ps(stores[v].start);
  }
  for (int outer = 0; outer < runs.outer_count; ++outer) {
    for (int inner = 0; inner < runs.inner_count; ++inner) {
      const std::ptrdiff_t offset = outer * runs.outer_step + inner * runs.inner_step;
      const float* pixel[Rows];
#pragma GCC unroll 6
      for (int r = 0; r < Rows; ++r) pixel[r] = pixels[r] + offset;
      std::ptrdiff_t at = 0;
      for (; at + 4 <= runs.length; at += 4, weights += 4 * panel_channels, ahead += 4 * panel_channels) {
#pragma GCC unroll 4
        for (int u = 0; u < 4; ++u) {
          __builtin_prefetch(ahead + u * panel_channels, 0, 2);
          add_products<Rows>(sum, pixel, at + u, weights + u * panel_channels, panel_size);
        }
      }
      for (; at < runs.length; ++at, weights += panel_channels)
        add_products<Rows>(sum, pixel, at, weights, panel_size);
    }
  }
#pragma GCC unroll 6
  for (int r = 0; r < Rows; ++r) {
    if (r == count) return;
#pragma GCC unroll 4
    for (int v = 0; v < group_panels; ++v) {
      const std::ptrdiff_t channel = first + v * panel_channels;
      finish_wide(sum[r][v], stores[v], stores[v].has_residual ? residuals[r] + channel : nullptr,
                  outputs[r] + channel);
    }
  }
}

/// What `gradient_tile<wide_tile_rows, 2>` does, for all rows.
[[gnu::noinline, gnu::target("avx512f")]] inline void wide_gradient_tile(const float* x,
                                                                         const pixel_grid& grid,
                                                                         const float* gradients,
                                                                         int first_row, float* totals) {
  constexpr int rows = wide_tile_rows;
  __m512 sum[rows];
#pragma GCC unroll 28
  for (int r = 0; r < rows; ++r) sum[r] = _mm512_setzero_ps();
  for (int n = 0; n < grid.pictures; ++n) {
    for (int y = 0; y < grid.rows; ++y) {
      const float* pixel = x + n * grid.picture_step + y * grid.row_step;
      for (int column = 0; column < grid.columns; ++column) {
        const __m512 gradient = _mm512_loadu_ps(gradients);
#pragma GCC unroll 28
        for (int r = 0; r < rows; ++r) sum[r] = _mm512_fmadd_ps(_mm512_set1_ps(pixel[r]), gradient, sum[r]);
        pixel += grid.column_step;
        gradients += panel_channels;
      }
    }
  }
#pragma GCC unroll 28
  for (int r = 0; r < rows; ++r) {
    float* total = totals + r * panel_channels;
    if (r >= first_row) _mm512_storeu_ps(total, _mm512_add_ps(_mm512_loadu_ps(total), sum[r]));
  }
}

#endif

}  // namespace detail
}  // namespace lookalike::simd::inline LOOKALIKE_SIMD_NAMESPACE

#pragma once

/// \file
/// Direct convolution where a sum has few products, or a pixel few sums. A tile of pixels times channels pays
/// when both are many: it costs as much to set up and to store as some 20 products.
///
/// Few products (a 3 x 3 kernel over one channel, a 1 x 1 kernel over a few): the inputs of a pixel stay in
/// registers while its outputs are written from the first to the last.
///
/// Few outputs (the last layer of a network): the lanes of a register are inputs, not outputs, and added up
/// at the end.

#include <algorithm>
#include <cstddef>
#include <limits>
#include <utility>

#include <lookalike/core/memory.hpp>
#include <lookalike/simd/detail/convolution_block.hpp>
#include <lookalike/simd/detail/finish_tile.hpp>
#include <lookalike/simd/detail/lanes.hpp>
#include <lookalike/simd/detail/register_tile.hpp>
#include <lookalike/simd/instruction_set.hpp>

namespace lookalike::simd::inline LOOKALIKE_SIMD_NAMESPACE {
namespace detail {

// ---- few products ----------------------------------------------------------------------------------------

/// The most products whose inputs, with some sums, fit the registers.
inline constexpr int most_thin_products = 9;

constexpr bool has_thin_sums(std::ptrdiff_t products, int outputs) {
  return products >= 1 && products <= most_thin_products && outputs >= panel_channels;
}

/// Pixels whose sums wait for an epilogue that is not fused.
inline constexpr int thin_pixels = 32;

/// Some panels of a layer with few products, and their epilogue, one number for each channel.
struct thin_layer {
  std::ptrdiff_t inputs[most_thin_products] = {};  ///< where they are, from a pixel's first
  const float* weights = nullptr;
  const float* start = nullptr;
  const float* scale = nullptr;
  const float* shift = nullptr;
  int channels = 0;  ///< in whole registers
  bool is_trivial = true;
  float least = -std::numeric_limits<float>::infinity();  ///< 0 rectifies
};

/// `outputs[p][first + j] = start[j] + sum over i of pixels[p][inputs[i]] weights(i, j)`, through a scale, a
/// shift and a least value, for `count` pixels.
template <int Products>
[[gnu::noinline]] void thin_sums(const float* const* pixels, int count, const thin_layer& layer,
                                 float* const* outputs, std::ptrdiff_t first) {
  const floats least(layer.least);
  for (int p = 0; p < count; ++p) {
    const float* pixel = pixels[p];
    floats x[Products];
    unroll(
        up_to<Products>, [&](int i) __attribute__((always_inline)) {
          x[i] = floats(pixel[layer.inputs[i]]);
          if constexpr (tile_rows<2> < 12) keep_in_register(x[i]);
        });
    float* to = outputs[p] + first;
    const auto channels = [&](int c, const float* w, int width) __attribute__((always_inline)) {
      floats sum = floats::load_unaligned(layer.start + c);
      unroll(
          up_to<Products>, [&](int i) __attribute__((always_inline)) {
            sum = xsimd::fma(x[i], floats::load_unaligned(w + i * width), sum);
          });
      if (!layer.is_trivial) {
        sum =
            xsimd::fma(sum, floats::load_unaligned(layer.scale + c), floats::load_unaligned(layer.shift + c));
        sum = xsimd::max(least, sum);  // NaN, the second, stays
      }
      sum.store_unaligned(to + c);
    };
    const float* panel = layer.weights;
    int c = 0;
    for (; c + panel_channels <= layer.channels; c += panel_channels, panel += Products * panel_channels) {
      channels(c, panel, panel_channels);
      channels(c + float_lanes, panel + float_lanes, panel_channels);
    }
    if (c < layer.channels) channels(c, panel, float_lanes);
  }
}

using thin_function = void (*)(const float* const*, int, const thin_layer&, float* const*, std::ptrdiff_t);

/// `thin_sums` for a number of products.
inline thin_function thin_sums_of(std::ptrdiff_t products) {
  return [&]<int... Indices>(std::integer_sequence<int, Indices...>) {
    constexpr thin_function functions[] = {thin_sums<Indices + 1>...};
    return functions[products - 1];
  }
  (up_to<most_thin_products>);
}

/// The pixels of a block for the channels [first, end), `first` at the beginning of a panel. `weights` are
/// those of the first panel.
inline void convolve_thin(const float* const* inputs, const float* const* residuals, float* const* outputs,
                          int count, const input_runs& runs, const float* weights,
                          const epilogue<float>& store, int first, int end) {
  const int padded = divide_up(end - first, float_lanes) * float_lanes;
  const std::ptrdiff_t products = runs.outer_count * runs.inner_count * runs.length;
  const auto function = store.activation.function;
  const bool is_fused = !store.residual.data && end - first == padded &&
                        (function == activation_function::none || function == activation_function::relu);
  aligned_vector<float> factors(static_cast<std::size_t>(3 * padded));
  const auto row = [&](int number, const float* given, float otherwise) {
    float* to = factors.data() + number * padded;
    std::fill_n(to, padded, otherwise);
    if (given) std::copy_n(given + first, end - first, to);
    return to;
  };
  thin_layer layer{
      .weights = weights,
      .start = row(0, store.bias, 0),
      .scale = row(1, store.scale, 1),
      .shift = row(2, store.shift, 0),
      .channels = padded,
      .is_trivial = !is_fused || (!store.scale && !store.shift && function == activation_function::none)};
  for (int outer = 0, i = 0; outer < runs.outer_count; ++outer)
    for (int inner = 0; inner < runs.inner_count; ++inner)
      for (std::ptrdiff_t k = 0; k < runs.length; ++k)
        layer.inputs[i++] = outer * runs.outer_step + inner * runs.inner_step + k;
  if (is_fused && function == activation_function::relu) layer.least = 0;
  const thin_function sums = thin_sums_of(products);
  if (is_fused) {
    sums(inputs, count, layer, outputs, first);
    return;
  }
  aligned_vector<float> unfinished(static_cast<std::size_t>(thin_pixels * padded));
  float* rows[thin_pixels];
  for (int p = 0; p < thin_pixels; ++p) rows[p] = unfinished.data() + p * padded;
  for (int at = 0; at < count; at += thin_pixels) {
    const int some = std::min(thin_pixels, count - at);
    sums(inputs + at, some, layer, rows, 0);
    for (int c = 0; c < end - first; c += panel_channels) {
      const panel_epilogue finishing(store, first + c, std::min(panel_channels, end - first - c));
      finish_tile(unfinished.data() + c, padded, some, finishing, residuals + at, outputs + at, first + c);
    }
  }
}

// ---- few outputs -----------------------------------------------------------------------------------------

/// The most outputs of a pixel whose sums, for four pixels, fit the registers.
inline constexpr int most_narrow_outputs = 3;

/// Whether sums of runs of `length` products are long enough to be spread over lanes.
constexpr bool has_narrow_outputs(std::ptrdiff_t length, int outputs) {
  return outputs <= most_narrow_outputs && length >= 4 * float_lanes;
}

/// The weights of few outputs, from a panel: for each run, register of inputs and output, one register. A run
/// is filled up with zeros.
inline void turn_narrow_weights(const float* panel, const input_runs& runs, int outputs,
                                aligned_vector<float>& turned) {
  const std::ptrdiff_t padded = (runs.length + float_lanes - 1) / float_lanes * float_lanes;
  const std::ptrdiff_t all = std::ptrdiff_t{runs.outer_count} * runs.inner_count;
  turned.assign(static_cast<std::size_t>(all * padded * outputs), 0.0f);
  for (std::ptrdiff_t run = 0; run < all; ++run) {
    for (std::ptrdiff_t i = 0; i < runs.length; ++i, panel += float_lanes) {
      const std::ptrdiff_t vector = run * padded / float_lanes + i / float_lanes;
      for (int o = 0; o < outputs; ++o) {
        turned[static_cast<std::size_t>((vector * outputs + o) * float_lanes + i % float_lanes)] = panel[o];
      }
    }
  }
}

/// `sums[r * float_lanes + o] = start[o] +` the sum of the products of pixel r for output o, for 4 pixels.
template <int Outputs>
[[gnu::noinline]] void narrow_tile(const float* const* pixels, const input_runs& runs, const float* turned,
                                   const float* start, float* sums) {
  constexpr int rows = 4;
  floats sum[rows][Outputs];
  unroll(up_to<rows>, [&](int r) { unroll(up_to<Outputs>, [&](int o) { sum[r][o] = floats(0.0f); }); });
  for (int outer = 0; outer < runs.outer_count; ++outer) {
    for (int inner = 0; inner < runs.inner_count; ++inner) {
      const std::ptrdiff_t offset = outer * runs.outer_step + inner * runs.inner_step;
      const float* pixel[rows];
      unroll(up_to<rows>, [&](int r) { pixel[r] = pixels[r] + offset; });
      const auto add = [&](std::ptrdiff_t at, auto vector) __attribute__((always_inline)) {
        floats w[Outputs];
        unroll(
            up_to<Outputs>, [&](int o) __attribute__((always_inline)) {
              w[o] = floats::load_aligned(turned + o * float_lanes);
            });
        unroll(
            up_to<rows>, [&](int r) __attribute__((always_inline)) {
              const floats x = vector.load(pixel[r] + at);
              unroll(
                  up_to<Outputs>, [&](int o) __attribute__((always_inline)) {
                    sum[r][o] = xsimd::fma(x, w[o], sum[r][o]);
                  });
            });
        turned += Outputs * float_lanes;
      };
      std::ptrdiff_t at = 0;
      for (; at + float_lanes <= runs.length; at += float_lanes) add(at, whole_vector<float>{});
      if (at < runs.length) add(at, partial_vector<float>{runs.length - at});
    }
  }
  unroll(up_to<rows>, [&](int r) {
    unroll(up_to<Outputs>, [&](int o) { sums[r * float_lanes + o] = start[o] + xsimd::hadd(sum[r][o]); });
  });
}

/// All channels, at most `most_narrow_outputs`, of `count` pixels; there are inputs for a multiple of 4.
inline void convolve_narrow(const float* const* inputs, int count, const input_runs& runs,
                            const float* turned, const panel_epilogue& store, const float* const* residuals,
                            float* const* outputs) {
  constexpr int rows = 4;
  alignas(64) float sums[rows * float_lanes] = {};
  for (int p = 0; p < count; p += rows) {
    const auto tile = store.channels == 1   ? narrow_tile<1>
                      : store.channels == 2 ? narrow_tile<2>
                                            : narrow_tile<3>;
    tile(inputs + p, runs, turned, store.start, sums);
    finish_tile(sums, float_lanes, std::min(rows, count - p), store, residuals + p, outputs + p, 0);
  }
}

}  // namespace detail
}  // namespace lookalike::simd::inline LOOKALIKE_SIMD_NAMESPACE

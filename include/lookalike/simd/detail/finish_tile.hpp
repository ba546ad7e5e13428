#pragma once

/// \file
/// The epilogue of a tile of sums, on vectors.

#include <algorithm>
#include <cstddef>

#include <lookalike/simd/detail/register_tile.hpp>
#include <lookalike/simd/epilogue.hpp>
#include <lookalike/simd/instruction_set.hpp>

namespace lookalike::simd::inline LOOKALIKE_SIMD_NAMESPACE {
namespace detail {

inline floats activate(const floats& v, const activation_options& options) {
  const floats zero(0.0f), one(1.0f), slope(static_cast<float>(options.slope));
  switch (options.function) {
    case activation_function::none:
      return v;
    case activation_function::relu:
      return xsimd::select(v < zero, zero, v);  // NaN stays
    case activation_function::leaky_relu:
      return xsimd::select(v < zero, slope * v, v);
    case activation_function::elu:
      return xsimd::select(v < zero, slope * xsimd::expm1(v), v);
    case activation_function::sigmoid:
      return one / (one + xsimd::exp(-v));
    case activation_function::tanh:
      return xsimd::tanh(v);
    case activation_function::silu:
      return v / (one + xsimd::exp(-v));
  }
  return v;
}

/// An epilogue prepared for the channels of one panel: vectors are padded to whole registers.
struct panel_epilogue {
  alignas(64) float start[panel_channels] = {};  ///< the bias; sums begin with it
  alignas(64) float scale[panel_channels] = {};
  alignas(64) float shift[panel_channels] = {};
  int channels = 0;
  bool has_residual = false;
  bool is_trivial = true;  ///< nothing but the bias
  activation_options activation;

  /// For channels [first, first + count) of `whole`.
  panel_epilogue(const epilogue<float>& whole, int first, int count)
      : channels(count),
        has_residual(whole.residual.data != nullptr),
        is_trivial(!whole.scale && !whole.shift && !whole.residual.data &&
                   whole.activation.function == activation_function::none),
        activation(whole.activation) {
    if (whole.bias) std::copy_n(whole.bias + first, count, start);
    std::fill_n(scale, count, 1.0f);
    if (whole.scale) std::copy_n(whole.scale + first, count, scale);
    if (whole.shift) std::copy_n(whole.shift + first, count, shift);
  }
};

/// Stores `count` pixels of a tile, whose sums lie `width` apart from `sums` on, through the epilogue. Pixel
/// p goes to `outputs[p] + first`; `residuals`, at `residuals[p] + first`, are read only if there are any.
[[gnu::noinline]] inline void finish_tile(const float* sums, int width, int count,
                                          const panel_epilogue& epilogue, const float* const* residuals,
                                          float* const* outputs, std::ptrdiff_t first) {
  // What is the same for all pixels stays out of the loop over them: the layers of a residual network end
  // here.
  const auto finish = [&](const auto& activation) {
    for_vectors<float>(epilogue.channels, [&](std::ptrdiff_t c, auto vector) {
      const floats scale = floats::load_aligned(epilogue.scale + c);
      const floats shift = floats::load_aligned(epilogue.shift + c);
      for (int p = 0; p < count; ++p) {
        floats v = xsimd::fma(floats::load_unaligned(sums + p * width + c), scale, shift);
        if (epilogue.has_residual) v += vector.load(residuals[p] + first + c);
        vector.store(outputs[p] + first + c, activation(v));
      }
    });
  };
  switch (epilogue.activation.function) {
    case activation_function::none:
      return finish([](const floats& v) { return v; });
    case activation_function::relu:
      return finish([](const floats& v) { return activate(v, {.function = activation_function::relu}); });
    default:
      return finish([&](const floats& v) { return activate(v, epilogue.activation); });
  }
}

}  // namespace detail
}  // namespace lookalike::simd::inline LOOKALIKE_SIMD_NAMESPACE

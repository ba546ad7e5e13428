#pragma once

/// \file
/// Convolution by its definition, for scalars without vector code: every output is one sum, in a fixed order.

#include <cstddef>

#include <lookalike/core/parallel.hpp>
#include <lookalike/simd/detail/border_index.hpp>
#include <lookalike/simd/epilogue.hpp>
#include <lookalike/simd/feature_map.hpp>
#include <lookalike/simd/instruction_set.hpp>
#include <lookalike/simd/window.hpp>

namespace lookalike::simd::inline LOOKALIKE_SIMD_NAMESPACE {
namespace detail {

/// Position of the first tap of the window at output position `o`, along one axis.
constexpr int window_start(int o, int stride, int padding) {
  return o * stride - padding;
}

/// Runs `step(n, y)` for all rows of a batch of pictures.
template <class Step>
void for_each_row(int batch, int height, const Step& step) {
  parallel_for(std::int64_t{batch} * height,
               [&](std::int64_t i) { step(static_cast<int>(i / height), static_cast<int>(i % height)); });
}

/// y = epilogue(x * w), weights O, I/groups, kernel height, kernel width.
template <class Scalar>
void plain_convolve(const feature_map<const Scalar>& x, const Scalar* w, const window& window,
                    padding_mode mode, int groups, const epilogue<Scalar>& epilogue,
                    const feature_map<Scalar>& y) {
  const int inputs = x.channels / groups;
  const int outputs = y.channels / groups;
  const std::ptrdiff_t taps = std::ptrdiff_t{window.kernel_height} * window.kernel_width;
  const auto sum_at = [&](int n, int oy, int ox, int o) {
    const int first_channel = o / outputs * inputs;
    Scalar sum(0);
    for (int ky = 0; ky < window.kernel_height; ++ky) {
      const int iy = border_index(
          window_start(oy, window.stride_height, window.padding_top) + ky * window.dilation_height, x.height,
          mode);
      if (iy < 0) continue;
      for (int kx = 0; kx < window.kernel_width; ++kx) {
        const int ix = border_index(
            window_start(ox, window.stride_width, window.padding_left) + kx * window.dilation_width, x.width,
            mode);
        if (ix < 0) continue;
        const Scalar* pixel = x.pixel(n, iy, ix) + first_channel;
        const Scalar* tap = w + o * inputs * taps + ky * window.kernel_width + kx;
        for (int c = 0; c < inputs; ++c) sum += pixel[c] * tap[c * taps];
      }
    }
    return sum;
  };
  for_each_row(y.batch, y.height, [&](int n, int oy) {
    for (int ox = 0; ox < y.width; ++ox)
      for (int o = 0; o < y.channels; ++o)
        y.pixel(n, oy, ox)[o] = finish(sum_at(n, oy, ox, o), epilogue, n, oy, ox, o);
  });
}

/// gx = epilogue(the adjoint of the convolution without bias, applied to gy), zeros beyond the border.
template <class Scalar>
void plain_adjoint(const feature_map<const Scalar>& gy, const Scalar* w, const window& window, int groups,
                   const epilogue<Scalar>& epilogue, const feature_map<Scalar>& gx) {
  const int inputs = gx.channels / groups;
  const int outputs = gy.channels / groups;
  const std::ptrdiff_t taps = std::ptrdiff_t{window.kernel_height} * window.kernel_width;
  // The output position whose window has tap k at input position i; -1 where there is none.
  const auto position = [](int i, int k, int stride, int dilation, int padding, int extent) {
    const int distance = i + padding - k * dilation;
    return distance < 0 || distance % stride != 0 || distance / stride >= extent ? -1 : distance / stride;
  };
  const auto sum_at = [&](int n, int iy, int ix, int c) {
    const int group = c / inputs;
    Scalar sum(0);
    for (int ky = 0; ky < window.kernel_height; ++ky) {
      const int oy =
          position(iy, ky, window.stride_height, window.dilation_height, window.padding_top, gy.height);
      if (oy < 0) continue;
      for (int kx = 0; kx < window.kernel_width; ++kx) {
        const int ox =
            position(ix, kx, window.stride_width, window.dilation_width, window.padding_left, gy.width);
        if (ox < 0) continue;
        const Scalar* pixel = gy.pixel(n, oy, ox) + group * outputs;
        const Scalar* tap =
            w + (group * outputs * inputs + c % inputs) * taps + ky * window.kernel_width + kx;
        for (int o = 0; o < outputs; ++o) sum += pixel[o] * tap[o * inputs * taps];
      }
    }
    return sum;
  };
  for_each_row(gx.batch, gx.height, [&](int n, int iy) {
    for (int ix = 0; ix < gx.width; ++ix)
      for (int c = 0; c < gx.channels; ++c)
        gx.pixel(n, iy, ix)[c] = finish(sum_at(n, iy, ix, c), epilogue, n, iy, ix, c);
  });
}

/// gw += gradient of the weights.
template <class Scalar>
void plain_backward_weights(const feature_map<const Scalar>& x, const feature_map<const Scalar>& gy,
                            const window& window, padding_mode mode, int groups, Scalar* gw) {
  const int inputs = x.channels / groups;
  const int outputs = gy.channels / groups;
  const auto sum_at = [&](int o, int c, int ky, int kx) {
    Scalar sum(0);
    for (int n = 0; n < gy.batch; ++n) {
      for (int oy = 0; oy < gy.height; ++oy) {
        const int iy = border_index(
            window_start(oy, window.stride_height, window.padding_top) + ky * window.dilation_height,
            x.height, mode);
        if (iy < 0) continue;
        for (int ox = 0; ox < gy.width; ++ox) {
          const int ix = border_index(
              window_start(ox, window.stride_width, window.padding_left) + kx * window.dilation_width,
              x.width, mode);
          if (ix >= 0) sum += gy.pixel(n, oy, ox)[o] * x.pixel(n, iy, ix)[o / outputs * inputs + c];
        }
      }
    }
    return sum;
  };
  parallel_for(gy.channels, [&](std::int64_t i) {
    const int o = static_cast<int>(i);
    Scalar* out = gw + i * inputs * window.kernel_height * window.kernel_width;
    for (int c = 0; c < inputs; ++c)
      for (int ky = 0; ky < window.kernel_height; ++ky)
        for (int kx = 0; kx < window.kernel_width; ++kx) *out++ += sum_at(o, c, ky, kx);
  });
}

}  // namespace detail
}  // namespace lookalike::simd::inline LOOKALIKE_SIMD_NAMESPACE

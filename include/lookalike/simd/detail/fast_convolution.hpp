#pragma once

/// \file
/// Convolution of floats: groups are convolutions of slices, and the adjoint of a convolution with stride s
/// is s x s convolutions, each of which computes every s-th row and column (its phases). `algorithm` is what
/// `choose_convolution_algorithm` has returned, never `automatic`.

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <span>

#include <lookalike/simd/convolution_algorithm.hpp>
#include <lookalike/simd/detail/convolution_kernels.hpp>
#include <lookalike/simd/detail/weight_gradient.hpp>
#include <lookalike/simd/detail/winograd_convolution.hpp>
#include <lookalike/simd/detail/winograd_weight_gradient.hpp>
#include <lookalike/simd/window.hpp>

namespace lookalike::simd::inline LOOKALIKE_SIMD_NAMESPACE {
namespace detail {

/// The taps that meet position i of the input, where (i + padding) mod stride is the phase: `count` taps, the
/// last of which is number `last`, `step` apart.
struct phase_taps {
  int count = 0;
  int last = 0;
  int step = 1;
};

constexpr phase_taps taps_of_phase(int phase, int kernel, int stride, int dilation) {
  phase_taps taps;
  taps.step = stride / std::gcd(stride, dilation);
  int first = 0;
  while (first < taps.step && (phase - first * dilation) % stride != 0) ++first;
  if (first == taps.step || first >= kernel) return taps;
  taps.count = (kernel - 1 - first) / taps.step + 1;
  taps.last = first + (taps.count - 1) * taps.step;
  return taps;
}

/// The positions of one phase along one axis as a convolution of the gradient; taps in reverse.
constexpr convolution_axis phase_axis(int phase, int extent, int kernel, int stride, int dilation,
                                      int padding) {
  const phase_taps taps = taps_of_phase(phase, kernel, stride, dilation);
  // position i = stride * j + phase - padding >= 0
  const int least = padding - phase;
  const int j = least > 0 ? divide_up(least, stride) : -((-least) / stride);
  convolution_axis axis;
  axis.taps = taps.count;
  axis.first = j + (phase - taps.last * dilation) / stride;
  axis.dilation = dilation / std::gcd(stride, dilation);
  axis.output_first = stride * j + phase - padding;
  axis.output_step = stride;
  axis.count = axis.output_first < extent ? (extent - 1 - axis.output_first) / stride + 1 : 0;
  return axis;
}

constexpr convolution_axis forward_axis(int outputs, int kernel, int stride, int dilation, int padding) {
  return {outputs, kernel, -padding, stride, dilation, 0, 1};
}

template <>
struct convolution_kernels<float> {
  static constexpr bool packs = true;
  using input = feature_map<const float>;

  // ---- forward

  static std::ptrdiff_t packed_size(int inputs, int outputs, const window& w, int groups,
                                    convolution_algorithm algorithm) {
    if (algorithm != convolution_algorithm::direct)
      return w.stride_height * w.stride_width * packed_winograd_size(tile_for(w, algorithm), inputs, outputs);
    if (is_depthwise(inputs, outputs, groups))
      return packed_depthwise_size(inputs, w.kernel_height, w.kernel_width);
    return groups * packed_panels_size(inputs / groups, outputs / groups, w.kernel_height, w.kernel_width);
  }

  static void pack(const float* weights, int inputs, int outputs, const window& w, int groups, float* packed,
                   convolution_algorithm algorithm) {
    const std::ptrdiff_t taps = std::ptrdiff_t{w.kernel_height} * w.kernel_width;
    const int in = inputs / groups, out = outputs / groups;
    weight_strides from{weights, in * taps, taps, w.kernel_width, 1};
    if (algorithm != convolution_algorithm::direct) {
      pack_winograd(forward_tiles({}, w, padding_mode::zeros, {}, algorithm), from, inputs, outputs, packed);
      return;
    }
    if (is_depthwise(inputs, outputs, groups)) {
      pack_depthwise(from, inputs, w.kernel_height, w.kernel_width, packed);
      return;
    }
    for (int g = 0; g < groups; ++g) {
      pack_panels(from, in, out, w.kernel_height, w.kernel_width, packed);
      from.data += out * in * taps;
      packed += packed_panels_size(in, out, w.kernel_height, w.kernel_width);
    }
  }

  static std::ptrdiff_t scratch_each(const input& x, const window& w, padding_mode mode, int groups,
                                     const input& y, convolution_algorithm algorithm) {
    if (algorithm != convolution_algorithm::direct)
      return winograd_scratch(forward_tiles(x, w, mode, shape_of(y), algorithm));
    return task_scratch(forward_task(x, w, mode, shape_of(y)), groups);
  }

  static void convolve(const input& x, const float* packed, const window& w, padding_mode mode, int groups,
                       const epilogue<float>& epilogue, const feature_map<float>& y, std::span<float> scratch,
                       convolution_algorithm algorithm) {
    if (algorithm != convolution_algorithm::direct) {
      run_winograd(forward_tiles(x, w, mode, y, algorithm), packed, epilogue, scratch);
      return;
    }
    run(forward_task(x, w, mode, y), packed, groups, epilogue, scratch);
  }

  // ---- adjoint

  static std::ptrdiff_t packed_adjoint_size(int inputs, int outputs, const window& w, int groups,
                                            convolution_algorithm algorithm) {
    if (algorithm != convolution_algorithm::direct)
      return w.stride_height * w.stride_width * packed_winograd_size(tile_for(w, algorithm), outputs, inputs);
    std::ptrdiff_t size = 0;
    for_each_phase(w, [&](int, int, const phase_taps& rows, const phase_taps& columns) {
      size += phase_size(inputs, outputs, groups, rows.count, columns.count);
    });
    return size;
  }

  static void pack_adjoint(const float* weights, int inputs, int outputs, const window& w, int groups,
                           float* packed, convolution_algorithm algorithm) {
    const std::ptrdiff_t taps = std::ptrdiff_t{w.kernel_height} * w.kernel_width;
    const int in = inputs / groups, out = outputs / groups;
    for_each_phase(w, [&](int, int, const phase_taps& rows, const phase_taps& columns) {
      if (rows.count == 0 || columns.count == 0) return;
      weight_strides from{weights + rows.last * w.kernel_width + columns.last, taps, in * taps,
                          -std::ptrdiff_t{rows.step} * w.kernel_width, -columns.step};
      if (algorithm != convolution_algorithm::direct) {
        const winograd_tile& tile = tile_for(w, algorithm);
        pack_winograd(tile, from, tile.kernel, tile.kernel, outputs, inputs,
                      packed_panels_size(outputs, inputs, 1, 1), packed);
        packed += packed_winograd_size(tile, outputs, inputs);
        return;
      }
      if (is_depthwise(inputs, outputs, groups)) {
        pack_depthwise(from, inputs, rows.count, columns.count, packed);
      } else {
        float* to = packed;
        for (int g = 0; g < groups; ++g) {
          pack_panels(from, out, in, rows.count, columns.count, to);
          from.data += out * in * taps;
          to += packed_panels_size(out, in, rows.count, columns.count);
        }
      }
      packed += phase_size(inputs, outputs, groups, rows.count, columns.count);
    });
  }

  static std::ptrdiff_t adjoint_scratch_each(const input& gy, const window& w, int groups, const input& gx,
                                             convolution_algorithm algorithm) {
    std::ptrdiff_t size = 0;
    if (algorithm != convolution_algorithm::direct) {
      for_each_phase(w, [&](int row, int column, const phase_taps&, const phase_taps&) {
        size = std::max(size, winograd_scratch(phase_tiles(gy, w, row, column, shape_of(gx), algorithm)));
      });
      return size;
    }
    for_each_phase_task(gy, w, groups, shape_of(gx), [&](const convolution_task& t, std::ptrdiff_t) {
      size = std::max(size, task_scratch(t, groups));
    });
    return size;
  }

  static void adjoint(const input& gy, const float* packed, const window& w, int groups,
                      const epilogue<float>& epilogue, const feature_map<float>& gx, std::span<float> scratch,
                      convolution_algorithm algorithm) {
    if (algorithm != convolution_algorithm::direct) {
      for_each_phase(w, [&](int row, int column, const phase_taps&, const phase_taps&) {
        const winograd_task t = phase_tiles(gy, w, row, column, gx, algorithm);
        run_winograd(t, packed, epilogue, scratch);
        packed += packed_winograd_size(*t.tile, gy.channels, gx.channels);
      });
      return;
    }
    for_each_phase_task(gy, w, groups, gx, [&](const convolution_task& t, std::ptrdiff_t weights) {
      run(t, packed + weights, groups, epilogue, scratch);
    });
  }

  // ---- gradient of the weights

  static std::ptrdiff_t weight_gradient_scratch(const input& x, const input& gy, const window& w,
                                                padding_mode mode, int groups, int thread_count,
                                                convolution_algorithm algorithm) {
    if (algorithm != convolution_algorithm::direct)
      return winograd_gradient_memory(gradient_tiles(x, w, mode, gy), thread_count);
    return weight_gradient_memory(gradient_task(x, gy, w, mode, groups, 0), thread_count);
  }

  static void weight_gradient(const input& x, const input& gy, const window& w, padding_mode mode, int groups,
                              float* gw, std::span<float> scratch, convolution_algorithm algorithm) {
    if (algorithm != convolution_algorithm::direct) {
      winograd_weight_gradient(gradient_tiles(x, w, mode, gy), gy, gradient_task(x, gy, w, mode, groups, 0),
                               gw, scratch);
      return;
    }
    const int tasks = is_depthwise(x.channels, gy.channels, groups) ? 1 : groups;
    const std::ptrdiff_t size =
        std::ptrdiff_t{gy.channels / groups} * (x.channels / groups) * w.kernel_height * w.kernel_width;
    for (int g = 0; g < tasks; ++g)
      detail::weight_gradient(gradient_task(x, gy, w, mode, groups, g), gw + g * size, scratch);
  }

 private:
  static bool is_depthwise(int inputs, int outputs, int groups) {
    return groups > 1 && inputs == groups && outputs == groups;
  }
  static feature_map<float> shape_of(const input& map) {
    return {nullptr, map.batch, map.height, map.width, map.channels, map.pitch};
  }

  // ---- Winograd's algorithms

  /// With stride 2 and kernels of 3 or 4, even and odd taps are kernels of 2 x 2 taps at most; so are the
  /// phases of the adjoint with kernels of 4 x 4.
  static const winograd_tile& tile_for(const window& w, convolution_algorithm algorithm) {
    if (w.stride_height == 2) return winograd_tile_of<4, 2>;
    if (w.kernel_height == 5) return winograd_tile_of<2, 5>;
    switch (algorithm) {
      case convolution_algorithm::winograd_2x2:
        return winograd_tile_of<2>;
      case convolution_algorithm::winograd_6x6:
        return winograd_tile_of<6>;
      default:
        return winograd_tile_of<4>;
    }
  }
  static void run_winograd(winograd_task t, const float* packed, const epilogue<float>& store,
                           std::span<float> scratch) {
    t.packed = packed;
    t.store = &store;
    winograd_convolution(t, scratch);
  }
  static winograd_task forward_tiles(const input& x, const window& w, padding_mode mode,
                                     const feature_map<float>& y, convolution_algorithm algorithm) {
    const auto axis = [](int padding, int stride, int taps, int dilation) {
      return stride == 1 ? winograd_axis::dilated(-padding, taps, dilation)
                         : winograd_axis::strided(-padding, taps);
    };
    return {.tile = &tile_for(w, algorithm),
            .x = x,
            .mode = mode,
            .vertical = axis(w.padding_top, w.stride_height, w.kernel_height, w.dilation_height),
            .horizontal = axis(w.padding_left, w.stride_width, w.kernel_width, w.dilation_width),
            .y = y};
  }
  static winograd_task gradient_tiles(const input& x, const window& w, padding_mode mode, const input& gy) {
    return forward_tiles(x, w, mode, shape_of(gy), convolution_algorithm::winograd_4x4);
  }
  /// A phase of the adjoint; with stride 1 there is one.
  static winograd_task phase_tiles(const input& gy, const window& w, int row, int column,
                                   const feature_map<float>& gx, convolution_algorithm algorithm) {
    const auto axis = [](const convolution_axis& direct) {
      return direct.output_step == 1
                 ? winograd_axis::dilated(direct.first, direct.taps, direct.dilation)
                 : winograd_axis::phase(direct.first, direct.taps, direct.output_first, direct.output_step);
    };
    const convolution_task t = phase_task(gy, w, row, column, gx);
    return {.tile = &tile_for(w, algorithm),
            .x = gy,
            .vertical = axis(t.vertical),
            .horizontal = axis(t.horizontal),
            .y = gx};
  }

  // ---- direct convolution

  static std::ptrdiff_t phase_size(int inputs, int outputs, int groups, int rows, int columns) {
    if (is_depthwise(inputs, outputs, groups)) return packed_depthwise_size(inputs, rows, columns);
    return groups * packed_panels_size(outputs / groups, inputs / groups, rows, columns);
  }
  template <class Visit>
  static void for_each_phase(const window& w, const Visit& visit) {
    for (int row = 0; row < w.stride_height; ++row)
      for (int column = 0; column < w.stride_width; ++column)
        visit(row, column, taps_of_phase(row, w.kernel_height, w.stride_height, w.dilation_height),
              taps_of_phase(column, w.kernel_width, w.stride_width, w.dilation_width));
  }

  /// Calls `visit(task, where its weights begin)` for all phases of some rows, then of the next: what one
  /// phase reads and writes is still in the cache for the others.
  template <class Visit>
  static void for_each_phase_task(const input& gy, const window& w, int groups, const feature_map<float>& gx,
                                  const Visit& visit) {
    const int width = divide_up(gx.width, w.stride_width), height = divide_up(gx.height, w.stride_height);
    const int rows_at_once = w.stride_height == 1 && w.stride_width == 1
                                 ? height
                                 : std::max(1, 2 * forward_block_pixels / std::max(1, width));
    for (int first = 0; first < height; first += rows_at_once) {
      std::ptrdiff_t weights = 0;
      for_each_phase(w, [&](int row, int column, const phase_taps& rows, const phase_taps& columns) {
        convolution_task t = phase_task(gy, w, row, column, gx);
        const int count = std::min(rows_at_once, t.vertical.count - first);
        t.vertical.first += first;
        t.vertical.output_first += first * t.vertical.output_step;
        t.vertical.count = count;
        if (count > 0) visit(t, weights);
        weights += phase_size(gx.channels, gy.channels, groups, rows.count, columns.count);
      });
    }
  }

  static convolution_task forward_task(const input& x, const window& w, padding_mode mode,
                                       const feature_map<float>& y) {
    convolution_task t;
    t.x = x;
    t.y = y;
    t.mode = mode;
    t.vertical = forward_axis(y.height, w.kernel_height, w.stride_height, w.dilation_height, w.padding_top);
    t.horizontal = forward_axis(y.width, w.kernel_width, w.stride_width, w.dilation_width, w.padding_left);
    return t;
  }
  static convolution_task phase_task(const input& gy, const window& w, int row, int column,
                                     const feature_map<float>& gx) {
    convolution_task t;
    t.x = gy;
    t.y = gx;
    t.vertical =
        phase_axis(row, gx.height, w.kernel_height, w.stride_height, w.dilation_height, w.padding_top);
    t.horizontal =
        phase_axis(column, gx.width, w.kernel_width, w.stride_width, w.dilation_width, w.padding_left);
    return t;
  }
  static weight_gradient_task gradient_task(const input& x, const input& gy, const window& w,
                                            padding_mode mode, int groups, int g) {
    weight_gradient_task t;
    t.is_depthwise = is_depthwise(x.channels, gy.channels, groups);
    t.x = t.is_depthwise ? x : slice_of(x, groups, g);
    t.gy = t.is_depthwise ? gy : slice_of(gy, groups, g);
    t.mode = mode;
    t.vertical = forward_axis(gy.height, w.kernel_height, w.stride_height, w.dilation_height, w.padding_top);
    t.horizontal = forward_axis(gy.width, w.kernel_width, w.stride_width, w.dilation_width, w.padding_left);
    return t;
  }

  template <class Scalar>
  static feature_map<Scalar> slice_of(const feature_map<Scalar>& map, int groups, int g) {
    const int channels = map.channels / groups;
    return map.slice(g * channels, channels);
  }

  static std::ptrdiff_t task_scratch(convolution_task t, int groups) {
    if (is_depthwise(t.x.channels, t.y.channels, groups)) return 0;  // it reads the map where it lies
    t.x.channels /= groups;
    return direct_scratch(t);
  }

  static void run(const convolution_task& whole, const float* packed, int groups,
                  const epilogue<float>& store, std::span<float> scratch) {
    convolution_task t = whole;
    t.packed = packed;
    t.store = &store;
    if (is_depthwise(whole.x.channels, whole.y.channels, groups)) {
      depthwise_convolution(t);
      return;
    }
    for (int g = 0; g < groups; ++g) {
      t.x = slice_of(whole.x, groups, g);
      t.y = slice_of(whole.y, groups, g);
      const epilogue<float> part = store.slice(g * t.y.channels, t.y.channels);
      t.store = &part;
      direct_convolution(t, scratch);
      t.packed += packed_panels_size(t.x.channels, t.y.channels, t.vertical.taps, t.horizontal.taps);
    }
  }
};

}  // namespace detail
}  // namespace lookalike::simd::inline LOOKALIKE_SIMD_NAMESPACE

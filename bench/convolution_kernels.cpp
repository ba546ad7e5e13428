/// \file
/// Convolution of typical layers on one thread, forward and backward, beside ours computed directly, and
/// Eigen.

#include <algorithm>
#include <cstddef>
#include <string>
#include <vector>

// g++ 12 mistakes operands that its own AVX-512 intrinsics leave undefined on purpose (GCC bug 105593).
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#pragma GCC diagnostic ignored "-Wuninitialized"
#endif
#include <Eigen/Core>
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif
#include <benchmark/benchmark.h>
#if __has_include(<valgrind/callgrind.h>)
#include <valgrind/callgrind.h>
#else
#define CALLGRIND_TOGGLE_COLLECT
#endif

#include <lookalike/core/memory.hpp>
#include <lookalike/core/parallel.hpp>
#include <lookalike/simd/convolution.hpp>

namespace {

using namespace lookalike;
using namespace lookalike::simd;

/// Runs the work again and again, timed; under callgrind (bench/instructions.py) nothing else is counted.
template <class Work>
void repeat(benchmark::State& state, const Work& work) {
  for (auto _ : state) {
    CALLGRIND_TOGGLE_COLLECT;
    work();
    CALLGRIND_TOGGLE_COLLECT;
  }
}

struct layer {
  const char* name;
  int batch, inputs, outputs, extent, kernel, stride;
};

constexpr layer layers[] = {
    {"stem 7x7/2 3-64 at 224", 1, 3, 64, 224, 7, 2}, {"3x3 16 at 32, batch 16", 16, 16, 16, 32, 3, 1},
    {"3x3 64 at 8, batch 16", 16, 64, 64, 8, 3, 1},  {"3x3 64 at 56", 1, 64, 64, 56, 3, 1},
    {"3x3 256 at 14", 1, 256, 256, 14, 3, 1},        {"3x3/2 128 at 56", 1, 128, 128, 56, 3, 2},
    {"1x1 64-256 at 56", 1, 64, 256, 56, 1, 1},      {"3x3 64 at 256", 1, 64, 64, 256, 3, 1},
};

/// Maps and weights of a layer; what the numbers are does not change the work.
struct operands {
  window w;
  int out_extent;
  aligned_vector<float> x_values, y_values, weights, scratch;
  feature_map<float> x, y;

  explicit operands(const layer& l) {
    const int padding = l.kernel / 2;
    w = {l.kernel, l.kernel, l.stride, l.stride, 1, 1, padding, padding, padding, padding};
    out_extent = window_positions(l.extent, l.kernel, l.stride, 1, padding, padding);
    x = {nullptr, l.batch, l.extent, l.extent, l.inputs, l.inputs};
    y = {nullptr, l.batch, out_extent, out_extent, l.outputs, l.outputs};
    x_values.assign(static_cast<std::size_t>(x.pixels() * x.pitch), 0.5f);
    y_values.assign(static_cast<std::size_t>(y.pixels() * y.pitch), 0.25f);
    weights.assign(static_cast<std::size_t>(l.inputs * l.outputs * l.kernel * l.kernel), 0.125f);
    x.data = x_values.data();
    y.data = y_values.data();
  }
  void count(benchmark::State& state, const layer& l) const {
    const double flop = 2.0 * static_cast<double>(y.pixels()) * l.outputs * l.inputs * l.kernel * l.kernel;
    state.counters["flop/s"] =
        benchmark::Counter(flop, benchmark::Counter::kIsIterationInvariantRate, benchmark::Counter::kIs1000);
  }
};

void forward(benchmark::State& state, const layer& l, convolution_algorithm asked_for) {
  const thread_scope one(1);
  operands o(l);
  const convolution_algorithm algorithm =
      choose_convolution_algorithm(asked_for, l.inputs, l.outputs, o.w, 1, o.out_extent, o.out_extent);
  aligned_vector<float> packed(
      static_cast<std::size_t>(packed_convolution_size<float>(l.inputs, l.outputs, o.w, 1, algorithm)));
  pack_convolution(o.weights.data(), l.inputs, l.outputs, o.w, 1, packed.data(), algorithm);
  o.scratch.resize(static_cast<std::size_t>(
      convolve_packed_scratch<float>(o.x, o.w, padding_mode::zeros, 1, o.y, 1, algorithm)));
  repeat(state, [&] {
    convolve_packed(o.x, packed.data(), o.w, padding_mode::zeros, 1, {}, o.y, o.scratch, algorithm);
  });
  o.count(state, l);
}

void backward_data(benchmark::State& state, const layer& l, convolution_algorithm algorithm) {
  const thread_scope one(1);
  operands o(l);
  o.scratch.resize(static_cast<std::size_t>(
      convolve_backward_data_scratch<float>(o.y, o.w, padding_mode::zeros, 1, o.x, 1, algorithm)));
  repeat(state, [&] {
    convolve_backward_data(o.y, o.weights.data(), o.w, padding_mode::zeros, 1, o.x, false, o.scratch,
                           algorithm);
  });
  o.count(state, l);
}

void backward_weights(benchmark::State& state, const layer& l) {
  const thread_scope one(1);
  operands o(l);
  o.scratch.resize(static_cast<std::size_t>(
      convolve_backward_weights_scratch<float>(o.x, o.y, o.w, padding_mode::zeros, 1)));
  repeat(state, [&] {
    convolve_backward_weights(o.x, o.y, o.w, padding_mode::zeros, 1, o.weights.data(), nullptr, o.scratch);
  });
  o.count(state, l);
}

using matrix = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

/// Rows are output pixels, columns the inputs of a window: row, column, channel.
void gather_windows(const operands& o, int picture, matrix& windows) {
  const int kernel = o.w.kernel_height, stride = o.w.stride_height, channels = o.x.channels;
  for (int i = 0; i < o.out_extent; ++i) {
    for (int j = 0; j < o.out_extent; ++j) {
      float* to = windows.row(i * o.out_extent + j).data();
      for (int k = 0; k < kernel; ++k) {
        for (int l = 0; l < kernel; ++l, to += channels) {
          const int y = i * stride - o.w.padding_top + k, x = j * stride - o.w.padding_left + l;
          if (y < 0 || y >= o.x.height || x < 0 || x >= o.x.width) {
            std::fill_n(to, channels, 0.0f);
          } else {
            std::copy_n(o.x.pixel(picture, y, x), channels, to);
          }
        }
      }
    }
  }
}

void eigen_forward(benchmark::State& state, const layer& l) {
  Eigen::setNbThreads(1);
  operands o(l);
  const int depth = l.inputs * l.kernel * l.kernel, pixels = o.out_extent * o.out_extent;
  matrix windows(pixels, depth);
  const matrix weights = matrix::Constant(depth, l.outputs, 0.125f);
  for (auto _ : state) {
    for (int n = 0; n < l.batch; ++n) {
      gather_windows(o, n, windows);
      Eigen::Map<matrix>(o.y.pixel(n, 0, 0), pixels, l.outputs).noalias() = windows * weights;
    }
  }
  o.count(state, l);
}

[[maybe_unused]] const bool registered = [] {
  for (const layer& l : layers) {
    const auto add = [&](const char* who, auto run, const char* what) {
      const std::string name = std::string(who) + "/" + l.name + what;
      benchmark::RegisterBenchmark(name.c_str(), [run, &l](benchmark::State& state) {
        run(state, l);
      })->Unit(benchmark::kMillisecond);
    };
    const auto with = [](auto run, convolution_algorithm algorithm) {
      return [=](benchmark::State& state, const layer& one) { run(state, one, algorithm); };
    };
    add("lookalike", with(forward, convolution_algorithm::automatic), "");
    add("direct", with(forward, convolution_algorithm::direct), "");
    add("im2col+eigen", eigen_forward, "");
    add("lookalike", with(backward_data, convolution_algorithm::automatic), ", backward data");
    add("direct", with(backward_data, convolution_algorithm::direct), ", backward data");
    add("lookalike", backward_weights, ", backward weights");
  }
  return true;
}();

}  // namespace

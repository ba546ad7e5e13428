/// \file
/// The place for a candidate around a hole: coarse to fine, beside every translation by Fourier transforms.

#include <cmath>

#include <benchmark/benchmark.h>

#include <lookalike/blend/context_search.hpp>

namespace {

using namespace lookalike;

// Colors in the range of L*a*b* with structure at several sizes; what they are does not change the work.
image<3> scene(int height, int width, float phase) {
  image<3> colors(height, width);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      for (int c = 0; c < 3; ++c) {
        const float u = static_cast<float>(x) + 31.0f * static_cast<float>(c), v = static_cast<float>(y);
        colors(y, x, c) = 50.0f + 20.0f * std::sin(0.021f * u + phase) * std::cos(0.017f * v - phase) +
                          10.0f * std::sin(0.11f * (u + v) + 2 * phase) +
                          5.0f * std::sin(0.53f * u - 0.31f * v);
      }
    }
  }
  return colors;
}

void search(benchmark::State& state, context_algorithm algorithm) {
  const int height = static_cast<int>(state.range(0)), width = static_cast<int>(state.range(1));
  mask hole(height, width);
  for (int y = height / 4; y < height * 7 / 10; ++y) {
    for (int x = width / 3; x < width * 7 / 9; ++x) hole(y, x) = 1;
  }
  const context_query query(scene(height, width, 0.0f), hole, 80, {.algorithm = algorithm});
  const image<3> candidate = scene(height, width, 1.0f);
  for (auto _ : state) benchmark::DoNotOptimize(query.search(candidate));
}

void coarse_to_fine(benchmark::State& state) {
  search(state, context_algorithm::coarse_to_fine);
}
void fourier(benchmark::State& state) {
  search(state, context_algorithm::fourier);
}

}  // namespace

BENCHMARK(coarse_to_fine)
    ->Name("lookalike/context")
    ->Args({321, 481})
    ->Args({768, 1024})
    ->Unit(benchmark::kMillisecond);
BENCHMARK(fourier)
    ->Name("fourier/context")
    ->Args({321, 481})
    ->Args({768, 1024})
    ->Unit(benchmark::kMillisecond);

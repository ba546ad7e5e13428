/// \file
/// Distances of tiny images that allow a warp and shifts, beside plain loops that compute the same.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include <benchmark/benchmark.h>

#include <lookalike/core/random.hpp>
#include <lookalike/retrieve/shift_distance.hpp>
#include <lookalike/retrieve/tiny_image.hpp>
#include <lookalike/retrieve/warp_distance.hpp>
#include <lookalike/simd/squared_l2.hpp>

namespace {

using namespace lookalike;

constexpr int side = 32;

std::vector<float> scene(std::uint64_t seed) {
  random_sequence random(seed);
  std::vector<float> values(thumbnail_size, 0.0f);
  for (int wave = 0; wave < 12; ++wave) {
    const double fy = random.uniform(-0.45, 0.45), fx = random.uniform(-0.45, 0.45);
    for (std::size_t c = 0; c < 3; ++c) {
      const double strength = random.normal(), phase = random.uniform(0, 6.28);
      for (int i = 0; i < side * side; ++i)
        values[c * side * side + static_cast<std::size_t>(i)] +=
            static_cast<float>(strength * std::cos(fy * (i / side) + fx * (i % side) + phase));
    }
  }
  normalize_picture(values);
  return values;
}

/// What one evaluation of a warp is: bilinear reading, and the sum of squared differences.
float plain_warp_squared_l2(const float* a, const float* b, float down, float right, float step) {
  const float center = 0.5f * (side - 1);
  float sum = 0;
  for (int p = 0; p < 3; ++p) {
    for (int row = 0; row < side; ++row) {
      const float y = center + (static_cast<float>(row) - center) * step + down;
      const int top = static_cast<int>(std::floor(y));
      const float v = y - static_cast<float>(top);
      const float* const above = b + (p * side + std::clamp(top, 0, side - 1)) * side;
      const float* const below = b + (p * side + std::clamp(top + 1, 0, side - 1)) * side;
      for (int column = 0; column < side; ++column) {
        const float x = center + (static_cast<float>(column) - center) * step + right;
        const int left = static_cast<int>(std::floor(x));
        const float u = x - static_cast<float>(left);
        const int l = std::clamp(left, 0, side - 1), r = std::clamp(left + 1, 0, side - 1);
        const float value =
            (1 - v) * ((1 - u) * above[l] + u * above[r]) + v * ((1 - u) * below[l] + u * below[r]);
        const float difference = value - a[(p * side + row) * side + column];
        sum += difference * difference;
      }
    }
  }
  return sum;
}

float plain_shifted_squared_l2(const float* a, const float* b, int window) {
  float total = 0;
  for (int y = 0; y < side; ++y) {
    for (int x = 0; x < side; ++x) {
      float least = std::numeric_limits<float>::max();
      for (int v = std::max(0, y - window); v <= std::min(side - 1, y + window); ++v) {
        for (int u = std::max(0, x - window); u <= std::min(side - 1, x + window); ++u) {
          float sum = 0;
          for (int p = 0; p < 3; ++p) {
            const float difference = a[(p * side + y) * side + x] - b[(p * side + v) * side + u];
            sum += difference * difference;
          }
          least = std::min(least, sum);
        }
      }
      total += least;
    }
  }
  return total;
}

const std::vector<float> first = scene(1), second = scene(2);

void one_warp(benchmark::State& state) {
  detail::padded_planes fixed, moving;
  fixed.resize({}, 0, 0);
  for (int i = 0; i < 3 * side; ++i)
    std::copy_n(
        first.data() + i * side, side,
        fixed.view().data + i / side * fixed.view().plane_stride + i % side * fixed.view().row_stride);
  moving.set(second, {}, 0, 12, false);
  simd::warp_columns columns;
  float right = 0.3f;
  for (auto _ : state) {
    columns.set(side, right, 1.07f);
    benchmark::DoNotOptimize(simd::warp_squared_l2(columns, -1.2f, 1.07f, fixed.view(), moving.view()));
    right = 1 - right;
  }
}
void one_warp_plain(benchmark::State& state) {
  float right = 0.3f;
  for (auto _ : state) {
    benchmark::DoNotOptimize(plain_warp_squared_l2(first.data(), second.data(), -1.2f, right, 1.07f));
    right = 1 - right;
  }
}

void shifts(benchmark::State& state) {
  detail::padded_planes fixed, moving;
  for (auto _ : state) {
    fixed.set(first, {}, 0, 0, false);
    moving.set(second, {}, 2, 2, false);
    benchmark::DoNotOptimize(simd::shifted_squared_l2(2, fixed.view(), moving.view()));
  }
}
void shifts_plain(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(plain_shifted_squared_l2(first.data(), second.data(), 2));
}

void warp(benchmark::State& state) {
  warp_matcher matcher;
  for (auto _ : state) benchmark::DoNotOptimize(matcher(first, second).squared_distance);
}
void shift(benchmark::State& state) {
  shift_matcher matcher;
  for (auto _ : state) benchmark::DoNotOptimize(matcher(first, second).squared_distance);
}
/// The least over a grid as fine as half a pixel and a twentieth of the scale, by plain loops.
void warp_plain(benchmark::State& state) {
  for (auto _ : state) {
    float least = std::numeric_limits<float>::max();
    const std::vector<float> mirrored = warped(second, {.mirrored = true});
    for (const float* b : {second.data(), mirrored.data()})
      for (float scale = 0.85f; scale <= 1.2f; scale += 0.05f)
        for (float down = -3; down <= 3; down += 0.5f)
          for (float right = -3; right <= 3; right += 0.5f)
            least = std::min(least, plain_warp_squared_l2(first.data(), b, down, right, 1 / scale));
    benchmark::DoNotOptimize(least);
  }
}

}  // namespace

BENCHMARK(one_warp)->Name("lookalike/one warp, SSD");
BENCHMARK(one_warp_plain)->Name("plain_loop/one warp, SSD");
BENCHMARK(shifts)->Name("lookalike/shifts of each pixel, 5 x 5");
BENCHMARK(shifts_plain)->Name("plain_loop/shifts of each pixel, 5 x 5");
BENCHMARK(warp)->Name("lookalike/D_warp");
BENCHMARK(warp_plain)->Name("plain_grid/D_warp");
BENCHMARK(shift)->Name("lookalike/D_shift");

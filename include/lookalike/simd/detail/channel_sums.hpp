#pragma once

/// \file
/// Sums of the channels of a map over all pixels: gradients of biases.

#include <algorithm>
#include <cstddef>

#include <lookalike/core/parallel.hpp>
#include <lookalike/simd/feature_map.hpp>
#include <lookalike/simd/instruction_set.hpp>

namespace lookalike::simd::inline LOOKALIKE_SIMD_NAMESPACE {
namespace detail {

/// Pixels are summed in this many parts (fewer if there are few), then the parts, whatever the number of
/// threads.
inline constexpr std::ptrdiff_t channel_sum_parts = 16;

template <class Scalar>
std::ptrdiff_t channel_sums_scratch(const feature_map<const Scalar>& map) {
  return 2 * channel_sum_parts * map.channels;
}

/// sums[c] += the sum of channel c over all pixels. `scratch` holds `channel_sums_scratch` scalars.
template <class Scalar>
void add_channel_sums(const feature_map<const Scalar>& map, Scalar* sums, Scalar* scratch) {
  const std::ptrdiff_t pixels = map.pixels();
  parallel_for(channel_sum_parts, [&](std::int64_t part) {
    constexpr std::ptrdiff_t run = 64;  // short, so that sums of many floats stay accurate
    Scalar* total = scratch + 2 * part * map.channels;
    Scalar* partial = total + map.channels;
    std::fill_n(total, map.channels, Scalar(0));
    const std::ptrdiff_t end = pixels * (part + 1) / channel_sum_parts;
    for (std::ptrdiff_t first = pixels * part / channel_sum_parts; first < end; first += run) {
      std::fill_n(partial, map.channels, Scalar(0));
      for (std::ptrdiff_t i = first; i < std::min(first + run, end); ++i) {
        const Scalar* pixel = map.data + i * map.pitch;
        for (int c = 0; c < map.channels; ++c) partial[c] += pixel[c];
      }
      for (int c = 0; c < map.channels; ++c) total[c] += partial[c];
    }
  });
  for (std::ptrdiff_t part = 0; part < channel_sum_parts; ++part)
    for (int c = 0; c < map.channels; ++c) sums[c] += scratch[2 * part * map.channels + c];
}

}  // namespace detail
}  // namespace lookalike::simd::inline LOOKALIKE_SIMD_NAMESPACE

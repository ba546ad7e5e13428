#pragma once

/// \file
/// What the hot loops of layers share: vectors along the channels with their tails, loops over blocks that
/// may run on several threads, and loops over the elements of maps. A tail runs through the same vector code
/// as the rest, so that the value of an element does not depend on where it lies.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include <lookalike/core/error.hpp>
#include <lookalike/core/parallel.hpp>
#include <lookalike/simd/detail/partial_vector.hpp>
#include <lookalike/simd/detail/xsimd.hpp>
#include <lookalike/simd/feature_map.hpp>
#include <lookalike/simd/instruction_set.hpp>

namespace lookalike::simd::inline LOOKALIKE_SIMD_NAMESPACE {

/// A map that is only read. The scalar type of a call follows from the maps that are written, so that a
/// `feature_map<Scalar>` may be given here too.
template <class Scalar>
using input_map = std::type_identity_t<feature_map<const Scalar>>;

namespace detail {

// ---- vectors and their tails ------------------------------------------------------------------------------

/// Loads and stores of whole vectors.
template <class Scalar>
struct whole_vector {
  using batch = xsimd::batch<Scalar>;
  static constexpr std::ptrdiff_t count = lanes<Scalar>;
  static batch load(const Scalar* from) { return batch::load_unaligned(from); }
  static void store(Scalar* to, const batch& value) { value.store_unaligned(to); }
};

/// Which lanes are among the first `count`.
template <class Scalar>
inline xsimd::batch_bool<Scalar> first_lanes(std::ptrdiff_t count) {
  alignas(64) static constexpr Scalar numbers[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
  return xsimd::batch<Scalar>::load_aligned(numbers) < xsimd::batch<Scalar>(static_cast<Scalar>(count));
}

/// Calls `body(at, vector)` for at = 0, lanes, 2 lanes, ... below `count`, where `vector` loads and stores
/// what is left there: a vector or its first lanes.
template <class Scalar, class Body>
inline void for_vectors(std::ptrdiff_t count, const Body& body) {
  static_assert(lanes<Scalar> <= 16);
  std::ptrdiff_t at = 0;
  for (; at + lanes<Scalar> <= count; at += lanes<Scalar>) body(at, whole_vector<Scalar>{});
  if (at < count) body(at, partial_vector<Scalar>{count - at});
}

// ---- loops over blocks ------------------------------------------------------------------------------------

/// Less work than this, in scalars read or written, is not worth waking threads for.
inline constexpr std::ptrdiff_t parallel_threshold = 131072;
/// Scalars of a block of work that one thread takes at a time.
inline constexpr std::ptrdiff_t block_scalars = 32768;

/// A reference to a function of a block's number: all loops share one instance of `parallel_for`.
class block_step {
 public:
  template <class Step>
  explicit block_step(const Step& step)
      : object_(&step),
        call_([](const void* object, std::int64_t i) { (*static_cast<const Step*>(object))(i); }) {}
  void operator()(std::int64_t i) const { call_(object_, i); }

 private:
  const void* object_;
  void (*call_)(const void*, std::int64_t);
};

/// Runs `step(i)` for i < count, on several threads if `scalars`, the work in all, is worth it.
template <class Step>
void for_blocks(std::ptrdiff_t count, std::ptrdiff_t scalars, const Step& step) {
  if (count <= 1 || scalars < parallel_threshold) {
    for (std::ptrdiff_t i = 0; i < count; ++i) step(i);
  } else {
    parallel_for(count, block_step(step));
  }
}

constexpr std::ptrdiff_t rounded_up_quotient(std::ptrdiff_t a, std::ptrdiff_t b) {
  return (a + b - 1) / b;
}

/// Calls `step(first, last)` for blocks of the items 0, 1, ..., items - 1, each of which is `scalars` scalars
/// of work. For loops whose items do not depend on each other.
template <class Step>
void for_ranges(std::ptrdiff_t items, std::ptrdiff_t scalars, const Step& step) {
  const std::ptrdiff_t block =
      std::max<std::ptrdiff_t>(1, block_scalars / std::max<std::ptrdiff_t>(1, scalars));
  for_blocks(rounded_up_quotient(items, block), items * scalars,
             [&](std::ptrdiff_t i) { step(i * block, std::min(items, (i + 1) * block)); });
}

/// Calls `step(picture, first channel, channels)` for slices of pictures, at most a cache line wide where
/// there are too few pictures to occupy all threads anyhow. For loops whose channels do not depend on each
/// other.
template <class Scalar, class Step>
void for_channel_slices(const feature_map<Scalar>& map, std::ptrdiff_t scalars, const Step& step) {
  constexpr int line = 64 / static_cast<int>(sizeof(Scalar));
  const int width = map.batch >= 8 ? std::max(map.channels, 1) : 4 * line;
  const std::ptrdiff_t slices = rounded_up_quotient(map.channels, width);
  for_blocks(map.batch * slices, scalars, [&](std::ptrdiff_t i) {
    const int first = static_cast<int>(i % slices) * width;
    step(static_cast<int>(i / slices), first, std::min(width, map.channels - first));
  });
}

// ---- loops over elements ----------------------------------------------------------------------------------

template <class First, class Second>
bool same_extents(const feature_map<First>& a, const feature_map<Second>& b) {
  return a.batch == b.batch && a.height == b.height && a.width == b.width && a.channels == b.channels;
}

template <class Map>
struct printed_extents {
  const Map& map;
  template <class Stream>
  friend Stream& operator<<(Stream& out, const printed_extents& e) {
    out << e.map.batch << " x " << e.map.height << " x " << e.map.width << " x " << e.map.channels;
    return out;
  }
};

template <class First, class Second>
void require_same_extents(const char* where, const feature_map<First>& given,
                          const feature_map<Second>& wanted) {
  require(same_extents(given, wanted), where, ": given maps of ", printed_extents<feature_map<First>>{given},
          " and ", printed_extents<feature_map<Second>>{wanted}, ", wanted the same extents");
}

/// y = f(inputs...), or y += f(inputs...), element by element; f takes and returns vectors. All maps have the
/// same extents; y may be one of the inputs.
template <class Scalar, class Function, class... Inputs>
void map_elements(const feature_map<Scalar>& y, bool accumulate, const Function& f, const Inputs&... inputs) {
  const auto run = [&](std::ptrdiff_t count, Scalar* to, const auto*... from) {
    if (accumulate) {
      for_vectors<Scalar>(count, [&](std::ptrdiff_t at, auto vector) {
        vector.store(to + at, vector.load(to + at) + f(vector.load(from + at)...));
      });
    } else {
      for_vectors<Scalar>(count, [&](std::ptrdiff_t at, auto vector) {
        vector.store(to + at, f(vector.load(from + at)...));
      });
    }
  };
  constexpr auto maps = static_cast<std::ptrdiff_t>(sizeof...(Inputs) + 1);
  if (y.pitch == y.channels && (... && (inputs.pitch == inputs.channels))) {
    for_ranges(y.pixels() * y.channels, maps, [&](std::ptrdiff_t first, std::ptrdiff_t last) {
      run(last - first, y.data + first, (inputs.data + first)...);
    });
  } else {
    for_ranges(y.pixels(), y.channels * maps, [&](std::ptrdiff_t first, std::ptrdiff_t last) {
      for (std::ptrdiff_t i = first; i < last; ++i)
        run(y.channels, y.data + i * y.pitch, (inputs.data + i * inputs.pitch)...);
    });
  }
}

}  // namespace detail
}  // namespace lookalike::simd::inline LOOKALIKE_SIMD_NAMESPACE

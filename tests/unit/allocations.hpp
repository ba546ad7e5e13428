#pragma once

/// \file
/// Counts what `new` hands out in a test program (allocations.cpp replaces the global operators).

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <new>

#include <malloc.h>

namespace allocations {

inline std::atomic<std::int64_t> count{0};  ///< calls of `new` so far
inline std::atomic<std::int64_t> live{0};   ///< bytes that are in use
inline std::atomic<std::int64_t> peak{0};   ///< the most there were since the last `start_peak`

/// From here on, `peak` is about what comes.
inline void start_peak() {
  peak = live.load();
}

inline void* counted(void* pointer) {
  if (pointer == nullptr) throw std::bad_alloc();
  ++count;
  const std::int64_t now = live += static_cast<std::int64_t>(malloc_usable_size(pointer));
  std::int64_t highest = peak;
  while (now > highest && !peak.compare_exchange_weak(highest, now)) {
  }
  return pointer;
}

inline void release(void* pointer) {
  if (pointer != nullptr) live -= static_cast<std::int64_t>(malloc_usable_size(pointer));
  std::free(pointer);
}

}  // namespace allocations

#pragma once

// Counts what `new` hands out. Included anywhere in a test program, it replaces the global operators; they
// are weak, so that several files of one program may include it.

#include <algorithm>
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

[[gnu::weak]] void* operator new(std::size_t size) {
  return allocations::counted(std::malloc(std::max<std::size_t>(size, 1)));
}
[[gnu::weak]] void* operator new(std::size_t size, std::align_val_t alignment) {
  const auto step = static_cast<std::size_t>(alignment);
  return allocations::counted(
      std::aligned_alloc(step, (std::max<std::size_t>(size, 1) + step - 1) / step * step));
}
// Without an exception; the standard library asks so for memory that it can do without (std::stable_sort).
[[gnu::weak]] void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  void* const pointer = std::malloc(std::max<std::size_t>(size, 1));
  return pointer == nullptr ? nullptr : allocations::counted(pointer);
}
[[gnu::weak]] void operator delete(void* pointer, const std::nothrow_t&) noexcept {
  allocations::release(pointer);
}
[[gnu::weak]] void operator delete(void* pointer) noexcept {
  allocations::release(pointer);
}
[[gnu::weak]] void operator delete(void* pointer, std::size_t) noexcept {
  allocations::release(pointer);
}
[[gnu::weak]] void operator delete(void* pointer, std::align_val_t) noexcept {
  allocations::release(pointer);
}
[[gnu::weak]] void operator delete(void* pointer, std::size_t, std::align_val_t) noexcept {
  allocations::release(pointer);
}

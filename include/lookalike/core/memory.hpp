#pragma once

/// \file
/// Memory for vector loads.

#include <cstddef>
#include <cstdint>
#include <new>
#include <vector>

#ifdef __linux__
#include <sys/mman.h>
#include <unistd.h>
#endif

namespace lookalike {

namespace detail {

/// Asks for large pages under a large block, which is then found by fewer look-ups of addresses. Only a hint.
inline void prefer_large_pages([[maybe_unused]] void* block, [[maybe_unused]] std::size_t size) {
#if defined(__linux__) && defined(MADV_HUGEPAGE)
  constexpr std::size_t large = std::size_t{4} << 20;
  if (size < large) return;
  const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  const auto first = (reinterpret_cast<std::uintptr_t>(block) + page - 1) / page * page;
  const auto last = (reinterpret_cast<std::uintptr_t>(block) + size) / page * page;
  ::madvise(reinterpret_cast<void*>(first), last - first, MADV_HUGEPAGE);
#endif
}

}  // namespace detail

/// An allocator whose blocks start on a cache line (64 bytes), the widest vector register of any target.
template <class Value>
struct aligned_allocator {
  using value_type = Value;
  static constexpr std::align_val_t alignment{64};

  aligned_allocator() = default;
  template <class Other>
  constexpr aligned_allocator(const aligned_allocator<Other>&) noexcept {}

  Value* allocate(std::size_t count) {
    if (count > std::size_t(-1) / sizeof(Value)) throw std::bad_array_new_length();
    void* block = ::operator new(count * sizeof(Value), alignment);
    detail::prefer_large_pages(block, count * sizeof(Value));
    return static_cast<Value*>(block);
  }
  void deallocate(Value* pointer, std::size_t) noexcept { ::operator delete(pointer, alignment); }

  friend bool operator==(const aligned_allocator&, const aligned_allocator&) = default;
};

template <class Value>
using aligned_vector = std::vector<Value, aligned_allocator<Value>>;

}  // namespace lookalike

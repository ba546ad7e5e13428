#pragma once

/// \file
/// Memory for vector loads.

#include <cstddef>
#include <new>
#include <vector>

namespace lookalike {

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
    return static_cast<Value*>(::operator new(count * sizeof(Value), alignment));
  }
  void deallocate(Value* pointer, std::size_t) noexcept { ::operator delete(pointer, alignment); }

  friend bool operator==(const aligned_allocator&, const aligned_allocator&) = default;
};

template <class Value>
using aligned_vector = std::vector<Value, aligned_allocator<Value>>;

}  // namespace lookalike

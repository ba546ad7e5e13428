// The global operators of every test program, which count.
#include "allocations.hpp"

#include <algorithm>

void* operator new(std::size_t size) {
  return allocations::counted(std::malloc(std::max<std::size_t>(size, 1)));
}
void* operator new(std::size_t size, std::align_val_t alignment) {
  const auto step = static_cast<std::size_t>(alignment);
  return allocations::counted(
      std::aligned_alloc(step, (std::max<std::size_t>(size, 1) + step - 1) / step * step));
}
// Without an exception; the standard library asks so for memory that it can do without (std::stable_sort).
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  void* const pointer = std::malloc(std::max<std::size_t>(size, 1));
  return pointer == nullptr ? nullptr : allocations::counted(pointer);
}
void operator delete(void* pointer, const std::nothrow_t&) noexcept {
  allocations::release(pointer);
}
void operator delete(void* pointer) noexcept {
  allocations::release(pointer);
}
void operator delete(void* pointer, std::size_t) noexcept {
  allocations::release(pointer);
}
void operator delete(void* pointer, std::align_val_t) noexcept {
  allocations::release(pointer);
}
void operator delete(void* pointer, std::size_t, std::align_val_t) noexcept {
  allocations::release(pointer);
}

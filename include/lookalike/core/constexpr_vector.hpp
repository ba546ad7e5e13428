#pragma once

/// \file
/// A growing array that also works while the compiler evaluates a constant. `std::vector` would do, but clang
/// 14 rejects parts of libstdc++'s in constant expressions.

#include <cstddef>
#include <initializer_list>
#include <span>
#include <utility>

namespace lookalike {

/// Values side by side; copying, moving, appending and indexing as in `std::vector`. `Value` has a default.
template <class Value>
class constexpr_vector {
 public:
  constexpr constexpr_vector() = default;
  constexpr explicit constexpr_vector(int count) { resize(count); }
  constexpr constexpr_vector(std::initializer_list<Value> values) {
    append(values.begin(), static_cast<int>(values.size()));
  }
  constexpr constexpr_vector(const constexpr_vector& other) { append(other.values_, other.size_); }
  constexpr constexpr_vector(constexpr_vector&& other) noexcept
      : values_(std::exchange(other.values_, nullptr)),
        size_(std::exchange(other.size_, 0)),
        capacity_(std::exchange(other.capacity_, 0)) {}
  constexpr constexpr_vector& operator=(constexpr_vector other) noexcept {
    std::swap(values_, other.values_);
    std::swap(size_, other.size_);
    std::swap(capacity_, other.capacity_);
    return *this;
  }
  constexpr ~constexpr_vector() { delete[] values_; }

  constexpr int size() const { return size_; }
  constexpr bool empty() const { return size_ == 0; }
  constexpr void reserve(int capacity) {
    if (capacity <= capacity_) return;
    if (capacity < least) capacity = least;
    Value* wider = new Value[static_cast<std::size_t>(capacity)]{};
    for (int i = 0; i < size_; ++i) wider[i] = std::move(values_[i]);
    delete[] values_;
    values_ = wider;
    capacity_ = capacity;
  }
  /// New values are `Value{}`.
  constexpr void resize(int count) {
    reserve(count);
    for (int i = size_; i < count; ++i) values_[i] = Value{};
    size_ = count;
  }
  constexpr void push_back(Value value) {
    if (size_ == capacity_) reserve(2 * capacity_ + 1);
    values_[size_++] = std::move(value);
  }
  /// Appends `count` values, which must not be this vector's own. Calls are what constant evaluation spends
  /// its time on: this is one.
  constexpr void append(const Value* values, int count) {
    if (size_ + count > capacity_) reserve(size_ + count > 2 * capacity_ ? size_ + count : 2 * capacity_);
    Value* to = values_ + size_;
    for (int i = 0; i < count; ++i) to[i] = values[i];
    size_ += count;
  }

  constexpr Value& operator[](int i) { return values_[i]; }
  constexpr const Value& operator[](int i) const { return values_[i]; }
  constexpr Value& back() { return values_[size_ - 1]; }
  constexpr const Value& back() const { return values_[size_ - 1]; }
  constexpr Value* begin() { return values_; }
  constexpr Value* end() { return values_ + size_; }
  constexpr const Value* begin() const { return values_; }
  constexpr const Value* end() const { return values_ + size_; }
  constexpr std::span<const Value> view() const { return {values_, static_cast<std::size_t>(size_)}; }
  constexpr std::span<Value> view() { return {values_, static_cast<std::size_t>(size_)}; }

  friend constexpr bool operator==(const constexpr_vector& a, const constexpr_vector& b) {
    if (a.size_ != b.size_) return false;
    for (int i = 0; i < a.size_; ++i) {
      if (!(a.values_[i] == b.values_[i])) return false;
    }
    return true;
  }

 private:
  static constexpr int least = 4;

  Value* values_ = nullptr;
  int size_ = 0;
  int capacity_ = 0;
};

}  // namespace lookalike

#pragma once

/// \file
/// What the kernels use of xsimd's vectors, for processors of which xsimd knows no vector instructions: there
/// it declares none of them. Sixteen bytes of numbers, one at a time; what the functions return for NaN and
/// for operands out of range is what they return on x86.

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <type_traits>

namespace xsimd {

/// An architecture without vectors.
struct no_vectors;

template <class T, class Architecture = no_vectors>
class batch;
template <class T, class Architecture = no_vectors>
class batch_bool;

template <class T>
class batch_bool<T, no_vectors> {
 public:
  static constexpr std::size_t size = 16 / sizeof(T);
  bool lanes[size];

  bool get(std::size_t i) const { return lanes[i]; }
  friend batch_bool operator||(const batch_bool& a, const batch_bool& b) { return a | b; }
  friend batch_bool operator&&(const batch_bool& a, const batch_bool& b) { return a & b; }
  friend batch_bool operator|(const batch_bool& a, const batch_bool& b) {
    batch_bool result;
    for (std::size_t i = 0; i < size; ++i) result.lanes[i] = a.lanes[i] || b.lanes[i];
    return result;
  }
  friend batch_bool operator&(const batch_bool& a, const batch_bool& b) {
    batch_bool result;
    for (std::size_t i = 0; i < size; ++i) result.lanes[i] = a.lanes[i] && b.lanes[i];
    return result;
  }
};

template <class T>
class batch<T, no_vectors> {
 public:
  static constexpr std::size_t size = 16 / sizeof(T);
  using value_type = T;
  alignas(16) T lanes[size];

  batch() = default;
  batch(T value) { std::fill_n(lanes, size, value); }
  static batch broadcast(T value) { return batch(value); }

  static batch load_aligned(const T* from) { return load_unaligned(from); }
  static batch load_unaligned(const T* from) {
    batch result;
    std::copy_n(from, size, result.lanes);
    return result;
  }
  void store_aligned(T* to) const { store_unaligned(to); }
  void store_unaligned(T* to) const { std::copy_n(lanes, size, to); }
  T get(std::size_t i) const { return lanes[i]; }

  /// f of each lane of the batches; what it returns decides whether they are numbers or truths.
  template <class Function, class... Batches>
  static auto map(const Function& f, const Batches&... from) {
    using value = decltype(f(from.lanes[0]...));
    std::conditional_t<std::is_same_v<value, bool>, batch_bool<T>, batch<value>> result;
    static_assert(decltype(result)::size == size);
    for (std::size_t i = 0; i < size; ++i) result.lanes[i] = f(from.lanes[i]...);
    return result;
  }

  friend batch operator+(const batch& a, const batch& b) {
    return map([](T x, T y) { return x + y; }, a, b);
  }
  friend batch operator-(const batch& a, const batch& b) {
    return map([](T x, T y) { return x - y; }, a, b);
  }
  friend batch operator*(const batch& a, const batch& b) {
    return map([](T x, T y) { return x * y; }, a, b);
  }
  friend batch operator/(const batch& a, const batch& b) {
    return map([](T x, T y) { return x / y; }, a, b);
  }
  batch operator-() const {
    return map([](T x) { return -x; }, *this);
  }
  batch& operator+=(const batch& b) { return *this = *this + b; }
  batch& operator-=(const batch& b) { return *this = *this - b; }
  batch& operator*=(const batch& b) { return *this = *this * b; }
  batch& operator/=(const batch& b) { return *this = *this / b; }

  friend batch_bool<T> operator<(const batch& a, const batch& b) {
    return map([](T x, T y) { return x < y; }, a, b);
  }
  friend batch_bool<T> operator<=(const batch& a, const batch& b) {
    return map([](T x, T y) { return x <= y; }, a, b);
  }
  friend batch_bool<T> operator>(const batch& a, const batch& b) { return b < a; }
  friend batch_bool<T> operator>=(const batch& a, const batch& b) { return b <= a; }
  friend batch_bool<T> operator==(const batch& a, const batch& b) {
    return map([](T x, T y) { return x == y; }, a, b);
  }
  friend batch_bool<T> operator!=(const batch& a, const batch& b) {
    return map([](T x, T y) { return x != y; }, a, b);
  }
};

template <class T, std::size_t Size>
using make_sized_batch_t = std::enable_if_t<batch<T>::size == Size, batch<T>>;

// ---- arithmetic -------------------------------------------------------------------------------------------

template <class T>
batch<T> fma(const batch<T>& a, const batch<T>& b, const batch<T>& c) {
  return a * b + c;
}
template <class T>
batch<T> fms(const batch<T>& a, const batch<T>& b, const batch<T>& c) {
  return a * b - c;
}
template <class T>
batch<T> fnma(const batch<T>& a, const batch<T>& b, const batch<T>& c) {
  return c - a * b;
}
template <class T>
batch<T> min(const batch<T>& a, const batch<T>& b) {
  return batch<T>::map([](T x, T y) { return x < y ? x : y; }, a, b);
}
template <class T>
batch<T> max(const batch<T>& a, const batch<T>& b) {
  return batch<T>::map([](T x, T y) { return x > y ? x : y; }, a, b);
}
template <class T>
batch<T> select(const batch_bool<T>& which, const batch<T>& yes, const batch<T>& no) {
  return batch<T>::map([](bool first, T x, T y) { return first ? x : y; }, which, yes, no);
}
template <class T>
batch_bool<T> isnan(const batch<T>& a) {
  return a != a;
}
template <class T>
T hadd(const batch<T>& a) {
  T sum = a.lanes[0];
  for (std::size_t i = 1; i < a.size; ++i) sum += a.lanes[i];
  return sum;
}

// ---- functions --------------------------------------------------------------------------------------------

template <class T>
batch<T> abs(const batch<T>& a) {
  return batch<T>::map([](T x) { return std::abs(x); }, a);
}
template <class T>
batch<T> sqrt(const batch<T>& a) {
  return batch<T>::map([](T x) { return std::sqrt(x); }, a);
}
template <class T>
batch<T> exp(const batch<T>& a) {
  return batch<T>::map([](T x) { return std::exp(x); }, a);
}
template <class T>
batch<T> expm1(const batch<T>& a) {
  return batch<T>::map([](T x) { return std::expm1(x); }, a);
}
template <class T>
batch<T> log1p(const batch<T>& a) {
  return batch<T>::map([](T x) { return std::log1p(x); }, a);
}
template <class T>
batch<T> tanh(const batch<T>& a) {
  return batch<T>::map([](T x) { return std::tanh(x); }, a);
}
template <class T>
batch<T> erfc(const batch<T>& a) {
  return batch<T>::map([](T x) { return std::erfc(x); }, a);
}

// ---- conversions ------------------------------------------------------------------------------------------

template <class To, class T>
To bitwise_cast(const batch<T>& a) {
  return std::bit_cast<To>(a);
}
inline batch<float> to_float(const batch<std::int32_t>& a) {
  return batch<float>::map([](std::int32_t x) { return static_cast<float>(x); }, a);
}
/// Toward zero.
inline batch<std::int32_t> to_int(const batch<float>& a) {
  return batch<std::int32_t>::map(
      [](float x) {
        return std::abs(x) < 2147483648.0f ? static_cast<std::int32_t>(x) : INT32_MIN;  // false for NaN
      },
      a);
}

}  // namespace xsimd

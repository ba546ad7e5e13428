#pragma once

/// \file
/// A picture in memory: rows of pixels, the channels of a pixel side by side (height x width x channels).
/// Color pictures are sRGB; float values lie in [0, 1], bytes in 0..255.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>

#include <lookalike/core/error.hpp>
#include <lookalike/core/memory.hpp>

namespace lookalike {

/// A picture with `Channels` channels, known at compile time, and an extent known at run time.
///
/// Layout: value (y, x, c) lies at `(y * width() + x) * Channels + c`. The memory starts on a cache line.
template <int Channels, class Value = float>
class image {
  static_assert(Channels > 0, "an image has at least one channel");

 public:
  using value_type = Value;
  static constexpr int channels = Channels;

  image() = default;

  /// A picture of `height` by `width` pixels with every value equal to `fill`.
  /// Throws `value_error` when an extent is negative or their product does not fit in memory.
  image(int height, int width, Value fill = Value{}) : height_(height), width_(width) {
    require(height >= 0 && width >= 0, "image: given ", height, "x", width, ", wanted extents of at least 0");
    values_.assign(static_cast<std::size_t>(height) * static_cast<std::size_t>(width) * Channels, fill);
  }

  int height() const { return height_; }
  int width() const { return width_; }
  /// Number of pixels.
  std::ptrdiff_t area() const { return static_cast<std::ptrdiff_t>(height_) * width_; }
  bool empty() const { return values_.empty(); }

  Value& operator()(int y, int x, int c = 0) { return values_[offset(y, x) + static_cast<std::size_t>(c)]; }
  const Value& operator()(int y, int x, int c = 0) const {
    return values_[offset(y, x) + static_cast<std::size_t>(c)];
  }

  /// All values of row `y`.
  std::span<Value> row(int y) { return {data() + offset(y, 0), row_size()}; }
  std::span<const Value> row(int y) const { return {data() + offset(y, 0), row_size()}; }

  /// All values, row after row.
  std::span<Value> values() { return values_; }
  std::span<const Value> values() const { return values_; }
  Value* data() { return values_.data(); }
  const Value* data() const { return values_.data(); }

  bool contains(int y, int x) const { return y >= 0 && x >= 0 && y < height_ && x < width_; }

  friend bool operator==(const image&, const image&) = default;

 private:
  std::size_t row_size() const { return static_cast<std::size_t>(width_) * Channels; }
  std::size_t offset(int y, int x) const {
    return (static_cast<std::size_t>(y) * static_cast<std::size_t>(width_) + static_cast<std::size_t>(x)) *
           Channels;
  }

  int height_ = 0;
  int width_ = 0;
  aligned_vector<Value> values_;
};

/// A picture as files hold it.
using byte_image = image<3, std::uint8_t>;

template <int A, class V, int B, class W>
bool same_extent(const image<A, V>& a, const image<B, W>& b) {
  return a.height() == b.height() && a.width() == b.width();
}

/// Bytes as floats in [0, 1].
template <int Channels>
image<Channels> to_float(const image<Channels, std::uint8_t>& from) {
  image<Channels> to(from.height(), from.width());
  const auto source = from.values();
  auto target = to.values();
  for (std::size_t i = 0; i < source.size(); ++i) target[i] = static_cast<float>(source[i]) * (1.0f / 255.0f);
  return to;
}

/// Floats in [0, 1] as bytes, rounded to nearest; values outside are clamped.
template <int Channels>
image<Channels, std::uint8_t> to_bytes(const image<Channels>& from) {
  image<Channels, std::uint8_t> to(from.height(), from.width());
  const auto source = from.values();
  auto target = to.values();
  for (std::size_t i = 0; i < source.size(); ++i) {
    const float clamped = source[i] < 0.0f ? 0.0f : source[i] > 1.0f ? 1.0f : source[i];
    target[i] = static_cast<std::uint8_t>(clamped * 255.0f + 0.5f);
  }
  return to;
}

/// Throws `value_error`, in the words of `where`, when a value is NaN, infinite or outside [0, 1].
template <int Channels>
void require_unit_range(const image<Channels>& picture, const char* where) {
  const auto outside = [](float value) { return !(value >= 0.0f && value <= 1.0f); };  // true for NaN
  unsigned any = 0;  // without a branch in the loop it is a vector loop
  for (float value : picture.values()) any |= static_cast<unsigned>(outside(value));
  if (any == 0) return;
  const auto first = std::find_if(picture.values().begin(), picture.values().end(), outside);
  throw value_error(sentence(where, ": given a value of ", *first, ", wanted finite values in [0, 1]"));
}

}  // namespace lookalike

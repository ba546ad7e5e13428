#pragma once

/// \file
/// Somebody's vectors, as they lie in memory: rows of float, 16-bit float or byte, one after another.
/// Searches read them there.

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include <lookalike/core/error.hpp>
#include <lookalike/core/float16.hpp>
#include <lookalike/core/tensor.hpp>

namespace lookalike {

/// What a vector's numbers are stored as.
enum class element { float32, float16, uint8 };

constexpr std::string_view name_of(element e) {
  switch (e) {
    case element::float32:
      return "float32";
    case element::float16:
      return "float16";
    default:
      return "uint8";
  }
}

constexpr std::size_t size_of(element e) {
  return e == element::float32 ? 4 : e == element::float16 ? 2 : 1;
}

/// A view: whoever makes one keeps the memory, and does not change it while somebody searches.
class vector_view {
 public:
  vector_view() = default;
  /// `count` vectors of `dimension` numbers. Throws `value_error` for a negative count or dimension, and
  /// where there are vectors of no numbers.
  vector_view(const void* data, element type, std::int64_t count, std::int64_t dimension)
      : data_(static_cast<const std::byte*>(data)), type_(type), count_(count), dimension_(dimension) {
    require(count >= 0 && dimension >= 0 && (count == 0 || dimension > 0), "vector_view: given ", count,
            " vectors of ", dimension, " numbers, wanted at least one number in each");
  }
  vector_view(const float* data, std::int64_t count, std::int64_t dimension)
      : vector_view(data, element::float32, count, dimension) {}
  vector_view(const float16* data, std::int64_t count, std::int64_t dimension)
      : vector_view(data, element::float16, count, dimension) {}
  vector_view(const std::uint8_t* data, std::int64_t count, std::int64_t dimension)
      : vector_view(data, element::uint8, count, dimension) {}
  /// The samples of a tensor, in NCHW order.
  vector_view(const tensor<float>& samples)
      : vector_view(samples.data(), samples.batch(),
                    samples.batch() == 0 ? 0 : samples.size() / samples.batch()) {}

  std::int64_t size() const { return count_; }
  std::int64_t dimension() const { return dimension_; }
  element type() const { return type_; }
  /// Where vector `row` begins.
  const std::byte* row(std::int64_t row) const { return data_ + static_cast<std::size_t>(row) * row_size(); }
  /// The same as what it is. `Value` must be what `type()` says.
  template <class Value>
  const Value* row_as(std::int64_t row_number) const {
    return reinterpret_cast<const Value*>(row(row_number));
  }
  /// Bytes of a vector.
  std::size_t row_size() const { return static_cast<std::size_t>(dimension_) * size_of(type_); }
  /// Vectors [first, first + count).
  vector_view part(std::int64_t first, std::int64_t count) const {
    return {row(first), type_, count, dimension_};
  }

 private:
  const std::byte* data_ = nullptr;
  element type_ = element::float32;
  std::int64_t count_ = 0;
  std::int64_t dimension_ = 0;
};

}  // namespace lookalike

#pragma once

/// \file
/// A named array as it lies in a safetensors file (nn/safetensors.hpp): a type of number, a shape, and bytes
/// that belong to someone else.

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include <lookalike/core/error.hpp>
#include <lookalike/nn/detail/narrow_float.hpp>

namespace lookalike {

/// The types of numbers a file may hold, in the order in which the format's reference implementation writes
/// them, the last first.
enum class safetensor_type : unsigned char {
  boolean,
  uint8,
  int8,
  int16,
  uint16,
  float16,
  bfloat16,
  int32,
  uint32,
  float32,
  float64,
  int64,
  uint64
};

namespace detail {

struct safetensor_type_facts {
  std::string_view name;
  int bytes;
  bool floating;
};
inline constexpr std::array<safetensor_type_facts, 13> safetensor_types{{{"BOOL", 1, false},
                                                                         {"U8", 1, false},
                                                                         {"I8", 1, false},
                                                                         {"I16", 2, false},
                                                                         {"U16", 2, false},
                                                                         {"F16", 2, true},
                                                                         {"BF16", 2, true},
                                                                         {"I32", 4, false},
                                                                         {"U32", 4, false},
                                                                         {"F32", 4, true},
                                                                         {"F64", 8, true},
                                                                         {"I64", 8, false},
                                                                         {"U64", 8, false}}};

}  // namespace detail

/// What the type is called in files: "F32".
constexpr std::string_view name_of(safetensor_type type) {
  return detail::safetensor_types[static_cast<std::size_t>(type)].name;
}
/// How many bytes a number takes.
constexpr int bytes_of(safetensor_type type) {
  return detail::safetensor_types[static_cast<std::size_t>(type)].bytes;
}
/// Whether it can be read as float or double.
constexpr bool is_floating(safetensor_type type) {
  return detail::safetensor_types[static_cast<std::size_t>(type)].floating;
}
/// The type that files call `name`, if there is one.
constexpr std::optional<safetensor_type> safetensor_type_called(std::string_view name) {
  for (std::size_t i = 0; i < detail::safetensor_types.size(); ++i) {
    if (detail::safetensor_types[i].name == name) return static_cast<safetensor_type>(i);
  }
  return std::nullopt;
}

/// The type under which numbers of type `Number` are written.
template <class Number>
requires std::is_arithmetic_v<Number>
constexpr safetensor_type safetensor_type_of() {
  using enum safetensor_type;
  if constexpr (std::is_same_v<Number, bool>) {
    return boolean;
  } else if constexpr (std::is_floating_point_v<Number>) {
    static_assert(sizeof(Number) == 4 || sizeof(Number) == 8, "safetensors has no type for long double");
    return sizeof(Number) == 4 ? float32 : float64;
  } else if constexpr (std::is_signed_v<Number>) {
    constexpr std::array<safetensor_type, 4> by_size{int8, int16, int32, int64};
    return by_size[static_cast<std::size_t>(std::countr_zero(sizeof(Number)))];
  } else {
    constexpr std::array<safetensor_type, 4> by_size{uint8, uint16, uint32, uint64};
    return by_size[static_cast<std::size_t>(std::countr_zero(sizeof(Number)))];
  }
}

/// Text that travels with a file of tensors.
using safetensors_metadata = std::map<std::string, std::string, std::less<>>;

/// A named array. `bytes` holds its numbers, the last dimension fastest, little-endian; they may be
/// unaligned. A shape without dimensions is a single number.
struct safetensor {
  std::string name;
  safetensor_type type = safetensor_type::float32;
  std::vector<std::int64_t> shape;
  std::span<const std::byte> bytes;

  /// How many numbers it has.
  std::int64_t size() const { return static_cast<std::int64_t>(bytes.size()) / bytes_of(type); }
};

/// The array called `name` with the given shape and numbers, which must stay where they are.
template <class Number>
safetensor make_safetensor(std::string name, std::vector<std::int64_t> shape,
                           std::span<const Number> numbers) {
  return {std::move(name), safetensor_type_of<Number>(), std::move(shape), std::as_bytes(numbers)};
}

namespace detail {

/// "2x3x1", or "a single number".
inline std::string shape_text(std::span<const std::int64_t> shape) {
  if (shape.empty()) return "a single number";
  std::string text;
  for (const std::int64_t extent : shape) {
    if (!text.empty()) text += 'x';
    text += std::to_string(extent);
  }
  return text;
}

template <class Stored, class Number, class Conversion>
void convert_numbers(std::span<const std::byte> bytes, std::span<Number> numbers, Conversion convert) {
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    Stored stored;
    std::memcpy(&stored, bytes.data() + i * sizeof stored, sizeof stored);
    numbers[i] = static_cast<Number>(convert(stored));
  }
}

}  // namespace detail

/// Whether `copy_numbers` can read `type` as `Number`: any floating type as float and double, and every type
/// as itself.
template <class Number>
constexpr bool can_read_as(safetensor_type type) {
  return type == safetensor_type_of<Number>() || (std::is_floating_point_v<Number> && is_floating(type));
}

/// Copies the numbers of `tensor`, converting between floating types: widening is exact, doubles are rounded
/// to the nearest float. Throws `value_error` unless `numbers` has as many, and their type can be read.
template <class Number>
void copy_numbers(const safetensor& tensor, std::span<Number> numbers) {
  static_assert(std::endian::native == std::endian::little, "numbers in files are little-endian");
  require(tensor.size() == static_cast<std::int64_t>(numbers.size()), "tensor '", tensor.name, "' has ",
          tensor.size(), " numbers, given room for ", numbers.size());
  require(can_read_as<Number>(tensor.type), "tensor '", tensor.name, "' is of type ", name_of(tensor.type),
          ", wanted one that can be read as ", name_of(safetensor_type_of<Number>()));
  if constexpr (std::is_same_v<Number, bool>) {
    detail::convert_numbers<std::uint8_t>(tensor.bytes, numbers, [](std::uint8_t x) { return x != 0; });
    return;
  }
  if (tensor.type == safetensor_type_of<Number>()) {
    if (!numbers.empty()) std::memcpy(numbers.data(), tensor.bytes.data(), tensor.bytes.size());
    return;
  }
  if constexpr (std::is_floating_point_v<Number>) {
    switch (tensor.type) {
      case safetensor_type::float16:
        detail::convert_numbers<std::uint16_t>(tensor.bytes, numbers, detail::float_from_binary16);
        break;
      case safetensor_type::bfloat16:
        detail::convert_numbers<std::uint16_t>(tensor.bytes, numbers, detail::float_from_bfloat16);
        break;
      case safetensor_type::float32:
        detail::convert_numbers<float>(tensor.bytes, numbers, [](float x) { return x; });
        break;
      default:
        detail::convert_numbers<double>(tensor.bytes, numbers, [](double x) { return x; });
        break;
    }
  }
}

}  // namespace lookalike

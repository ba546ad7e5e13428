#pragma once

/// \file
/// What losses and metrics accept as an array: a tensor, or a view of one, of anything.

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>

#include <lookalike/core/tensor.hpp>

namespace lookalike::detail {

template <class Scalar>
constexpr tensor_view<const Scalar> view_of(const tensor_view<Scalar>& array) {
  return array;
}
template <class Scalar>
constexpr tensor_view<const Scalar> view_of(const tensor_view<const Scalar>& array) {
  return array;
}
template <class Scalar>
tensor_view<const Scalar> view_of(const tensor<Scalar>& array) {
  return array.view();
}

template <class Array>
concept tensor_like = requires(const Array& array) {
  detail::view_of(array);
};

template <tensor_like Array>
using scalar_of =
    std::remove_const_t<std::remove_pointer_t<decltype(detail::view_of(std::declval<const Array&>()).data)>>;

/// Arrays of numbers that a network computes with.
template <class Array>
concept real_tensor = tensor_like<Array> && std::is_floating_point_v<scalar_of<Array>>;

/// Arrays of the same numbers as `Like`.
template <class Array, class Like>
concept real_tensor_like = real_tensor<Array> && std::is_same_v<scalar_of<Array>, scalar_of<Like>>;

/// Arrays of class numbers.
template <class Array>
concept label_tensor =
    tensor_like<Array> && std::is_integral_v<scalar_of<Array>> && !std::is_same_v<scalar_of<Array>, bool>;

/// `array` repeated along every axis where its extent is 1, so that it has the extents `wanted`. Throws
/// `value_error` where an extent is neither 1 nor the wanted one.
template <class Scalar>
tensor_view<const Scalar> broadcast(std::string_view where, std::string_view what,
                                    tensor_view<const Scalar> array,
                                    const std::array<std::int64_t, 4>& wanted) {
  for (std::size_t axis = 0; axis < 4; ++axis) {
    if (array.extents[axis] == wanted[axis]) continue;
    require(array.extents[axis] == 1, where, ": given ", what, " of ", extents_text(array.extents),
            ", wanted ", extents_text(wanted), " (an extent may also be 1)");
    array.strides[axis] = 0;
  }
  array.extents = wanted;
  return array;
}

/// Throws `value_error`, naming the first number of `array` (in the order of its axes) for which `holds` is
/// false.
template <class Scalar, class Predicate>
void require_each(std::string_view where, std::string_view what, std::string_view wanted,
                  tensor_view<const Scalar> array, const Predicate& holds) {
  for (std::int64_t n = 0; n < array.batch(); ++n) {
    for (std::int64_t c = 0; c < array.channels(); ++c) {
      for (std::int64_t y = 0; y < array.height(); ++y) {
        const Scalar* row = array.data + n * array.strides[0] + c * array.strides[1] + y * array.strides[2];
        for (std::int64_t x = 0; x < array.width(); ++x) {
          const Scalar value = row[x * array.strides[3]];
          if (holds(value)) continue;
          require(false, where, ": given ", what, "(", n, ", ", c, ", ", y, ", ", x, ") = ", +value,
                  ", wanted ", wanted);
        }
      }
    }
  }
}

}  // namespace lookalike::detail

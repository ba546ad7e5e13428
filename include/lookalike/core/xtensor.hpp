#pragma once

/// \file
/// Pictures as xtensor sees them. This is the only header that includes xtensor; nothing else of the library
/// needs it.

#if __has_include(<xtensor/containers/xadapt.hpp>)  // xtensor 0.26 moved its headers
#include <xtensor/containers/xadapt.hpp>
#include <xtensor/containers/xtensor.hpp>
#include <xtensor/core/xnoalias.hpp>
#include <xtensor/core/xoperation.hpp>
#else
#include <xtensor/xadapt.hpp>
#include <xtensor/xnoalias.hpp>
#include <xtensor/xoperation.hpp>
#include <xtensor/xtensor.hpp>
#endif

#include <array>
#include <concepts>
#include <cstddef>
#include <limits>
#include <string>
#include <type_traits>

#include <lookalike/core/error.hpp>

namespace lookalike {

/// What this header asks of a picture: rows of pixels in one block of memory, the channels of a pixel side by
/// side. `image` is one.
template <class Picture>
concept pixel_grid = requires(Picture& picture) {
  typename std::remove_const_t<Picture>::value_type;
  { Picture::channels } -> std::convertible_to<int>;
  { picture.height() } -> std::convertible_to<int>;
  { picture.width() } -> std::convertible_to<int>;
  picture.data();
};

/// The picture as a tensor of shape (height, width, channels) that shares its memory: what is written to the
/// one appears in the other. The picture must outlive it and keep its extent.
template <pixel_grid Picture>
auto as_xtensor(Picture& picture) {
  const std::array<std::size_t, 3> shape{static_cast<std::size_t>(picture.height()),
                                         static_cast<std::size_t>(picture.width()),
                                         static_cast<std::size_t>(Picture::channels)};
  return xt::adapt(picture.data(), shape[0] * shape[1] * shape[2], xt::no_ownership(), shape);
}

/// A view of a temporary would outlive it.
template <pixel_grid Picture>
requires(!std::is_lvalue_reference_v<Picture>) void as_xtensor(Picture&& picture) = delete;

/// A picture out of an xtensor expression of shape (height, width, channels), or (height, width) for one
/// channel. Values are copied as they are: bytes to bytes, floating point to floating point.
/// Throws `value_error` for another shape.
template <pixel_grid Picture, class Derived>
Picture from_xtensor(const xt::xexpression<Derived>& expression) {
  using source = typename Derived::value_type;
  using target = typename Picture::value_type;
  static_assert(std::is_same_v<source, target> ||
                    (std::is_floating_point_v<source> && std::is_floating_point_v<target>),
                "from_xtensor: bytes and floats have different ranges; convert and scale first");
  const Derived& tensor = expression.derived_cast();
  const std::size_t dimensions = tensor.dimension();
  bool fits = dimensions == 3 || (dimensions == 2 && Picture::channels == 1);
  std::string given;
  for (std::size_t i = 0; i < dimensions; ++i) {
    given += (i == 0 ? "" : ", ") + std::to_string(tensor.shape()[i]);
    fits = fits && static_cast<std::size_t>(tensor.shape()[i]) <= std::numeric_limits<int>::max();
  }
  fits = fits && (dimensions != 3 || tensor.shape()[2] == static_cast<std::size_t>(Picture::channels));
  require(fits, "from_xtensor: given the shape (", given, "), wanted (height, width, ", Picture::channels,
          ")", Picture::channels == 1 ? " or (height, width)" : "");
  const std::array<std::size_t, 3> shape{static_cast<std::size_t>(tensor.shape()[0]),
                                         static_cast<std::size_t>(tensor.shape()[1]),
                                         static_cast<std::size_t>(Picture::channels)};
  Picture picture(static_cast<int>(shape[0]), static_cast<int>(shape[1]));
  auto view = as_xtensor(picture);
  if (dimensions == 3) {
    xt::noalias(view) = xt::cast<target>(tensor);
  } else {
    auto plane = xt::adapt(picture.data(), shape[0] * shape[1], xt::no_ownership(),
                           std::array<std::size_t, 2>{shape[0], shape[1]});
    xt::noalias(plane) = xt::cast<target>(tensor);
  }
  return picture;
}

}  // namespace lookalike

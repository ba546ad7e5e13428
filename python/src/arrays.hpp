#pragma once

// NumPy arrays, and whatever else shows its memory (buffer protocol, DLPack on the processor), to pictures
// and back. Inputs may have any strides and byte order and are never written to. A picture is copied once,
// into the float layout that everything computes in; float32 results go out without a copy, others are
// converted.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <variant>

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <lookalike/image/image.hpp>
#include <lookalike/image/mask.hpp>

namespace lookalike::python {

namespace py = pybind11;

/// The values of a picture in Python: 0-255, or 0-1.
enum class scalar { uint8, float32, float64 };

/// How a picture came, which is how results go back.
struct picture_form {
  scalar values = scalar::float32;
  int channels = 3;              ///< 1 or 3
  bool has_channel_axis = true;  ///< height x width x channels, otherwise height x width
};

/// Which floats are let in.
enum class value_range { unit, any };

/// A picture in Python's memory. Made and destroyed with the GIL held; read without.
class picture_view {
 public:
  /// Throws `value_error`, in the words of `where`, unless `object` is a picture: height x width, or height x
  /// width x 1 or 3, of uint8, float32 or float64.
  picture_view(const py::object& object, const char* where);

  int height() const { return height_; }
  int width() const { return width_; }
  const picture_form& form() const { return form_; }

  /// The picture as floats; bytes are divided by 255, gray becomes color where `Channels` is 3. Throws
  /// `value_error` for a float outside `range`.
  template <int Channels>
  image<Channels> to_image(value_range range = value_range::unit) const;

  /// The picture as bytes.
  template <int Channels>
  image<Channels, std::uint8_t> to_bytes() const;

  /// The picture with its own number of channels.
  std::variant<image<1>, image<3>> to_image_as_it_is(value_range range = value_range::unit) const;

  /// As color, with zeros where `hole` is not: what lies in a hole may be anything. Throws `value_error` when
  /// the extents differ, and for a known pixel outside [0, 1].
  template <int Channels>
  image<Channels> to_image_around(const mask& hole) const;

 private:
  template <class Value, int Channels>
  void load(image<Channels>& picture) const;

  py::array array_;  // keeps the memory
  std::string where_;
  const std::byte* data_ = nullptr;
  std::ptrdiff_t strides_[3] = {0, 0, 0};  // bytes between rows, pixels, channels
  int height_ = 0;
  int width_ = 0;
  picture_form form_;
};

/// A mask in Python's memory. Made and destroyed with the GIL held; read without.
class mask_view {
 public:
  /// Throws `value_error`, in the words of `where`, unless `object` is height x width (x 1) of bool or
  /// integers.
  mask_view(const py::object& object, const char* where);
  /// 1 where a value is not zero.
  mask to_mask() const;

 private:
  py::array array_;
  const std::byte* data_ = nullptr;
  std::ptrdiff_t strides_[2] = {0, 0};
  int height_ = 0;
  int width_ = 0;
  int value_size_ = 1;
};

/// Photograph and mask as they come from Python. Throws `value_error` as `require_fillable` does, and for
/// known pixels outside [0, 1]; missing ones become 0.
masked_image to_masked_image(const picture_view& photo, const mask_view& hole, const char* where);

/// Hands memory over to NumPy, without a copy.
template <class Value, int Channels>
py::array give_away(image<Channels, Value>&& picture, bool has_channel_axis = true) {
  auto kept = std::make_unique<image<Channels, Value>>(std::move(picture));
  std::vector<py::ssize_t> shape{kept->height(), kept->width()};
  if (has_channel_axis) shape.push_back(Channels);
  Value* data = kept->data();
  py::capsule owner(kept.get(), [](void* owned) { delete static_cast<image<Channels, Value>*>(owned); });
  kept.release();
  return py::array_t<Value>(std::move(shape), data, owner);
}

/// A picture as an array of the given form; a color picture becomes gray where the form has one channel.
/// Takes the GIL as held, and gives it up while it converts.
py::array to_array(std::variant<image<1>, image<3>> picture, const picture_form& form);

/// A mask as a bool array of height x width.
py::array_t<bool> to_array(const mask& hole);

/// "uint8", "float32" or "float64", or a NumPy type of that name. Throws `value_error`.
scalar scalar_named(const py::object& dtype, const char* where);

}  // namespace lookalike::python

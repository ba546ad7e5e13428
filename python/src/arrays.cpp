#include "arrays.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <optional>
#include <type_traits>
#include <vector>

#include <lookalike/image/color.hpp>

namespace lookalike::python {

namespace {

constexpr int dlpack_cpu = 1;

std::string type_name(const py::handle& object) {
  return py::str(py::type::of(object).attr("__name__")).cast<std::string>();
}

/// A NumPy array on the object's memory, where it can show it; otherwise of its values.
py::array as_array(const py::object& object, const char* where, const char* what) {
  if (py::isinstance<py::array>(object)) return object.cast<py::array>();
  const py::module_ numpy = py::module_::import("numpy");
  try {
    if (py::hasattr(object, "__dlpack__") && py::hasattr(object, "__dlpack_device__")) {
      const auto device = object.attr("__dlpack_device__")().cast<py::tuple>();
      const int kind = py::int_(device[0]).cast<int>();
      require(kind == dlpack_cpu, where, ": given ", what, " in the memory of device kind ", kind,
              " (DLPack), wanted it in main memory");
      return numpy.attr("from_dlpack")(object).cast<py::array>();
    }
    return numpy.attr("asarray")(object).cast<py::array>();
  } catch (const py::error_already_set& failure) {
    // Interruptions and exhausted memory are nobody's bad input.
    if (failure.matches(PyExc_KeyboardInterrupt) || failure.matches(PyExc_MemoryError)) throw;
    throw value_error(sentence(where, ": given ", type_name(object), ", wanted ", what, " as an array (",
                               failure.what(), ")"));
  }
}

py::array in_native_order(const py::array& array) {
  const char order = array.dtype().byteorder();
  if (order != '<' && order != '>') return array;  // the machine's own, or single bytes
  if (array.dtype().attr("isnative").cast<bool>()) return array;
  return array.attr("astype")(array.dtype().attr("newbyteorder")("=")).cast<py::array>();
}

std::string shape_text(const py::array& array) {
  std::string text = "(";
  for (py::ssize_t axis = 0; axis < array.ndim(); ++axis) {
    text += (axis == 0 ? "" : ", ") + std::to_string(array.shape(axis));
  }
  return text + (array.ndim() == 1 ? ",)" : ")");
}

std::string dtype_text(const py::array& array) {
  return py::str(array.dtype()).cast<std::string>();
}

int extent(const py::array& array, int axis, const char* where) {
  require(array.shape(axis) <= std::numeric_limits<int>::max(), where, ": given an array of shape ",
          shape_text(array), ", wanted extents below 2^31");
  return static_cast<int>(array.shape(axis));
}

std::optional<scalar> scalar_of(const py::dtype& type) {
  if (type.kind() == 'u' && type.itemsize() == 1) return scalar::uint8;
  if (type.kind() == 'f' && type.itemsize() == 4) return scalar::float32;
  if (type.kind() == 'f' && type.itemsize() == 8) return scalar::float64;
  return std::nullopt;
}

template <class Value>
float to_unit(Value value) {
  if constexpr (std::is_same_v<Value, std::uint8_t>) {
    return static_cast<float>(value) * (1.0f / 255.0f);
  } else {
    return static_cast<float>(value);
  }
}

template <class Value>
Value read_value(const std::byte* from) {
  Value value;  // arrays need not be aligned
  std::memcpy(&value, from, sizeof value);
  return value;
}

bool in_unit_range(float value) {
  return value >= 0.0f && value <= 1.0f;
}  // false for NaN

[[noreturn]] void throw_outside(const std::string& where, float value) {
  throw value_error(
      sentence(where, ": given a value of ", value, ", wanted floats from 0 to 1 (or uint8 from 0 to 255)"));
}

template <class Value, int Channels>
py::array converted(const image<Channels>& picture, bool has_channel_axis) {
  std::vector<py::ssize_t> shape{picture.height(), picture.width()};
  if (has_channel_axis) shape.push_back(Channels);
  py::array_t<Value> result(std::move(shape));
  Value* to = result.mutable_data();
  {
    const py::gil_scoped_release released;
    const auto values = picture.values();
    for (std::size_t i = 0; i < values.size(); ++i) to[i] = static_cast<Value>(values[i]);
  }
  return result;
}

template <int Channels>
py::array to_array_of(image<Channels>&& picture, const picture_form& form) {
  switch (form.values) {
    case scalar::float32:
      return give_away(std::move(picture), form.has_channel_axis);
    case scalar::float64:
      return converted<double>(picture, form.has_channel_axis);
    case scalar::uint8:
      break;
  }
  image<Channels, std::uint8_t> bytes;
  {
    const py::gil_scoped_release released;
    bytes = lookalike::to_bytes(picture);
  }
  return give_away(std::move(bytes), form.has_channel_axis);
}

}  // namespace

picture_view::picture_view(const py::object& object, const char* where)
    : array_(as_array(object, where, "a picture")), where_(where) {
  const py::ssize_t axes = array_.ndim();
  require(axes == 2 || (axes == 3 && (array_.shape(2) == 1 || array_.shape(2) == 3)), where,
          ": given an array of shape ", shape_text(array_),
          ", wanted a picture of (height, width), (height, width, 1) or (height, width, 3)");
  const std::optional<scalar> values = scalar_of(array_.dtype());
  require(values.has_value(), where, ": given a picture of ", dtype_text(array_),
          ", wanted uint8 (0 to 255), float32 or float64 (0 to 1)");
  array_ = in_native_order(array_);
  height_ = extent(array_, 0, where);
  width_ = extent(array_, 1, where);
  require(height_ > 0 && width_ > 0, where, ": given a picture of shape ", shape_text(array_),
          ", wanted at least one pixel");
  form_ = {*values, axes == 3 ? static_cast<int>(array_.shape(2)) : 1, axes == 3};
  data_ = static_cast<const std::byte*>(array_.data());
  for (int axis = 0; axis < axes; ++axis) strides_[axis] = array_.strides(axis);
}

template <class Value, int Channels>
void picture_view::load(image<Channels>& picture) const {
  // Gray read as color: the same value three times.
  const std::ptrdiff_t between_channels = form_.channels == Channels ? strides_[2] : 0;
  const bool dense = form_.channels == Channels &&
                     strides_[1] == Channels * static_cast<int>(sizeof(Value)) &&
                     (Channels == 1 || between_channels == static_cast<int>(sizeof(Value)));
  for (int y = 0; y < height_; ++y) {
    const std::byte* from = data_ + y * strides_[0];
    float* to = picture.row(y).data();
    if (dense) {
      const auto count = static_cast<std::size_t>(width_) * Channels;
      for (std::size_t i = 0; i < count; ++i) to[i] = to_unit(read_value<Value>(from + i * sizeof(Value)));
      continue;
    }
    for (int x = 0; x < width_; ++x) {
      for (int c = 0; c < Channels; ++c) {
        *to++ = to_unit(read_value<Value>(from + x * strides_[1] + c * between_channels));
      }
    }
  }
}

template <int Channels>
image<Channels> picture_view::to_image(value_range range) const {
  require(form_.channels <= Channels, where_, ": given a picture with ", form_.channels, " channels, wanted ",
          Channels);
  image<Channels> picture(height_, width_);
  switch (form_.values) {
    case scalar::uint8:
      load<std::uint8_t>(picture);
      return picture;
    case scalar::float32:
      load<float>(picture);
      break;
    case scalar::float64:
      load<double>(picture);
      break;
  }
  if (range == value_range::unit) {
    for (float value : picture.values()) {
      if (!in_unit_range(value)) throw_outside(where_, value);
    }
  }
  return picture;
}

template <int Channels>
image<Channels, std::uint8_t> picture_view::to_bytes() const {
  return lookalike::to_bytes(to_image<Channels>());  // n / 255 * 255 rounds back to n
}

std::variant<image<1>, image<3>> picture_view::to_image_as_it_is(value_range range) const {
  if (form_.channels == 1) return to_image<1>(range);
  return to_image<3>(range);
}

template <int Channels>
image<Channels> picture_view::to_image_around(const mask& hole) const {
  require(hole.height() == height_ && hole.width() == width_, where_, ": given a mask of ", hole.height(),
          "x", hole.width(), " (height x width), wanted the picture's ", height_, "x", width_);
  image<Channels> picture = to_image<Channels>(value_range::any);
  for (std::size_t i = 0; i < hole.values().size(); ++i) {
    for (std::size_t c = 0; c < Channels; ++c) {
      float& value = picture.values()[i * Channels + c];
      if (hole.values()[i] != 0) {
        value = 0.0f;
      } else if (!in_unit_range(value)) {
        throw_outside(where_, value);
      }
    }
  }
  return picture;
}

template image<1> picture_view::to_image<1>(value_range) const;
template image<3> picture_view::to_image<3>(value_range) const;
template image<1, std::uint8_t> picture_view::to_bytes<1>() const;
template image<3, std::uint8_t> picture_view::to_bytes<3>() const;
template image<1> picture_view::to_image_around<1>(const mask&) const;
template image<3> picture_view::to_image_around<3>(const mask&) const;

mask_view::mask_view(const py::object& object, const char* where)
    : array_(as_array(object, where, "a mask")) {
  const char kind = array_.dtype().kind();
  require(array_.ndim() == 2 || (array_.ndim() == 3 && array_.shape(2) == 1), where,
          ": given a mask of shape ", shape_text(array_), ", wanted (height, width)");
  require(kind == 'b' || kind == 'u' || kind == 'i', where, ": given a mask of ", dtype_text(array_),
          ", wanted bool or integers (non-zero = missing)");
  height_ = extent(array_, 0, where);
  width_ = extent(array_, 1, where);
  value_size_ = static_cast<int>(array_.itemsize());
  data_ = static_cast<const std::byte*>(array_.data());
  strides_[0] = array_.strides(0);
  strides_[1] = array_.strides(1);
}

mask mask_view::to_mask() const {
  mask hole(height_, width_);
  for (int y = 0; y < height_; ++y) {
    for (int x = 0; x < width_; ++x) {
      const std::byte* value = data_ + y * strides_[0] + x * strides_[1];
      hole(y, x) =
          std::any_of(value, value + value_size_, [](std::byte part) { return part != std::byte{0}; });
    }
  }
  return hole;
}

masked_image to_masked_image(const picture_view& photo, const mask_view& hole, const char* where) {
  masked_image query{{}, hole.to_mask()};
  query.picture = photo.to_image_around<3>(query.hole);
  require_fillable(query.picture, query.hole, where);
  return query;
}

py::array to_array(std::variant<image<1>, image<3>> picture, const picture_form& form) {
  if (form.channels == 1 && std::holds_alternative<image<3>>(picture)) {
    const py::gil_scoped_release released;
    picture = rgb_to_gray(std::get<image<3>>(picture));
  }
  return std::visit([&](auto& pixels) { return to_array_of(std::move(pixels), form); }, picture);
}

py::array_t<bool> to_array(const mask& hole) {
  py::array_t<bool> result({hole.height(), hole.width()});
  std::transform(hole.values().begin(), hole.values().end(), result.mutable_data(),
                 [](std::uint8_t value) { return value != 0; });
  return result;
}

scalar scalar_named(const py::object& dtype, const char* where) {
  const std::optional<scalar> found = scalar_of(py::dtype::from_args(dtype));
  require(found.has_value(), where, ": given the type ", py::str(dtype).cast<std::string>(),
          ", wanted uint8, float32 or float64");
  return *found;
}

}  // namespace lookalike::python

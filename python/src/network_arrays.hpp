#pragma once

// NumPy's arrays of (batch, channels, height, width) as the library's views, and back.

#include <cstddef>
#include <cstdint>
#include <utility>

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <lookalike/core/tensor.hpp>

namespace lookalike::python {

namespace py = pybind11;

/// An array of 2 or 4 axes where it lies; (batch, channels) has height and width 1. Throws `value_error` for
/// another number of axes. Strides are whole numbers of items (lookalike/_arrays.py sees to it).
template <class Value>
tensor_view<const Value> view_of(const py::array_t<Value>& array, const char* where) {
  require(array.ndim() == 2 || array.ndim() == 4, where, ": given an array of ", array.ndim(),
          " axes, wanted 4 (batch, channels, height, width) or 2 (batch, channels)");
  tensor_view<const Value> view;
  view.data = array.data();
  for (std::size_t axis = 0; axis < 4; ++axis) {
    const auto a = static_cast<py::ssize_t>(axis);
    const bool there = a < array.ndim();
    view.extents[axis] = there ? array.shape(a) : 1;
    view.strides[axis] = there ? array.strides(a) / static_cast<py::ssize_t>(sizeof(Value)) : 0;
  }
  return view;
}

/// A copy in NumPy's order.
template <class Value>
py::array_t<Value> to_array(const tensor_view<const Value>& view) {
  py::array_t<Value> array({view.extents[0], view.extents[1], view.extents[2], view.extents[3]});
  Value* to = array.mutable_data();
  const py::gil_scoped_release released;
  for (std::int64_t n = 0; n < view.batch(); ++n)
    for (std::int64_t c = 0; c < view.channels(); ++c)
      for (std::int64_t y = 0; y < view.height(); ++y)
        for (std::int64_t x = 0; x < view.width(); ++x) *to++ = view(n, c, y, x);
  return array;
}

/// An array that takes a tensor's numbers over.
template <class Value>
py::array_t<Value> give_away(tensor<Value>&& numbers) {
  auto* const kept = new tensor<Value>(std::move(numbers));
  const py::capsule owner(kept, [](void* p) { delete static_cast<tensor<Value>*>(p); });
  const auto& e = kept->extents();
  return py::array_t<Value>({e[0], e[1], e[2], e[3]}, kept->data(), owner);
}

}  // namespace lookalike::python

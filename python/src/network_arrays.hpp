#pragma once

// NumPy's arrays of (batch, channels, height, width) as the library's views, and back.

#include <cstddef>
#include <cstdint>
#include <utility>

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <lookalike/core/tensor.hpp>
#include <lookalike/simd/layout.hpp>

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

/// A copy in NumPy's order of a map.
template <class Value>
py::array_t<Value> to_array(const simd::feature_map<const Value>& map) {
  py::array_t<Value> array({map.batch, map.channels, map.height, map.width});
  const auto to =
      tensor_view<Value>::contiguous(array.mutable_data(), map.batch, map.channels, map.height, map.width);
  const py::gil_scoped_release released;
  simd::copy(map, to);
  return array;
}

/// The same of what a pass shows: a map in another form.
template <class Value>
py::array_t<Value> to_array(const tensor_view<const Value>& view) {
  return to_array(simd::feature_map<const Value>{
      view.data, static_cast<int>(view.batch()), static_cast<int>(view.height()),
      static_cast<int>(view.width()), static_cast<int>(view.channels()), view.strides[3]});
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

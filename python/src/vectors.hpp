#pragma once

/// \file
/// Arrays of vectors between Python and C++.

#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <lookalike/core/error.hpp>
#include <lookalike/retrieve/vector_view.hpp>

namespace lookalike::python {

/// Rows of an array where they lie. lookalike/nearest.py has made it one of two axes without gaps.
inline vector_view view_of(const pybind11::array& array, const char* where) {
  require(array.ndim() == 2 && (array.flags() & pybind11::array::c_style) != 0, where,
          ": given an array with gaps, or of other than 2 axes");
  const char kind = array.dtype().kind();
  const auto size = array.itemsize();
  const auto type = kind == 'f' && size == 4   ? element::float32
                    : kind == 'f' && size == 2 ? element::float16
                                               : element::uint8;
  require(size_of(type) == static_cast<std::size_t>(size) && (kind == 'f' || kind == 'u'), where,
          ": given an array of another type, wanted float32, float16 or uint8");
  return {array.data(), type, array.shape(0), array.shape(1)};
}

/// Keeps a Python object alive; let go of on any thread.
inline std::shared_ptr<const void> keeper_of(const pybind11::object& object) {
  Py_INCREF(object.ptr());
  return {object.ptr(), [](const void* kept) {
            const pybind11::gil_scoped_acquire held;
            Py_DECREF(static_cast<PyObject*>(const_cast<void*>(kept)));
          }};
}

/// An array on the memory of a container of `Value`.
template <class Value, class Container>
pybind11::array_t<Value> give_away(Container&& values, std::vector<pybind11::ssize_t> shape) {
  auto* const kept = new Container(std::move(values));
  const pybind11::capsule owner(kept, [](void* p) { delete static_cast<Container*>(p); });
  return pybind11::array_t<Value>(std::move(shape), kept->data(), owner);
}

}  // namespace lookalike::python

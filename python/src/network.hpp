#pragma once

// What networks.cpp, losses.cpp and optimizers.cpp share: arrays as the library's views, and a network with
// the block that its gradients are added to.

#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <utility>

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <lookalike/nn/dynamic_model.hpp>

#include "recipe.hpp"

namespace lookalike::python {

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

/// A network, the layers that it calls back, and the block that gradients are added to.
template <class Scalar>
struct network_state {
  recipe source;
  dynamic_model<Scalar> net;
  aligned_vector<Scalar> gradients;
  std::recursive_mutex adding;  ///< held by who adds to `gradients`

  network_state(recipe r, int height, int width, std::uint64_t seed)
      : source(std::move(r)), net(source.value, height, width), gradients(net.make_gradients()) {
    initialize(seed);
  }

  /// Draws all parameters anew; those of Python layers that gave a value get it.
  void initialize(std::uint64_t seed) {
    net.initialize(seed);
    const auto& program = net.program();
    const auto table = net.parameters();
    for (std::size_t row = 0; row < table.size(); ++row) {
      const detail::parameter_slot& slot = program.slots[row];
      const python_layer* own = python_layer::of(program.graph.at(slot.node).context);
      if (own == nullptr) continue;
      const py::object initial = own->initial(slot.declared.name);
      if (initial.is_none()) continue;
      const auto values = py::cast<py::array_t<Scalar, py::array::c_style | py::array::forcecast>>(initial);
      const std::span<Scalar> to = net.values(table[row].name);
      require(static_cast<std::size_t>(values.size()) == to.size(), table[row].name, ": given ",
              values.size(), " numbers to begin with, wanted ", to.size());
      std::copy_n(values.data(), to.size(), to.begin());
    }
  }

  pass<Scalar> run(std::span<const named_tensor<Scalar>> inputs, const forward_options& options) {
    // Only training writes to the network (running averages).
    if (options.training) return net.forward(inputs, options);
    return std::as_const(net).forward(inputs, options);
  }
};

template <class Scalar>
using network_handle = std::shared_ptr<network_state<Scalar>>;

}  // namespace lookalike::python

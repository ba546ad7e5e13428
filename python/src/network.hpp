#pragma once

// What networks.cpp, losses.cpp and optimizers.cpp share: arrays as the library's views, and a network with
// the block that its gradients are added to.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <utility>

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <lookalike/nn/dynamic_model.hpp>

#include "network_arrays.hpp"
#include "recipe.hpp"

namespace lookalike::python {

/// A network, the layers that it calls back, and the block that gradients are added to.
template <class Scalar>
struct network_state {
  recipe source;
  dynamic_model<Scalar> net;
  std::recursive_mutex adding;  ///< held by who adds to `gradients()`

  network_state(recipe r, int height, int width, std::uint64_t seed)
      : source(std::move(r)), net(source.value, height, width) {
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

  /// The block that gradients are added to: zeros at first. There is none before somebody asks, so that
  /// inference does without.
  std::span<Scalar> gradients() {
    std::call_once(has_gradients_, [&] { gradients_ = net.make_gradients(); });
    return gradients_;
  }

  pass<Scalar> run(std::span<const named_tensor<Scalar>> inputs, const forward_options& options) {
    // Only training writes to the network (running averages).
    if (options.training) return net.forward(inputs, options);
    return std::as_const(net).forward(inputs, options);
  }

 private:
  std::once_flag has_gradients_;
  aligned_vector<Scalar> gradients_;
};

template <class Scalar>
using network_handle = std::shared_ptr<network_state<Scalar>>;

}  // namespace lookalike::python

#pragma once

// An architecture as Python holds it: the value, and the layers written in Python that occur in it.

#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <pybind11/pybind11.h>

#include <lookalike/nn/architecture.hpp>

namespace lookalike::python {

namespace py = pybind11;

/// A layer written in Python (lookalike/layer.py): rules made at run time, whose functions call the object's
/// methods. Whoever has an architecture with such a node keeps this alive, by a shared pointer.
///
/// Methods are called with the GIL, from whatever thread the network runs on. What they raise leaves the
/// network as it is.
class python_layer {
 public:
  explicit python_layer(py::object object);
  python_layer(const python_layer&) = delete;
  python_layer& operator=(const python_layer&) = delete;

  const py::object& object() const { return object_; }
  const layer_rules& rules() const { return rules_; }
  /// The object's options as numbers, in the order of the rules' names.
  std::vector<double> numbers() const;
  /// The value that the parameter `name` has before anything is learned, where the object gave one.
  py::object initial(std::string_view name) const;

  /// The layer of a node that has one, or null. Nodes of built-in layers have no context.
  static const python_layer* of(const void* context) { return static_cast<const python_layer*>(context); }

 private:
  template <class Scalar>
  static void forward(const layer_rules::instance& self, const forward_call<Scalar>& call);
  template <class Scalar>
  static void backward(const layer_rules::instance& self, const backward_call<Scalar>& call);
  static shape infer_shape(const layer_rules::instance& self, std::span<const shape> inputs, diagnosis&);
  static void declare(const layer_rules::instance& self, std::span<const shape> inputs, parameter_list& list);
  std::string_view kept_name(const std::string& name) const;

  struct parameter_row {
    std::string name;
    std::vector<std::int64_t> dimensions;  // 1 to 4
    py::object initial;                    // an array or None
  };
  std::vector<parameter_row> parameter_rows(const py::tuple& shapes) const;
  template <class Scalar>
  py::dict parameter_arrays(std::span<const feature_map<const Scalar>> inputs,
                            std::span<const Scalar* const> values) const;

  py::object object_;
  std::string kind_;
  std::vector<std::string> option_names_;
  std::vector<std::string_view> option_views_;
  layer_rules rules_;
  mutable std::deque<std::string> parameter_names_;  // declared parameters refer to them
  mutable py::dict initial_;
};

using layer_list = std::vector<std::shared_ptr<const python_layer>>;

/// An architecture, and the Python layers in it.
struct recipe {
  architecture value;
  layer_list layers;
};

/// The layers of `a`, then those of `b` that are not among them.
layer_list joined(layer_list a, const layer_list& b);

/// The layer of a Python object: one of `layers`, or a new one that is added to them.
const python_layer& adopt(const py::object& object, layer_list& layers);

// architectures.cpp is the one place where the kernels of the library's layers are compiled. Others ask it:

/// The rules of a kind of layer that the library has, or null.
const layer_rules* find_known_rules(std::string_view kind);

/// What is written in a file, and what it describes. `makers` gives for kinds of layers written in Python
/// what makes them of their options.
std::string to_text(const recipe& r);
recipe from_text(const std::string& text, const py::dict& makers);

}  // namespace lookalike::python

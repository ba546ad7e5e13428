// Layers written in Python: the interface of nn/layer.hpp on one side, the methods of lookalike.Layer on the
// other. lookalike/layer.py knows what the methods look like; here they are called.

#include <algorithm>
#include <cstddef>
#include <optional>
#include <utility>

#include <pybind11/numpy.h>
#include <pybind11/stl.h>

#include <lookalike/core/error.hpp>

#include "network_arrays.hpp"
#include "recipe.hpp"

namespace lookalike::python {

namespace {

py::object extent_to_python(int extent) {
  return extent == dynamic ? py::object(py::none()) : py::object(py::int_(extent));
}
int extent_from_python(const py::handle& extent) {
  return extent.is_none() ? dynamic : extent.cast<int>();
}

py::tuple to_python(const shape& s) {
  return py::make_tuple(extent_to_python(s.channels), extent_to_python(s.height), extent_to_python(s.width));
}

py::tuple to_python(std::span<const shape> shapes) {
  py::tuple all(shapes.size());
  for (std::size_t i = 0; i < shapes.size(); ++i) all[i] = to_python(shapes[i]);
  return all;
}

template <class Scalar>
py::tuple to_arrays(std::span<const feature_map<const Scalar>> maps) {
  py::tuple arrays(maps.size());
  for (std::size_t i = 0; i < maps.size(); ++i) arrays[i] = to_array(maps[i]);
  return arrays;
}

template <class Scalar>
using any_array = py::array_t<Scalar, py::array::forcecast | py::array::c_style>;

std::string shape_of(const py::array& array) {
  return py::str(array.attr("shape")).cast<std::string>();
}

/// Writes or adds what Python returned.
template <class Scalar>
void from_array(const py::handle& object, const feature_map<Scalar>& map, const std::string& where,
                bool add) {
  const auto array = py::cast<any_array<Scalar>>(object);
  require(array.ndim() == 4 && array.shape(0) == map.batch && array.shape(1) == map.channels &&
              array.shape(2) == map.height && array.shape(3) == map.width,
          where, " of ", shape_of(array), ", wanted (", map.batch, ", ", map.channels, ", ", map.height, ", ",
          map.width, ")");
  simd::copy(view_of<Scalar>(array, "Layer"), map, add);
}

}  // namespace

python_layer::python_layer(py::object object) : object_(std::move(object)) {
  kind_ = object_.attr("kind").cast<std::string>();
  require(!kind_.empty(), "Layer: given an empty kind, wanted a name for this kind of layer");
  require(find_known_rules(kind_) == nullptr, "Layer: given the kind '", kind_,
          "', which the library has; wanted another (kind = \"...\" in the class)");
  for (const py::handle& name : object_.attr("options")) option_names_.push_back(name.cast<std::string>());
  for (const std::string& name : option_names_) option_views_.emplace_back(name);
  rules_.kind = kind_;
  rules_.inputs = object_.attr("_input_count")().cast<int>();
  rules_.attribute_names = option_views_;
  rules_.backward_reads_output = object_.attr("_reads_output")().cast<bool>();
  rules_.has_backward = object_.attr("_has_backward")().cast<bool>();
  rules_.context = this;
  rules_.infer_shape = &python_layer::infer_shape;
  rules_.parameters = &python_layer::declare;
  rules_.multiply_adds = [](const layer_rules::instance&, std::span<const shape>,
                            const shape&) -> std::int64_t { return 0; };
  // What such a layer looks at is not known; anything may be.
  rules_.window = [](const layer_rules::instance&) { return layer_window{.everything = true}; };
  rules_.fused_activation = [](const layer_rules::instance&) { return simd::activation_options{}; };
  const auto nothing = [](const layer_rules::instance&, const run_extents&) -> std::int64_t { return 0; };
  rules_.scratch_size_float = nothing;
  rules_.scratch_size_double = nothing;
  rules_.saved_size = nothing;
  rules_.forward_float = &python_layer::forward<float>;
  rules_.forward_double = &python_layer::forward<double>;
  if (rules_.has_backward) {
    rules_.backward_float = &python_layer::backward<float>;
    rules_.backward_double = &python_layer::backward<double>;
  }
}

std::vector<double> python_layer::numbers() const {
  std::vector<double> numbers;
  for (const std::string& name : option_names_) numbers.push_back(object_.attr(name.c_str()).cast<double>());
  return numbers;
}

py::object python_layer::initial(std::string_view name) const {
  const py::str key{std::string(name)};
  return initial_.contains(key) ? py::object(initial_[key]) : py::object(py::none());
}

std::string_view python_layer::kept_name(const std::string& name) const {
  for (const std::string& known : parameter_names_) {
    if (known == name) return known;
  }
  return parameter_names_.emplace_back(name);
}

shape python_layer::infer_shape(const layer_rules::instance& self, std::span<const shape> inputs,
                                diagnosis&) {
  const python_layer& layer = *of(self.context);
  const py::gil_scoped_acquire held;
  const py::object result = layer.object_.attr("_infer_shape")(to_python(inputs));
  const auto extents = result.cast<py::tuple>();
  return {extent_from_python(extents[0]), extent_from_python(extents[1]), extent_from_python(extents[2])};
}

void python_layer::declare(const layer_rules::instance& self, std::span<const shape> inputs,
                           parameter_list& list) {
  const python_layer& layer = *of(self.context);
  const py::gil_scoped_acquire held;
  for (const parameter_row& row : layer.parameter_rows(to_python(inputs))) {
    require(list.size() < parameter_list::capacity, layer.kind_, ": given more than ",
            parameter_list::capacity, " parameters");
    const std::string_view name = layer.kept_name(row.name);
    const std::vector<std::int64_t>& d = row.dimensions;
    switch (d.size()) {
      case 1:
        list.add(name, {d[0]}, {});
        break;
      case 2:
        list.add(name, {d[0], d[1]}, {});
        break;
      case 3:
        list.add(name, {d[0], d[1], d[2]}, {});
        break;
      default:
        list.add(name, {d[0], d[1], d[2], d[3]}, {});
    }
    if (!row.initial.is_none()) layer.initial_[py::str(row.name)] = row.initial;
  }
}

std::vector<python_layer::parameter_row> python_layer::parameter_rows(const py::tuple& shapes) const {
  std::vector<parameter_row> rows;
  for (const py::handle& row : object_.attr("_parameter_rows")(shapes)) {
    const auto parts = row.cast<py::tuple>();
    rows.push_back({parts[0].cast<std::string>(), parts[1].cast<std::vector<std::int64_t>>(), parts[2]});
  }
  return rows;
}

template <class Scalar>
py::dict python_layer::parameter_arrays(std::span<const feature_map<const Scalar>> inputs,
                                        std::span<const Scalar* const> values) const {
  py::dict arrays;
  if (values.empty()) return arrays;
  std::vector<shape> shapes;
  for (const auto& map : inputs) shapes.push_back({map.channels, map.height, map.width});
  const std::vector<parameter_row> rows = parameter_rows(to_python(shapes));
  require(rows.size() == values.size(), kind_, ": declares ", rows.size(), " parameters where it declared ",
          values.size(), " when the network was made");
  for (std::size_t i = 0; i < rows.size(); ++i)
    arrays[py::str(rows[i].name)] = py::array_t<Scalar>(rows[i].dimensions, values[i]);  // a copy
  return arrays;
}

template <class Scalar>
void python_layer::forward(const layer_rules::instance& self, const forward_call<Scalar>& call) {
  const python_layer& layer = *of(self.context);
  const py::gil_scoped_acquire held;
  const py::object result = layer.object_.attr("_run_forward")(
      to_arrays(call.inputs), layer.parameter_arrays(call.inputs, call.parameters), call.training, call.seed);
  from_array<Scalar>(result, call.output, layer.kind_ + ": forward returned an array", false);
}

template <class Scalar>
void python_layer::backward(const layer_rules::instance& self, const backward_call<Scalar>& call) {
  const python_layer& layer = *of(self.context);
  const py::gil_scoped_acquire held;
  const py::dict parameters = layer.parameter_arrays(call.inputs, call.parameters);
  const py::object output =
      layer.rules_.backward_reads_output ? py::object(to_array(call.output)) : py::object(py::none());
  const auto result = layer.object_
                          .attr("_run_backward")(to_array(call.output_gradient), to_arrays(call.inputs),
                                                 output, parameters, call.training, call.seed)
                          .template cast<py::tuple>();
  const auto inputs = result[0].template cast<py::tuple>();
  for (std::size_t i = 0; i < call.inputs.size(); ++i) {
    if (!call.wants_input_gradient(i) || inputs[i].is_none()) continue;
    from_array<Scalar>(inputs[i], call.input_gradients[i], layer.kind_ + ": backward returned a gradient",
                       true);
  }
  const auto gradients = result[1].template cast<py::dict>();
  std::size_t i = 0;
  for (const auto& [name, values] : parameters) {  // in the order in which they were declared
    Scalar* const to = call.parameter_gradients[i++];
    if (to == nullptr || !gradients.contains(name)) continue;
    const auto wanted = values.template cast<py::array>();
    const auto given =
        py::cast<py::array_t<Scalar, py::array::forcecast | py::array::c_style>>(gradients[name]);
    require(given.attr("shape").equal(wanted.attr("shape")), layer.kind_,
            ": backward returned a gradient of ", shape_of(given), " for '", py::cast<std::string>(name),
            "', wanted ", shape_of(wanted));
    const Scalar* const from = given.data();
    for (py::ssize_t k = 0; k < given.size(); ++k) to[k] += from[k];
  }
}

}  // namespace lookalike::python

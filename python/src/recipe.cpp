// The architecture class: combination, comparison, and the parts that Python shows, saves and rebuilds.

#include "recipe.hpp"

#include <algorithm>
#include <cmath>
#include <optional>
#include <tuple>
#include <utility>

#include <pybind11/stl.h>

#include <lookalike/core/error.hpp>
#include <lookalike/nn/combinators.hpp>

#include "bindings.hpp"

namespace lookalike::python {

using py::literals::operator""_a;

layer_list joined(layer_list a, const layer_list& b) {
  for (const auto& layer : b) {
    if (std::find(a.begin(), a.end(), layer) == a.end()) a.push_back(layer);
  }
  return a;
}

const python_layer& adopt(const py::object& object, layer_list& layers) {
  for (const auto& layer : layers) {
    if (layer->object().is(object)) return *layer;
  }
  layers.push_back(std::make_shared<python_layer>(object));
  return *layers.back();
}

namespace {

// ---- from parts, and back ----

py::list list_of(std::span<const int> numbers) {
  py::list list;
  for (int number : numbers) list.append(number);
  return list;
}

/// {"nodes": [...], "scopes": [...], "exposed": [...], "exits": [...]}: plain values, but for Python layers.
py::dict to_parts(const recipe& r) {
  const architecture_view a(r.value);
  py::list nodes, scopes, exposed;
  for (int i = 0; i < a.size(); ++i) {
    const node& n = a.at(i);
    const layer_rules::instance instance = a.instance(i);
    py::dict options;
    for (std::size_t k = 0; k < n.rules->attribute_names.size(); ++k)
      options[py::str(std::string(n.rules->attribute_names[k]))] = instance.attributes[k];
    const python_layer* own = python_layer::of(n.rules->context);
    nodes.append(py::dict("kind"_a = std::string(n.rules->kind), "options"_a = options,
                          "inputs"_a = list_of(a.inputs(i)), "text"_a = std::string(a.text(n.text)),
                          "scope"_a = n.scope,
                          "layer"_a = own == nullptr ? py::object(py::none()) : own->object()));
  }
  for (const name_scope& s : a.scopes)
    scopes.append(py::dict("name"_a = std::string(a.text(s.name)), "parent"_a = s.parent,
                           "shared"_a = s.shared, "exits"_a = list_of(a.range(s.exits))));
  for (const exposed_name& e : a.exposed)
    exposed.append(py::dict("name"_a = std::string(a.text(e.name)), "scope"_a = e.scope));
  return py::dict("nodes"_a = nodes, "scopes"_a = scopes, "exposed"_a = exposed,
                  "exits"_a = list_of(a.exits));
}

/// What `to_parts` gave: the way of pickles, which carry Python layers as objects.
class parts_reader {
 public:
  recipe read(const py::dict& parts) {
    for (const py::handle& s : parts["scopes"]) add_scope(s.cast<py::dict>());
    for (const py::handle& n : parts["nodes"]) add_node(n.cast<py::dict>());
    for (const py::handle& e : parts["exposed"]) {
      const auto part = e.cast<py::dict>();
      result_.value.exposed.push_back({text(part["name"]), part["scope"].cast<int>()});
    }
    result_.value.exits = {};
    for (int exit : parts["exits"].cast<std::vector<int>>()) result_.value.exits.push_back(exit);
    return std::move(result_);
  }

 private:
  pool_range text(const py::handle& object) {
    return detail::append(result_.value.characters, object.cast<std::string>());
  }
  pool_range edges(const py::handle& object) {
    return detail::append(result_.value.edges, object.cast<std::vector<int>>());
  }
  void add_scope(const py::dict& part) {
    name_scope s;
    s.name = text(part["name"]);
    s.parent = part["parent"].cast<int>();
    s.shared = part["shared"].cast<bool>();
    s.exits = edges(part["exits"]);
    result_.value.scopes.push_back(s);
  }
  void add_node(const py::dict& part) {
    node n;
    n.text = text(part["text"]);
    n.scope = part["scope"].cast<int>();
    n.edges = edges(part["inputs"]);
    std::vector<double> numbers;
    if (const auto object = part["layer"].cast<py::object>(); !object.is_none()) {
      const python_layer& own = adopt(object, result_.layers);
      n.rules = &own.rules();
      numbers = own.numbers();
    } else {
      const auto kind = part["kind"].cast<std::string>();
      n.rules = find_known_rules(kind);
      require(n.rules != nullptr, "architecture: given a layer of the kind '", kind,
              "', which this version of the library does not have");
      const auto options = part["options"].cast<py::dict>();
      for (std::size_t k = 0; k < n.rules->attribute_names.size(); ++k) {
        const py::str name{std::string(n.rules->attribute_names[k])};
        numbers.push_back(options.contains(name) ? options[name].cast<double>()
                                                 : n.rules->attribute_defaults[k]);
      }
    }
    n.attributes = detail::append(result_.value.numbers, numbers);
    result_.value.nodes.push_back(n);
  }

  recipe result_;
};

}  // namespace

// What is `body` in C++ is a recipe in Python: the same function, with the layers of the bodies kept.

void bind_recipe(py::module_& module) {
  py::class_<recipe>(module, "Architecture")
      .def(py::init<>())
      .def("__or__",
           [](const recipe& a, const recipe& b) {
             return recipe{a.value | b.value, joined(a.layers, b.layers)};
           })
      .def(
          "same", [](const recipe& a, const recipe& b) { return a.value == b.value; }, "other"_a)
      .def("__len__", [](const recipe& a) { return a.value.nodes.size(); })
      .def("parts", &to_parts)
      .def("to_json", &to_text)
      .def_static("from_json", &from_text, "text"_a, "layers"_a)
      .def_static(
          "from_parts", [](const py::dict& parts) { return parts_reader().read(parts); }, "parts"_a);

  module.def(
      "input",
      [](int channels, const std::string& name, int height, int width) {
        const input_options options{.height = height, .width = width};
        return recipe{name.empty() ? input(channels, options) : input(name, channels, options), {}};
      },
      "channels"_a, "name"_a, "height"_a, "width"_a);
  module.def(
      "branch",
      [](const std::vector<recipe>& bodies) {
        constexpr_vector<architecture> list;
        layer_list layers;
        for (const recipe& body : bodies) {
          list.push_back(body.value);
          layers = joined(std::move(layers), body.layers);
        }
        return recipe{branch(list), std::move(layers)};
      },
      "bodies"_a);
  module.def(
      "named",
      [](const std::string& name, const recipe& body) {
        return recipe{named(name, body.value), body.layers};
      },
      "name"_a, "body"_a);
  module.def(
      "shared",
      [](const std::string& name, const recipe& body) {
        return recipe{shared(name, body.value), body.layers};
      },
      "name"_a, "body"_a);
  module.def(
      "from_",
      [](const std::string& name) {
        return recipe{from(name), {}};
      },
      "name"_a);
  module.def(
      "expose",
      [](const std::vector<std::string>& names) {
        recipe all;
        for (const std::string& name : names) all.value = all.value | expose(std::string_view(name));
        return all;
      },
      "names"_a);
  module.def(
      "repeat",
      [](int count, const recipe& body) {
        require(count >= 0, "repeat: given ", count, " times, wanted 0 or more");
        return recipe{repeat(count, body.value), body.layers};
      },
      "count"_a, "body"_a);
  module.def(
      "python_layer",
      [](py::object object) {
        auto own = std::make_shared<python_layer>(std::move(object));
        const std::vector<double> numbers = own->numbers();
        architecture a = layer(own->rules(), numbers);
        return recipe{std::move(a), {std::move(own)}};
      },
      "layer"_a);
}

}  // namespace lookalike::python

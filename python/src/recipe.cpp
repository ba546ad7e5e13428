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

const known_layer* find_known_layer(std::string_view kind) {
  for (const known_layer& layer : known_layers()) {
    if (layer.rules->kind == kind) return &layer;
  }
  return nullptr;
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

/// What `to_parts` gave, which may come out of a file: nothing in it is believed.
class parts_reader {
 public:
  recipe read(const py::dict& parts) {
    try {
      const auto nodes = parts["nodes"].cast<py::list>();
      const auto scopes = parts["scopes"].cast<py::list>();
      node_count_ = static_cast<int>(nodes.size());
      scope_count_ = static_cast<int>(scopes.size());
      for (const py::handle& s : scopes) add_scope(s.cast<py::dict>());
      for (const py::handle& n : nodes) add_node(n.cast<py::dict>());
      for (const py::handle& e : parts["exposed"].cast<py::list>()) {
        const auto part = e.cast<py::dict>();
        result_.value.exposed.push_back({text(part["name"]), scope(part["scope"])});
      }
      result_.value.exits = {};
      for (int exit : edges(parts["exits"], node_count_)) result_.value.exits.push_back(exit);
    } catch (const py::cast_error&) {
      throw value_error("architecture: given parts of another form than an architecture's");
    } catch (const py::error_already_set& failure) {
      require(!failure.matches(PyExc_KeyError) && !failure.matches(PyExc_TypeError),
              "architecture: given parts of another form than an architecture's (", failure.what(), ")");
      throw;
    }
    return std::move(result_);
  }

 private:
  pool_range text(const py::handle& object) {
    return detail::append(result_.value.characters, object.cast<std::string>());
  }
  int scope(const py::handle& object) const {
    const int given = object.cast<int>();
    require(-1 <= given && given < scope_count_, "architecture: given a part in scope ", given,
            ", wanted one of ", scope_count_, " or -1");
    return given;
  }
  static std::vector<int> edges(const py::handle& object, int limit) {
    auto given = object.cast<std::vector<int>>();
    for (int edge : given)
      require(incoming <= edge && edge < limit, "architecture: given an edge to node ", edge,
              ", wanted an earlier one than ", limit);
    return given;
  }
  void add_scope(const py::dict& part) {
    name_scope s;
    s.name = text(part["name"]);
    s.parent = part["parent"].cast<int>();
    const int here = result_.value.scopes.size();
    require(-1 <= s.parent && s.parent < here, "architecture: given scope ", here, " inside of ", s.parent,
            ", wanted an earlier one or -1");
    s.shared = part["shared"].cast<bool>();
    s.exits = detail::append(result_.value.edges, edges(part["exits"], node_count_));
    result_.value.scopes.push_back(s);
  }
  void add_node(const py::dict& part) {
    node n;
    n.text = text(part["text"]);
    n.scope = scope(part["scope"]);
    n.edges = detail::append(result_.value.edges, edges(part["inputs"], result_.value.nodes.size()));
    std::vector<double> numbers;
    if (const auto object = part["layer"].cast<py::object>(); !object.is_none()) {
      n.rules = &adopt(object).rules();
      numbers = python_layer::of(n.rules->context)->numbers();
    } else {
      const auto kind = part["kind"].cast<std::string>();
      const known_layer* known = find_known_layer(kind);
      require(known != nullptr, "architecture: given a layer of the kind '", kind,
              "', wanted one that the library has, or an object for it (layers=...)");
      n.rules = known->rules;
      numbers = known->defaults;
      const auto names = known->rules->attribute_names;
      for (const auto& [name, value] : part["options"].cast<py::dict>()) {
        const auto option = name.cast<std::string>();
        const auto at = std::find(names.begin(), names.end(), option);
        require(at != names.end(), "architecture: given the option '", option, "' for ", kind,
                ", which has none of that name");
        const auto number = value.cast<double>();
        constexpr double largest = 2147483647;  // many are whole numbers in the end
        require(std::isinf(number) || std::abs(number) <= largest, "architecture: given ", number, " for ",
                kind, ".", option, ", wanted a number of at most ", largest);
        numbers[static_cast<std::size_t>(at - names.begin())] = number;
      }
    }
    n.attributes = detail::append(result_.value.numbers, numbers);
    result_.value.nodes.push_back(n);
  }
  /// One object is one layer, however many nodes it has.
  const python_layer& adopt(const py::object& object) {
    for (const auto& layer : result_.layers) {
      if (layer->object().is(object)) return *layer;
    }
    result_.layers.push_back(std::make_shared<python_layer>(object));
    return *result_.layers.back();
  }

  recipe result_;
  int node_count_ = 0;
  int scope_count_ = 0;
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

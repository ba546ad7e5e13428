#pragma once

/// \file
/// Architectures as JSON, to be kept beside their weights: what is written is read back as an equal value.
///
///     {"format": "lookalike.architecture", "version": 1,
///      "layers": [{"kind": "input", "name": "image", "channels": 3, "height": -1, "width": -1},
///                 {"kind": "conv", "reads": [0], "in": 0, "channels": 64, ...}],
///      "parts": [{"name": "encoder", "yields": [1]}],
///      "yields": [1]}
///
/// `reads` and `yields` are positions in `layers`, or -1 for what comes in from outside; `in` is a position
/// in `parts`, whose own `in` is the part around them. A `from` says what it refers to by `name`.

#include <cmath>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include <lookalike/core/error.hpp>
#include <lookalike/nn/layer_registry.hpp>

namespace lookalike {

namespace detail {

/// Names that options cannot have, since they mean something else.
inline bool is_reserved_option(std::string_view name) {
  return name == "kind" || name == "name" || name == "reads" || name == "in";
}

/// One array of edges: integers from -1 to below `limit`.
inline pool_range read_edges(const nlohmann::json& list, int limit, const std::string& where,
                             constexpr_vector<int>& edges) {
  require(list.is_array(), "architecture: ", where, ": expects a list of layers");
  const int first = edges.size();
  for (const nlohmann::json& edge : list) {
    require(edge.is_number_integer() && edge.get<std::int64_t>() >= -1 && edge.get<std::int64_t>() < limit,
            "architecture: ", where, ": expects layers from -1 to ", limit - 1, ", given ", edge.dump());
    edges.push_back(edge.get<int>());
  }
  return {first, edges.size() - first};
}

/// The part that something lies in: an integer below `limit`.
inline int read_part(const nlohmann::json& object, int limit, const std::string& where) {
  if (!object.contains("in")) return -1;
  const nlohmann::json& part = object["in"];
  require(part.is_number_integer() && part.get<std::int64_t>() >= 0 && part.get<std::int64_t>() < limit,
          "architecture: ", where, ": expects a part from 0 to ", limit - 1, ", given ", part.dump());
  return part.get<int>();
}

inline std::string read_name(const nlohmann::json& object, const std::string& where) {
  require(object.contains("name") && object["name"].is_string(), "architecture: ", where, ": expects a name");
  return object["name"].get<std::string>();
}

/// The value of one option, if it is of the right kind.
inline double read_option(const nlohmann::json& value, attribute_type type, const std::string& where) {
  constexpr double largest = std::numeric_limits<int>::max();
  if (type == attribute_type::boolean) {
    require(value.is_boolean(), "architecture: ", where, ": expects true or false, given ", value.dump());
    return value.get<bool>() ? 1 : 0;
  }
  require(value.is_number(), "architecture: ", where, ": expects a number, given ", value.dump());
  const double number = value.get<double>();
  if (type == attribute_type::real) {
    require(std::isfinite(number), "architecture: ", where, ": expects a finite number, given ",
            value.dump());
    return number;
  }
  const double least = type == attribute_type::enumeration ? 0 : -largest;
  const double most = type == attribute_type::enumeration ? 127 : largest;
  require(least <= number && number <= most && number == std::floor(number), "architecture: ", where,
          ": expects an integer from ", static_cast<std::int64_t>(least), " to ",
          static_cast<std::int64_t>(most), ", given ", value.dump());
  return number;
}

inline node read_node(const nlohmann::json& layer, int position, const layer_registry& registry,
                      architecture& a) {
  const std::string where = sentence("layers[", position, "]");
  require(layer.is_object() && layer.contains("kind") && layer["kind"].is_string(), "architecture: ", where,
          ": expects an object with a kind");
  const std::string kind = layer["kind"].get<std::string>();
  node n;
  n.rules = registry.find(kind);
  require(n.rules != nullptr, "architecture: ", where, ": no layer of the kind '", kind,
          "' is known; add it to the layer_registry");
  if (layer.contains("name")) n.text = append(a.characters, read_name(layer, where));
  if (layer.contains("reads")) n.edges = read_edges(layer["reads"], position, where + ".reads", a.edges);
  n.scope = read_part(layer, a.scopes.size(), where);
  const std::span<const std::string_view> names = n.rules->attribute_names;
  for (const auto& [name, value] : layer.items()) {
    bool known = is_reserved_option(name);
    for (const std::string_view option : names) known = known || option == name;
    require(known, "architecture: ", where, ": '", kind, "' has no option '", name, "'");
  }
  n.attributes.first = a.numbers.size();
  for (std::size_t k = 0; k < names.size(); ++k) {
    const auto found = layer.find(std::string(names[k]));
    if (found == layer.end()) {
      require(k < n.rules->attribute_defaults.size(), "architecture: ", where, ": '", kind,
              "' expects the option '", names[k], "'");
      a.numbers.push_back(n.rules->attribute_defaults[k]);
    } else {
      const attribute_type type =
          k < n.rules->attribute_types.size() ? n.rules->attribute_types[k] : attribute_type::real;
      a.numbers.push_back(read_option(*found, type, where + "." + std::string(names[k])));
    }
  }
  n.attributes.count = a.numbers.size() - n.attributes.first;
  return n;
}

inline void read_scopes(const nlohmann::json& parts, int layers, architecture& a) {
  for (const nlohmann::json& part : parts) {
    const std::string where = sentence("parts[", a.scopes.size(), "]");
    require(part.is_object(), "architecture: ", where, ": expects an object");
    name_scope s;
    s.name = append(a.characters, read_name(part, where));
    s.parent = read_part(part, a.scopes.size(), where);
    if (part.contains("shared")) {
      require(part["shared"].is_boolean(), "architecture: ", where, ".shared: expects true or false");
      s.shared = part["shared"].get<bool>();
    }
    require(part.contains("yields"), "architecture: ", where, ": expects what it yields");
    s.exits = read_edges(part["yields"], layers, where + ".yields", a.edges);
    a.scopes.push_back(s);
  }
}

}  // namespace detail

/// An architecture as JSON text. `indent` < 0: on one line. Throws `value_error` for options that are no
/// finite numbers.
inline std::string to_json(const architecture& source, int indent = -1) {
  using nlohmann::ordered_json;
  const architecture_view a(source);
  const auto list = [](std::span<const int> edges) {
    ordered_json values = ordered_json::array();
    for (int edge : edges) values.push_back(edge);
    return values;
  };
  ordered_json json{{"format", "lookalike.architecture"}, {"version", 1}};
  json["layers"] = ordered_json::array();
  for (int i = 0; i < a.size(); ++i) {
    const node& n = a.at(i);
    ordered_json layer{{"kind", n.rules->kind}};
    if (n.text.count > 0) layer["name"] = a.text(n.text);
    if (n.edges.count > 0) layer["reads"] = list(a.inputs(i));
    if (n.scope >= 0) layer["in"] = n.scope;
    const std::span<const double> values = a.instance(i).attributes;
    for (std::size_t k = 0; k < values.size(); ++k) {
      const std::string name(n.rules->attribute_names[k]);
      require(std::isfinite(values[k]) && !detail::is_reserved_option(name), "architecture: the option '",
              name, "' of '", n.rules->kind, "' cannot be written");
      const attribute_type type =
          k < n.rules->attribute_types.size() ? n.rules->attribute_types[k] : attribute_type::real;
      if (type == attribute_type::boolean) {
        layer[name] = values[k] != 0;
      } else if (type == attribute_type::real) {
        layer[name] = values[k];
      } else {
        layer[name] = static_cast<std::int64_t>(values[k]);
      }
    }
    json["layers"].push_back(std::move(layer));
  }
  if (!a.scopes.empty()) json["parts"] = ordered_json::array();
  for (const name_scope& s : a.scopes) {
    ordered_json part{{"name", a.text(s.name)}};
    if (s.parent >= 0) part["in"] = s.parent;
    if (s.shared) part["shared"] = true;
    part["yields"] = list(a.range(s.exits));
    json["parts"].push_back(std::move(part));
  }
  if (!a.exposed.empty()) json["exposed"] = ordered_json::array();
  for (const exposed_name& e : a.exposed) {
    ordered_json exposed{{"name", a.text(e.name)}};
    if (e.scope >= 0) exposed["in"] = e.scope;
    json["exposed"].push_back(std::move(exposed));
  }
  json["yields"] = list(a.exits);
  return json.dump(indent, ' ', false, ordered_json::error_handler_t::replace);
}

/// The architecture that such a text describes, made of the kinds that `registry` knows. Throws `value_error`
/// for text that is no JSON, kinds and options that are not known, and edges that lead nowhere. Whether the
/// network fits together is for `dynamic_model` to say.
inline architecture architecture_from_json(std::string_view text,
                                           const layer_registry& registry = standard_layers()) {
  const nlohmann::json json = nlohmann::json::parse(text, nullptr, false);
  require(json.is_object() && json.contains("format") && json["format"] == "lookalike.architecture",
          "architecture: expects JSON of the format lookalike.architecture");
  require(json.contains("version") && json["version"] == 1, "architecture: expects version 1");
  require(json.contains("layers") && json["layers"].is_array() && json.contains("yields"),
          "architecture: expects layers, and what they yield");
  constexpr std::size_t most = 1000000;
  const nlohmann::json& layers = json["layers"];
  require(layers.size() <= most, "architecture: given ", layers.size(), " layers, wanted at most ", most);
  const auto array = [&](const char* name) {
    if (!json.contains(name)) return nlohmann::json(nlohmann::json::array());
    require(json[name].is_array() && json[name].size() <= most, "architecture: ", name, ": expects a list");
    return json[name];
  };
  architecture a;
  const auto count = static_cast<int>(layers.size());
  detail::read_scopes(array("parts"), count, a);
  for (int i = 0; i < count; ++i)
    a.nodes.push_back(detail::read_node(layers[static_cast<std::size_t>(i)], i, registry, a));
  for (const nlohmann::json& exposed : array("exposed")) {
    require(exposed.is_object(), "architecture: exposed: expects objects");
    const pool_range name = detail::append(a.characters, detail::read_name(exposed, "exposed"));
    a.exposed.push_back({name, detail::read_part(exposed, a.scopes.size(), "exposed")});
  }
  constexpr_vector<int> yields;
  detail::read_edges(json["yields"], count, "yields", yields);
  a.exits = std::move(yields);
  return a;
}

}  // namespace lookalike

#pragma once

/// \file
/// The table that a person reads to see what a network is: its layers with their options, what comes out of
/// them, and what they cost in parameters, multiplications and memory.

#include <cstdint>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include <lookalike/core/error.hpp>
#include <lookalike/nn/memory_plan.hpp>

namespace lookalike {

/// One layer.
struct summary_row {
  std::string name;
  std::string kind;
  std::string options;                ///< what differs from the defaults: "channels 64, kernel 7, stride 2"
  shape output;                       ///< `dynamic` where it depends on the picture
  std::int64_t parameters = 0;        ///< learned; 0 where an earlier layer has the same ones (`shared`)
  std::int64_t buffers = 0;           ///< remembered
  std::int64_t multiply_adds = 0;     ///< for one picture; 0 where extents are not known
  std::int64_t activation_bytes = 0;  ///< of the output for one picture; 0 where extents are not known
};

/// A table of layers, and its sums.
struct network_summary {
  std::vector<summary_row> rows;
  bool extents_known = true;  ///< whether the sums below the parameters hold
  std::int64_t parameters = 0;
  std::int64_t buffers = 0;
  std::int64_t parameter_bytes = 0;  ///< buffers included
  std::int64_t multiply_adds = 0;
  std::int64_t activation_bytes = 0;
  std::int64_t inference_bytes = 0;  ///< of the memory that values share in inference, for one picture
  std::int64_t training_bytes = 0;   ///< the same in training, gradients included

  /// The table, ready to be printed.
  std::string text() const;
  friend std::ostream& operator<<(std::ostream& out, const network_summary& s) { return out << s.text(); }
};

namespace detail {

/// 1234567 as "1,234,567".
inline std::string grouped(std::int64_t number) {
  std::string digits = std::to_string(number);
  for (std::ptrdiff_t at = static_cast<std::ptrdiff_t>(digits.size()) - 3; at > 0; at -= 3)
    digits.insert(static_cast<std::size_t>(at), ",");
  return digits;
}

inline std::string bytes_text(std::int64_t bytes) {
  if (bytes < 1024) return grouped(bytes) + " B";
  const std::int64_t unit = bytes < 1024 * 1024 ? 1024 : 1024 * 1024;
  const std::int64_t tenths = (bytes * 10 + unit / 2) / unit;
  return grouped(tenths / 10) + "." + std::to_string(tenths % 10) + (unit == 1024 ? " KiB" : " MiB");
}

/// An option as a person would write it: 3, 0.01.
inline std::string number_text(double value) {
  if (value == static_cast<double>(static_cast<std::int64_t>(value)))
    return std::to_string(static_cast<std::int64_t>(value));
  return sentence(value);
}

inline std::string shape_text(const shape& s) {
  const auto extent = [](int e) { return e == dynamic ? std::string("?") : std::to_string(e); };
  return extent(s.channels) + " x " + extent(s.height) + " x " + extent(s.width);
}

/// The options of a node. Those for rows and columns (or for all sides) that are the same are written once.
inline std::string options_text(const architecture_view& a, int i) {
  const layer_rules& rules = *a.at(i).rules;
  const std::span<const double> values = a.instance(i).attributes;
  struct option {
    std::string_view name;
    std::string_view base;
    double value;
    bool is_default;
    bool done = false;
  };
  std::vector<option> options;
  for (std::size_t k = 0; k < values.size(); ++k) {
    const std::string_view name = k < rules.attribute_names.size() ? rules.attribute_names[k] : "option";
    const bool is_default = k < rules.attribute_defaults.size() && rules.attribute_defaults[k] == values[k];
    std::string_view base = name;
    for (std::string_view side : {"_height", "_width", "_top", "_left", "_bottom", "_right"}) {
      if (name.ends_with(side)) base = name.substr(0, name.size() - side.size());
    }
    options.push_back({name, base, values[k], is_default});
  }
  std::string text;
  const auto put = [&](std::string_view name, double value) {
    text += (text.empty() ? "" : ", ") + std::string(name) + " " + number_text(value);
  };
  for (std::size_t k = 0; k < options.size(); ++k) {
    if (options[k].done) continue;
    bool same = true, told = options[k].base == "channels" || options[k].base == "kernel";
    for (const option& o : options) {
      if (o.base != options[k].base) continue;
      same = same && o.value == options[k].value;
      told = told || !o.is_default;
    }
    for (option& o : options) {
      if (o.base != options[k].base || o.done) continue;
      o.done = true;
      if (told && !same) put(o.name, o.value);
    }
    if (told && same) put(options[k].base, options[k].value);
  }
  return text;
}

/// Bytes that the values of a graph share.
template <class Scalar>
std::int64_t planned_bytes(const lowering& low, bool backward) {
  const architecture_view original(low.graph);
  const architecture_view graph = backward ? original : architecture_view(low.fused.graph);
  std::vector<run_node<Scalar>> nodes;
  std::vector<shape> shapes;
  for (int i = 0; i < graph.size(); ++i) {
    nodes.push_back(make_run_node<Scalar>(graph, i, original, low.slots_of.view()));
    shapes.push_back(low.shapes[graph.at(i).source]);
  }
  const run_graph<Scalar> run{nodes, graph.edges, graph.numbers, graph.exits};
  return plan_memory(run, std::span<const shape>(shapes), backward).size *
         static_cast<std::int64_t>(sizeof(Scalar));
}

}  // namespace detail

/// The table of an architecture. `height` and `width` hold for the inputs that do not say theirs; where
/// extents stay open, multiplications and memory are not counted. Bytes are those of `Scalar` numbers. Throws
/// `value_error` when the architecture does not fit together.
template <class Scalar = float>
network_summary summary(const architecture& a, int height = dynamic, int width = dynamic) {
  const detail::lowering low = detail::lower(a, height, width);
  require(!low.problem.failed(), low.problem.text().view());
  const architecture_view view(low.graph);
  constexpr auto scalar_bytes = static_cast<std::int64_t>(sizeof(Scalar));
  network_summary result;
  int slots_seen = 0;
  for (int i = 0; i < view.size(); ++i) {
    summary_row row;
    row.name = node_name(view, i).view();
    row.kind = view.at(i).rules->kind;
    row.options = detail::options_text(view, i);
    row.output = low.shapes[i];
    const pool_range slots = low.slots_of[i];
    if (slots.count > 0 && slots.first >= slots_seen) {
      for (int k = slots.first; k < slots.first + slots.count; ++k) {
        const declared_parameter& declared = low.slots[k].declared;
        (declared.trainable ? row.parameters : row.buffers) += declared.size();
      }
      slots_seen = slots.first + slots.count;
    }
    std::vector<shape> inputs;
    bool known = row.output.is_static();
    for (int source : view.inputs(i)) {
      inputs.push_back(low.shapes[source]);
      known = known && inputs.back().is_static();
    }
    if (known) {
      row.multiply_adds = view.at(i).rules->multiply_adds(view.instance(i), inputs, row.output);
      row.activation_bytes = row.output.size() * scalar_bytes;
    }
    result.extents_known = result.extents_known && known;
    result.parameters += row.parameters;
    result.buffers += row.buffers;
    result.multiply_adds += row.multiply_adds;
    result.activation_bytes += row.activation_bytes;
    result.rows.push_back(std::move(row));
  }
  result.parameter_bytes = (result.parameters + result.buffers) * scalar_bytes;
  if (result.extents_known) {
    result.inference_bytes = detail::planned_bytes<Scalar>(low, false);
    result.training_bytes = detail::planned_bytes<Scalar>(low, true);
  }
  return result;
}

/// The table of a `model` or `dynamic_model`.
template <class Model>
requires requires {
  typename Model::scalar;
}
network_summary summary(const Model& net, int height = dynamic, int width = dynamic) {
  const int own_height = height == dynamic ? net.input_shape().height : height;
  const int own_width = width == dynamic ? net.input_shape().width : width;
  if constexpr (requires { typename Model::definition; }) {
    return summary<typename Model::scalar>(Model::definition::define(), own_height, own_width);
  } else {
    return summary<typename Model::scalar>(net.architecture(), own_height, own_width);
  }
}

inline std::string network_summary::text() const {
  std::vector<std::vector<std::string>> table{
      {"name", "layer", "output", "parameters", "multiply-adds", "bytes"}};
  for (const summary_row& row : rows) {
    const bool known = row.activation_bytes > 0;
    table.push_back({row.name, row.kind + (row.options.empty() ? "" : " (" + row.options + ")"),
                     detail::shape_text(row.output),
                     row.parameters > 0 ? detail::grouped(row.parameters) : "",
                     row.multiply_adds > 0 ? detail::grouped(row.multiply_adds) : "",
                     known ? detail::bytes_text(row.activation_bytes) : ""});
  }
  std::vector<std::size_t> widths(table[0].size());
  for (const auto& line : table)
    for (std::size_t k = 0; k < line.size(); ++k) widths[k] = std::max(widths[k], line[k].size());
  std::string out;
  std::size_t total = 2 * (widths.size() - 1);
  for (std::size_t width : widths) total += width;
  for (std::size_t l = 0; l < table.size(); ++l) {
    std::string line;
    for (std::size_t k = 0; k < widths.size(); ++k) {
      const std::string padding(widths[k] - table[l][k].size(), ' ');
      line += (k > 0 ? "  " : "") + (k < 3 ? table[l][k] + padding : padding + table[l][k]);
    }
    out += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
    if (l == 0) out += std::string(total, '-') + "\n";
  }
  out += std::string(total, '-') + "\n";
  out += "parameters: " + detail::grouped(parameters);
  if (buffers > 0) out += ", and " + detail::grouped(buffers) + " remembered";
  out += " (" + detail::bytes_text(parameter_bytes) + ")\n";
  if (!extents_known)
    return out + "extents of the input are open: multiplications and memory are not counted\n";
  out += "multiply-adds for one picture: " + detail::grouped(multiply_adds) + "\n";
  out += "values of one picture: " + detail::bytes_text(activation_bytes) + "; they share " +
         detail::bytes_text(inference_bytes) + " in inference, " + detail::bytes_text(training_bytes) +
         " in training with their gradients\n";
  return out;
}

}  // namespace lookalike

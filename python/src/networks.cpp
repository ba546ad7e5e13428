// Networks with parameters, and passes. Arrays are NumPy's (batch, channels, height, width): what goes in is
// read where it lies, whatever its strides; parameters and gradients are shown where they lie; what comes out
// of a pass is a copy, because inside the channels lie side by side.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <pybind11/functional.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <lookalike/nn/profile.hpp>
#include <lookalike/nn/summary.hpp>
#include <lookalike/nn/tune.hpp>
#include <lookalike/nn/weights.hpp>

#include "bindings.hpp"
#include "network.hpp"
#include "options.hpp"

namespace lookalike::python {

using py::literals::operator""_a;

namespace {

using simd::convolution_algorithm;

constexpr words<convolution_algorithm, 5> algorithms{{{"automatic", convolution_algorithm::automatic},
                                                      {"direct", convolution_algorithm::direct},
                                                      {"winograd_2x2", convolution_algorithm::winograd_2x2},
                                                      {"winograd_4x4", convolution_algorithm::winograd_4x4},
                                                      {"winograd_6x6", convolution_algorithm::winograd_6x6}}};
constexpr words<bool, 2> memory_use{{{"normal", false}, {"low", true}}};

template <class Scalar>
std::vector<py::array_t<Scalar>> to_arrays(std::span<const tensor_view<const Scalar>> views) {
  std::vector<py::array_t<Scalar>> arrays;
  for (const tensor_view<const Scalar>& view : views) arrays.push_back(to_array(view));
  return arrays;
}

/// A run, which keeps its network alive.
template <class Scalar>
struct pass_state {
  network_handle<Scalar> network;
  pass<Scalar> run;
};

template <class Scalar>
using named_arrays = std::vector<std::pair<std::string, py::array_t<Scalar>>>;

/// Arrays that a call works on: kept alive, and as the library sees them.
template <class Scalar>
class given_arrays {
 public:
  given_arrays(const named_arrays<Scalar>& given, const char* where) : given_(given) {
    for (const auto& [name, array] : given_)
      tensors_.emplace_back(std::string_view(name), view_of(array, where));
  }
  std::span<const named_tensor<Scalar>> tensors() const { return tensors_; }

 private:
  const named_arrays<Scalar>& given_;
  std::vector<named_tensor<Scalar>> tensors_;
};

/// One block of numbers as an array that lives as long as its owner.
template <class Scalar>
py::array_t<Scalar> show_block(const network_handle<Scalar>& owner, std::span<Scalar> block) {
  return py::array_t<Scalar>({static_cast<py::ssize_t>(block.size())},
                             {static_cast<py::ssize_t>(sizeof(Scalar))}, block.data(), py::cast(owner));
}

py::tuple shape_to_python(const shape& s) {
  const auto extent = [](int e) { return e == dynamic ? py::object(py::none()) : py::object(py::int_(e)); };
  return py::make_tuple(extent(s.channels), extent(s.height), extent(s.width));
}

py::dict report_to_python(const weights_report& report) {
  return py::dict("loaded"_a = report.loaded, "missing"_a = report.missing,
                  "unexpected"_a = report.unexpected);
}

py::dict summary_to_python(const network_summary& s) {
  py::list rows;
  for (const summary_row& row : s.rows)
    rows.append(py::dict("name"_a = row.name, "kind"_a = row.kind, "options"_a = row.options,
                         "output"_a = shape_to_python(row.output), "parameters"_a = row.parameters,
                         "buffers"_a = row.buffers, "multiply_adds"_a = row.multiply_adds,
                         "activation_bytes"_a = row.activation_bytes));
  return py::dict("text"_a = s.text(), "rows"_a = rows, "extents_known"_a = s.extents_known,
                  "parameters"_a = s.parameters, "buffers"_a = s.buffers,
                  "parameter_bytes"_a = s.parameter_bytes, "multiply_adds"_a = s.multiply_adds,
                  "activation_bytes"_a = s.activation_bytes, "inference_bytes"_a = s.inference_bytes,
                  "training_bytes"_a = s.training_bytes);
}

/// An array without gaps, as files have it.
safetensor as_tensor(const std::string& name, const py::array& array) {
  const std::string kind = (array.dtype().kind() == 'b'   ? "BOOL"
                            : array.dtype().kind() == 'u' ? "U"
                            : array.dtype().kind() == 'i' ? "I"
                                                          : "F") +
                           (array.dtype().kind() == 'b' ? "" : std::to_string(8 * array.itemsize()));
  const auto type = safetensor_type_called(kind);
  require(type.has_value(), "load_state_dict: given numbers of ", array.itemsize(), " bytes for '", name,
          "'");
  return {name,
          *type,
          {array.shape(), array.shape() + array.ndim()},
          std::as_bytes(
              std::span(static_cast<const char*>(array.data()), static_cast<std::size_t>(array.nbytes())))};
}

template <class Scalar>
void bind_pass(py::module_& module, const char* class_name) {
  using state = pass_state<Scalar>;
  py::class_<state>(module, class_name)
      .def(
          "value", [](const state& p, const std::string& part) { return to_array(p.run[part]); }, "name"_a)
      .def(
          "output", [](const state& p, std::size_t i) { return to_array(p.run.output(i)); }, "index"_a)
      .def("output_count", [](const state& p) { return p.run.output_count(); })
      .def("memory", [](const state& p) { return p.run.memory(); })
      .def(
          "backward",
          [](state& p, const named_arrays<Scalar>& gradients, bool parameter_gradients, bool input_gradients,
             std::optional<py::array_t<Scalar>> block) {
            const given_arrays<Scalar> given(gradients, "backward");
            std::span<Scalar> to;
            if (parameter_gradients)
              to = block ? std::span(block->mutable_data(), static_cast<std::size_t>(block->size()))
                         : p.network->gradients();
            std::span<const tensor_view<const Scalar>> result;
            {
              const py::gil_scoped_release released;
              // Gradients of several passes add up in one block; passes of one network may run on threads.
              const std::scoped_lock hold(p.network->adding);
              result = p.run.backward(given.tensors(), to, {.input_gradients = input_gradients});
            }
            return to_arrays(result);
          },
          "gradients"_a, "parameter_gradients"_a, "input_gradients"_a, py::arg("block").noconvert());
}

template <class Scalar>
void bind_network(py::module_& module, const char* class_name) {
  using state = network_state<Scalar>;
  using handle = network_handle<Scalar>;
  py::class_<state, handle>(module, class_name)
      .def(py::init<recipe, int, int, std::uint64_t>(), "architecture"_a, "height"_a, "width"_a, "seed"_a)
      .def("architecture", [](const state& s) { return s.source; })
      .def("initialize", &state::initialize, "seed"_a)
      .def(
          "set_execution",
          [](state& s, const std::string& algorithm, const std::string& memory) {
            s.net.set_execution({.algorithm = meaning(algorithm, "algorithm", algorithms),
                                 .low_memory = meaning(memory, "memory", memory_use)});
          },
          "algorithm"_a, "memory"_a)
      .def("execution",
           [](const state& s) {
             const execution_options& how = s.net.execution();
             return py::make_tuple(word_for(how.algorithm, algorithms), word_for(how.low_memory, memory_use));
           })
      .def("prepare", [](state& s) { s.net.prepare(); })
      .def(
          "set_algorithm",
          [](state& s, const std::string& layer, const std::string& algorithm) {
            s.net.set_algorithm(layer, meaning(algorithm, "algorithm", algorithms));
          },
          "layer"_a, "algorithm"_a)
      .def("algorithms",
           [](const state& s) {
             py::dict chosen;
             const auto own = s.net.algorithms();
             for (std::size_t i = 0; i < own.size(); ++i) {
               if (own[i] == simd::convolution_algorithm::automatic) continue;
               const std::string name(s.net.program().name(static_cast<int>(i)));
               chosen[py::str(name)] = word_for(own[i], algorithms);
             }
             return chosen;
           })
      .def(
          "tune",
          [](state& s, const named_arrays<Scalar>& inputs, int repetitions, bool winograd_6x6,
             double least_gain) {
            const given_arrays<Scalar> given(inputs, "tune");
            std::vector<tuned_layer> chosen;
            {
              const py::gil_scoped_release released;
              chosen =
                  tune(s.net, given.tensors(),
                       {.repetitions = repetitions, .winograd_6x6 = winograd_6x6, .least_gain = least_gain});
            }
            py::list rows;
            for (const tuned_layer& layer : chosen)
              rows.append(py::make_tuple(layer.name, word_for(layer.algorithm, algorithms), layer.seconds,
                                         layer.default_seconds));
            return rows;
          },
          "inputs"_a, "repetitions"_a, "winograd_6x6"_a, "least_gain"_a)
      .def(
          "profile",
          [](const state& s, const named_arrays<Scalar>& inputs, int repetitions) {
            const given_arrays<Scalar> given(inputs, "profile");
            network_profile found;
            {
              const py::gil_scoped_release released;
              found = profile(s.net, given.tensors(), repetitions);
            }
            py::list rows;
            for (const profile_row& row : found.rows) rows.append(py::make_tuple(row.name, row.seconds));
            return py::make_tuple(rows, found.text());
          },
          "inputs"_a, "repetitions"_a)
      .def("is_prepared", [](const state& s) { return s.net.is_prepared(); })
      .def("packed_memory", [](const state& s) { return s.net.packed_memory(); })
      .def("parameter_count", [](const state& s) { return s.net.parameter_count(); })
      .def("table",
           [](const state& s) {
             py::list rows;
             for (const parameter& p : s.net.parameters()) {
               py::tuple dimensions(static_cast<std::size_t>(p.rank));
               for (std::size_t i = 0; i < dimensions.size(); ++i) dimensions[i] = p.dimensions[i];
               rows.append(py::make_tuple(p.name, dimensions, p.offset, p.size, p.trainable));
             }
             return rows;
           })
      .def("values", [](const handle& s) { return show_block<Scalar>(s, s->net.values()); })
      .def("gradients", [](const handle& s) { return show_block<Scalar>(s, s->gradients()); })
      .def("input_names",
           [](const state& s) {
             py::list names;
             for (std::size_t i = 0; i < s.net.input_count(); ++i)
               names.append(std::string(s.net.input_name(i)));
             return names;
           })
      .def(
          "input_shape", [](const state& s, std::size_t i) { return shape_to_python(s.net.input_shape(i)); },
          "index"_a)
      .def(
          "summary",
          [](const state& s, int height, int width) {
            return summary_to_python(summary<Scalar>(s.source.value, height, width));
          },
          "height"_a, "width"_a)
      .def("output_count", [](const state& s) { return s.net.output_count(); })
      .def(
          "output_shape",
          [](const state& s, std::size_t i) { return shape_to_python(s.net.output_shape(i)); }, "index"_a)
      .def(
          "forward",
          [](const handle& s, const named_arrays<Scalar>& inputs, bool training, std::uint64_t seed,
             bool differentiable) {
            const given_arrays<Scalar> given(inputs, "forward");
            const forward_options options{
                .training = training, .seed = seed, .differentiable = differentiable};
            const py::gil_scoped_release released;
            return pass_state<Scalar>{s, s->run(given.tensors(), options)};
          },
          "inputs"_a, "training"_a, "seed"_a, "differentiable"_a)
      .def(
          "predict",
          [](const handle& s, const named_arrays<Scalar>& inputs) {
            const given_arrays<Scalar> given(inputs, "forward");
            std::optional<pass<Scalar>> run;
            {
              const py::gil_scoped_release released;
              run.emplace(std::as_const(s->net).forward(given.tensors()));
            }
            std::vector<py::array_t<Scalar>> outputs;
            for (std::size_t i = 0; i < run->output_count(); ++i) outputs.push_back(to_array(run->output(i)));
            return outputs;
          },
          "inputs"_a)
      .def(
          "load",
          [](state& s, const std::string& path, const name_map& names, bool strict) {
            const auto report = [&] {
              const py::gil_scoped_release released;
              return load_weights<Scalar>(path, s.net.parameters(), s.net.values(), names,
                                          {.strict = strict});
            }();
            return report_to_python(report);
          },
          "path"_a, "names"_a, "strict"_a)
      .def(
          "load_arrays",
          [](state& s, const std::vector<std::pair<std::string, py::array>>& arrays, const name_map& names,
             bool strict) {
            std::vector<safetensor> tensors;
            for (const auto& [name, array] : arrays) tensors.push_back(as_tensor(name, array));
            const auto report = [&] {
              const py::gil_scoped_release released;
              // The way of files is taken, so that there is one check of what fits, and one message.
              const std::vector<std::byte> bytes = safetensors_bytes(tensors);
              try {
                return load_weights<Scalar>(safetensors_file::from_bytes(bytes, "state_dict"),
                                            s.net.parameters(), s.net.values(), names, {.strict = strict});
              } catch (const file_error& failure) {
                throw value_error(failure.what());
              }
            }();
            return report_to_python(report);
          },
          "arrays"_a, "names"_a, "strict"_a)
      .def(
          "save",
          [](const state& s, const std::string& path, const std::map<std::string, std::string>& metadata,
             const name_map& names, bool num_batches_tracked) {
            const py::gil_scoped_release released;
            save_weights(path, s.net.parameters(), s.net.values(),
                         safetensors_metadata(metadata.begin(), metadata.end()), names,
                         {.num_batches_tracked = num_batches_tracked});
          },
          "path"_a, "metadata"_a, "names"_a, "num_batches_tracked"_a);
}

}  // namespace

void bind_networks(py::module_& module) {
  py::class_<name_map>(module, "NameMap")
      .def(py::init([](const std::vector<std::pair<std::string, std::string>>& rules) {
             std::vector<name_rule> list;
             for (const auto& [theirs, ours] : rules) list.push_back({theirs, ours});
             return name_map(list);
           }),
           "rules"_a)
      .def_static(
          "by_function",
          [](std::function<std::string(const std::string&)> to_theirs) {
            return name_map([to_theirs = std::move(to_theirs)](std::string_view name) {
              return to_theirs(std::string(name));
            });
          },
          "to_theirs"_a)
      .def("theirs", &name_map::theirs, "name"_a)
      .def("ours", &name_map::ours, "name"_a);

  bind_pass<float>(module, "FloatPass");
  bind_pass<double>(module, "DoublePass");
  bind_network<float>(module, "FloatNetwork");
  bind_network<double>(module, "DoubleNetwork");

  module.def(
      "safetensors_metadata",
      [](const std::string& path) {
        const py::gil_scoped_release released;
        const auto file = safetensors_file::open(path);
        return std::map<std::string, std::string>(file.metadata().begin(), file.metadata().end());
      },
      "path"_a);
}

}  // namespace lookalike::python

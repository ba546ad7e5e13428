// The gradient check, for networks and for layers written in Python.

#include <cstddef>
#include <cstdint>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <lookalike/nn/gradient_check.hpp>

#include "bindings.hpp"
#include "recipe.hpp"

namespace lookalike::python {

using py::literals::operator""_a;

namespace {

py::dict to_python(const gradient_report& report) {
  return py::dict("ok"_a = report.ok(), "compared"_a = report.compared, "skipped"_a = report.skipped,
                  "worst_error"_a = report.worst.error, "worst_place"_a = report.worst.where,
                  "problems"_a = report.problems, "text"_a = report.text());
}

}  // namespace

void bind_gradient_check(py::module_& module) {
  module.def(
      "check_gradients",
      [](const recipe& r, double step, double tolerance, int samples, std::uint64_t seed, int batch,
         int height, int width, bool evaluation, bool training) {
        gradient_check_options options;
        options.step = step;
        options.tolerance = tolerance;
        options.samples = samples;
        options.evaluation = evaluation;
        options.training = training;
        options.seed = seed;
        options.batch = batch;
        options.height = height;
        options.width = width;
        const gradient_report report = [&] {
          const py::gil_scoped_release released;
          return check_gradients(r.value, options);
        }();
        return to_python(report);
      },
      "architecture"_a, "step"_a, "tolerance"_a, "samples"_a, "seed"_a, "batch"_a, "height"_a, "width"_a,
      "evaluation"_a, "training"_a);
  module.def(
      "check_layer",
      [](const recipe& r, const std::vector<std::tuple<int, int, int>>& inputs, double step, double tolerance,
         int samples, std::uint64_t seed, std::vector<std::size_t> constant_inputs, bool training) {
        gradient_check_options options;
        options.step = step;
        options.tolerance = tolerance;
        options.samples = samples;
        options.training = training;
        options.seed = seed;
        options.constant_inputs = std::move(constant_inputs);
        std::vector<shape> shapes;
        for (const auto& [c, h, w] : inputs) shapes.push_back({c, h, w});
        const gradient_report report = [&] {
          const py::gil_scoped_release released;
          return check_layer(r.value, shapes, options);
        }();
        return to_python(report);
      },
      "layer"_a, "inputs"_a, "step"_a, "tolerance"_a, "samples"_a, "seed"_a, "constant_inputs"_a,
      "training"_a);
}

}  // namespace lookalike::python

// Principal components of vectors, and collections that are prepared by them.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <lookalike/retrieve/prepared_collection.hpp>
#include <lookalike/retrieve/principal_components.hpp>

#include "bindings.hpp"
#include "values.hpp"
#include "vectors.hpp"
#include "watch.hpp"

namespace lookalike::python {

namespace {

namespace py = pybind11;

using ids = std::vector<std::int64_t>;

template <class Value>
py::array_t<Value> copy_of(std::span<const Value> values, std::vector<py::ssize_t> shape) {
  return py::array_t<Value>(std::move(shape), values.data());
}

}  // namespace

void bind_principal_components(py::module_& module) {
  using py::arg;

  py::class_<principal_components>(module, "PrincipalComponents")
      .def_static(
          "fit",
          [](const py::array& vectors, int components, std::int64_t sample, int iterations,
             std::uint64_t seed) {
            const vector_view view = view_of(vectors, "PrincipalComponents.fit");
            const py::gil_scoped_release released;
            return principal_components::fit(view, {components, sample, iterations, seed});
          },
          arg("vectors"), arg("components"), arg("sample"), arg("iterations"), arg("seed"))
      .def_static(
          "load", [](const std::string& path) { return principal_components::load(path); }, arg("path"),
          py::call_guard<py::gil_scoped_release>())
      .def(
          "save", [](const principal_components& self, const std::string& path) { self.save(path); },
          arg("path"), py::call_guard<py::gil_scoped_release>())
      .def("dimension", &principal_components::dimension)
      .def("components", &principal_components::components)
      .def("total_variance", &principal_components::total_variance)
      .def("mean", [](const principal_components& self) { return copy_of(self.mean(), {self.dimension()}); })
      .def("directions",
           [](const principal_components& self) {
             return copy_of(self.directions(), {self.components(), self.dimension()});
           })
      .def("variances",
           [](const principal_components& self) { return copy_of(self.variances(), {self.components()}); })
      .def(
          "project",
          [](const principal_components& self, const py::array& vectors) {
            const vector_view view = view_of(vectors, "PrincipalComponents.project");
            std::optional<tensor<float>> found;
            {
              const py::gil_scoped_release released;
              found = self.project(view);
            }
            return give_away<float>(std::move(*found), {view.size(), self.components()});
          },
          arg("vectors"))
      .def(
          "describe",
          [](const principal_components& self, const py::object& whole) {
            return to_python(self(to_descriptor(whole, "principal_components")));
          },
          arg("descriptor"));

  py::class_<prepared_collection>(module, "PreparedCollection")
      .def(py::init([](const collection& photos, std::uint64_t seed, const py::object& callback) {
             return watch(callback).run(
                 [&](const progress& watcher) { return prepared_collection(photos, seed, watcher); });
           }),
           arg("photos"), arg("seed"), arg("progress"))
      .def(
          "search",
          [](const prepared_collection& ready, const py::list& sought, int k, ids leave_out,
             std::optional<ids> only, std::vector<float> importance, const py::object& shown,
             const py::object& callback) {
            std::vector<descriptor> queries;
            for (const py::handle one : sought)
              queries.push_back(to_descriptor(py::reinterpret_borrow<py::object>(one), "search"));
            search_options options;
            options.k = k;
            options.leave_out = std::move(leave_out);
            options.only = std::move(only);
            options.importance = std::move(importance);
            const std::vector<matches> found = watch(callback).run(
                [&](const progress& watcher) { return ready.search(queries, options, watcher); });
            py::list result;
            for (const matches& one : found) result.append(to_python(one, shown));
            return result;
          },
          arg("descriptors"), arg("k"), arg("leave_out"), arg("only"), arg("importance"), arg("photos"),
          arg("progress"));
}

}  // namespace lookalike::python

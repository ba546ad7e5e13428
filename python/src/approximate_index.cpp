// Vectors looked up by hnswlib's graph.

#include <cstdint>
#include <filesystem>
#include <optional>
#include <utility>
#include <vector>

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>
#include <pybind11/stl/filesystem.h>

#include <lookalike/core/tensor.hpp>
#include <lookalike/retrieve/approximate_index.hpp>

#include "bindings.hpp"
#include "values.hpp"
#include "watch.hpp"

namespace lookalike::python {

namespace {

using path = std::filesystem::path;
using ids = std::vector<std::int64_t>;
using vectors = py::array_t<float, py::array::c_style | py::array::forcecast>;

/// One vector for each row of an array of two axes.
tensor_view<const float> rows_of(const vectors& array, const char* where) {
  require(array.ndim() == 2, where, ": given an array of ", array.ndim(), " axes, wanted 2");
  return tensor_view<const float>::contiguous(array.data(), array.shape(0), array.shape(1), 1, 1);
}

approximate_search_options search_for(int k, int candidates, ids leave_out, std::optional<ids> only) {
  return {.k = k, .candidates = candidates, .leave_out = std::move(leave_out), .only = std::move(only)};
}

}  // namespace

void bind_approximate_index(py::module_& module) {
  using py::arg;

  py::class_<approximate_index>(module, "ApproximateIndex")
      .def(py::init([](const vectors& rows, const ids& own_ids, int links, int ef_construction,
                       std::uint64_t seed, bool deterministic, const py::object& callback) {
             const auto view = rows_of(rows, "ApproximateIndex");
             return watch(callback).run([&](const progress& watcher) {
               return approximate_index(view, own_ids,
                                        {.links = links,
                                         .ef_construction = ef_construction,
                                         .seed = seed,
                                         .deterministic = deterministic},
                                        watcher);
             });
           }),
           arg("vectors"), arg("ids"), py::kw_only(), arg("links"), arg("ef_construction"), arg("seed"),
           arg("deterministic"), arg("progress"))
      .def(
          "add",
          [](approximate_index& known, const vectors& rows, const ids& own_ids, const py::object& callback) {
            const auto view = rows_of(rows, "ApproximateIndex.add");
            watch(callback).run([&](const progress& watcher) { known.add(view, own_ids, watcher); });
          },
          arg("vectors"), arg("ids"), arg("progress"))
      .def(
          "erase", [](approximate_index& known, const ids& gone) { known.erase(gone); }, arg("ids"),
          py::call_guard<py::gil_scoped_release>())
      .def("__len__", &approximate_index::size, py::call_guard<py::gil_scoped_release>())
      .def("dimension", &approximate_index::dimension)
      .def("ids",
           [](const approximate_index& known) {
             ids all;
             {
               const py::gil_scoped_release released;
               all = known.ids();
             }
             return py::array_t<std::int64_t>(static_cast<py::ssize_t>(all.size()), all.data());
           })
      .def(
          "search",
          [](const approximate_index& known, const vectors& queries, int k, int candidates, ids leave_out,
             std::optional<ids> only, const py::object& callback) {
            const auto view = rows_of(queries, "ApproximateIndex.search");
            const approximate_search_options options =
                search_for(k, candidates, std::move(leave_out), std::move(only));
            const std::vector<matches> found = watch(callback).run(
                [&](const progress& watcher) { return known.search(view, options, watcher); });
            py::list each;
            for (const matches& some : found) each.append(to_python(some, py::none()));
            return each;
          },
          arg("queries"), py::kw_only(), arg("k"), arg("candidates"), arg("leave_out"), arg("only"),
          arg("progress"))
      .def(
          "measure_recall",
          [](const approximate_index& known, const vectors& queries, int k, int candidates,
             const py::object& callback) {
            const auto view = rows_of(queries, "ApproximateIndex.measure_recall");
            return watch(callback).run([&](const progress& watcher) {
              return known.measure_recall(view, search_for(k, candidates, {}, {}), watcher);
            });
          },
          arg("queries"), py::kw_only(), arg("k"), arg("candidates"), arg("progress"))
      .def("save", &approximate_index::save, arg("path"), py::call_guard<py::gil_scoped_release>())
      .def_static("load", &approximate_index::load, arg("path"), arg("deterministic"),
                  py::call_guard<py::gil_scoped_release>());
  module.def(
      "recall",
      [](const py::object& found, const py::object& exact) {
        return recall(to_matches(found, "recall"), to_matches(exact, "recall"));
      },
      arg("found"), arg("exact"));
}

}  // namespace lookalike::python

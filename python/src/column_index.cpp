// Looking up in columns of collections, by vectors.

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <lookalike/retrieve/column_index.hpp>

#include "bindings.hpp"
#include "options.hpp"
#include "values.hpp"
#include "watch.hpp"

namespace lookalike::python {

namespace {

using ids = std::vector<std::int64_t>;

constexpr words<metric, 3> metrics{{{"squared_l2", metric::squared_l2},
                                    {"inner_product", metric::inner_product},
                                    {"correlation", metric::correlation}}};
constexpr words<element, 3> elements{
    {{"float32", element::float32}, {"float16", element::float16}, {"uint8", element::uint8}}};

}  // namespace

void bind_column_index(py::module_& module) {
  using py::arg;

  py::class_<column_index>(module, "ColumnIndex")
      .def(py::init([](const collection& items, const std::string& column, const std::string& how) {
             return column_index(items, column, meaning(how, "search.metric", metrics));
           }),
           arg("items"), arg("column"), arg("metric"))
      .def(
          "search",
          [](const column_index& index, const py::array& sought, int k, ids leave_out,
             std::optional<ids> only, std::optional<float> radius, const py::object& shown,
             const py::object& callback) {
            const std::string type = py::str(sought.dtype().attr("name")).cast<std::string>();
            require(sought.ndim() == 2 && (sought.flags() & py::array::c_style) != 0,
                    "search: given an array with ", sought.ndim(), " axes, wanted (queries, numbers)");
            const vector_view queries(sought.data(), meaning(type, "search.dtype", elements), sought.shape(0),
                                      sought.shape(1));
            search_options options;
            options.k = k;
            options.leave_out = std::move(leave_out);
            options.only = std::move(only);
            options.radius = radius.value_or(std::numeric_limits<float>::infinity());
            const neighbors found = watch(callback).run(
                [&](const progress& watcher) { return index.search(queries, options, watcher); });
            py::list each;
            for (std::int64_t i = 0; i < found.size(); ++i) each.append(to_python(found.of(i), shown));
            return each;
          },
          arg("vectors"), py::kw_only(), arg("k"), arg("leave_out"), arg("only"), arg("radius"),
          arg("photos"), arg("progress"));
}

}  // namespace lookalike::python

// The nearest vectors of arrays, exactly.

#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <lookalike/retrieve/descriptor_index.hpp>
#include <lookalike/retrieve/nearest.hpp>
#include <lookalike/retrieve/vector_index.hpp>

#include "bindings.hpp"
#include "options.hpp"
#include "vectors.hpp"
#include "watch.hpp"

namespace lookalike::python {

namespace {

namespace py = pybind11;

using ids = std::vector<std::int64_t>;
using bitmap = py::array_t<bool, py::array::c_style | py::array::forcecast>;

constexpr words<metric, 3> metrics{{{"squared_l2", metric::squared_l2},
                                    {"inner_product", metric::inner_product},
                                    {"correlation", metric::correlation}}};

search_options options_of(int k, std::optional<float> radius, std::optional<ids> only,
                          const std::optional<bitmap>& allowed, ids leave_out) {
  search_options options;
  options.k = k;
  options.leave_out = std::move(leave_out);
  options.radius = radius.value_or(std::numeric_limits<float>::infinity());
  options.only = std::move(only);
  if (allowed) {
    options.bitmap.assign(allowed->data(), allowed->data() + allowed->size());
    options.bitmap.push_back(false);  // empty would mean all
  }
  return options;
}

py::tuple to_python(neighbors&& found) {
  const auto count = static_cast<py::ssize_t>(found.size());
  const auto k = static_cast<py::ssize_t>(found.k);
  const std::vector<std::int64_t> counts(found.counts.begin(), found.counts.end());
  return py::make_tuple(give_away<std::int64_t>(std::move(found.ids), {count, k}),
                        give_away<float>(std::move(found.distances), {count, k}),
                        py::array_t<std::int64_t>(count, counts.data()), found.certified);
}

py::dict to_python(const detail::search_counts& counts) {
  py::dict fields;
  fields["rows"] = counts.rows;
  fields["coarse"] = counts.coarse;
  fields["fine"] = counts.fine;
  fields["measured"] = counts.measured;
  return fields;
}

using block_fields = std::tuple<std::string, int, int, float>;

std::vector<descriptor_block> to_blocks(const std::vector<block_fields>& given) {
  std::vector<descriptor_block> blocks;
  for (const auto& [name, cells, values, importance] : given)
    blocks.push_back({name, cells, values, importance});
  return blocks;
}

using floats = py::array_t<float, py::array::c_style | py::array::forcecast>;

/// Descriptors of the same blocks: values and weights are rows of two arrays.
std::vector<descriptor> to_descriptors(std::span<const descriptor_block> blocks, const floats& values,
                                       const floats& weights) {
  require(values.ndim() == 2 && weights.ndim() == 2 && values.shape(0) == weights.shape(0) &&
              values.shape(1) == static_cast<py::ssize_t>(value_count(blocks)) &&
              weights.shape(1) == static_cast<py::ssize_t>(cell_count(blocks)),
          "search: given arrays of other shapes, wanted (queries, ", value_count(blocks),
          ") values and (queries, ", cell_count(blocks), ") weights");
  std::vector<descriptor> queries;
  for (py::ssize_t q = 0; q < values.shape(0); ++q) {
    const float* from = values.data(q, 0);
    const float* weight = weights.data(q, 0);
    queries.push_back({{blocks.begin(), blocks.end()},
                       {from, from + values.shape(1)},
                       {weight, weight + weights.shape(1)}});
  }
  return queries;
}

}  // namespace

void bind_nearest(py::module_& module) {
  using py::arg;

  module.def(
      "nearest",
      [](const py::array& vectors, const std::optional<py::array>& queries, const std::string& how, int k,
         std::optional<float> radius, std::optional<ids> only, const std::optional<bitmap>& allowed,
         ids leave_out, std::uint64_t seed, const py::object& callback) {
        const vector_view known = view_of(vectors, "nearest");
        const metric m = meaning(how, "nearest.metric", metrics);
        const search_options options = options_of(k, radius, std::move(only), allowed, std::move(leave_out));
        std::optional<vector_view> sought;
        if (queries) sought = view_of(*queries, "nearest");
        neighbors found = watch(callback).run([&](const progress& watcher) {
          return sought ? nearest(known, *sought, m, options, seed, watcher)
                        : nearest_pairs(known, m, options, seed, watcher);
        });
        return to_python(std::move(found));
      },
      arg("vectors"), arg("queries"), arg("metric"), arg("k"), arg("radius"), arg("only"), arg("bitmap"),
      arg("leave_out"), arg("seed"), arg("progress"));

  py::class_<vector_index>(module, "VectorIndex")
      .def(py::init([](const py::array& vectors, const std::string& how, ids numbers, bool prepare,
                       std::uint64_t seed, const py::object& callback) {
             const vector_view view = view_of(vectors, "VectorIndex");
             const vector_index_options options{meaning(how, "VectorIndex.metric", metrics),
                                                std::move(numbers), prepare, seed};
             const std::shared_ptr<const void> keeper = keeper_of(vectors);
             return watch(callback).run(
                 [&](const progress& watcher) { return vector_index(view, options, keeper, watcher); });
           }),
           arg("vectors"), arg("metric"), arg("ids"), arg("prepare"), arg("seed"), arg("progress"))
      .def("__len__", [](const vector_index& index) { return index.size(); })
      .def("dimension", &vector_index::dimension)
      .def("prepared_memory", &vector_index::prepared_memory)
      .def(
          "without", [](const vector_index& index, ids removed) { return index.without(std::move(removed)); },
          arg("ids"), py::call_guard<py::gil_scoped_release>())
      .def(
          "search",
          [](const vector_index& index, const std::optional<py::array>& queries, int k,
             std::optional<float> radius, std::optional<ids> only, const std::optional<bitmap>& allowed,
             ids leave_out, const py::object& callback) {
            const search_options options =
                options_of(k, radius, std::move(only), allowed, std::move(leave_out));
            std::optional<vector_view> sought;
            if (queries) sought = view_of(*queries, "search");
            detail::search_counts counts;
            neighbors found = watch(callback).run([&](const progress& watcher) {
              return sought ? index.search(*sought, options, watcher, counts) : index.pairs(options, watcher);
            });
            return py::make_tuple(to_python(std::move(found)), to_python(counts));
          },
          arg("queries"), arg("k"), arg("radius"), arg("only"), arg("bitmap"), arg("leave_out"),
          arg("progress"));

  py::class_<descriptor_index>(module, "DescriptorIndex")
      .def(py::init([](const py::array& values, const std::vector<block_fields>& blocks, ids numbers,
                       bool prepare, std::uint64_t seed, const py::object& callback) {
             const vector_view view = view_of(values, "DescriptorIndex");
             const std::shared_ptr<const void> keeper = keeper_of(values);
             const descriptor_index_options options{std::move(numbers), prepare, seed};
             return watch(callback).run([&](const progress& watcher) {
               return descriptor_index(to_blocks(blocks), view, options, keeper, watcher);
             });
           }),
           arg("values"), arg("blocks"), arg("ids"), arg("prepare"), arg("seed"), arg("progress"))
      .def("__len__", [](const descriptor_index& index) { return index.size(); })
      .def("prepared_memory", &descriptor_index::prepared_memory)
      .def("block_distances", [](const descriptor_index& index) { return index.block_distances(); })
      .def(
          "search",
          [](const descriptor_index& index, const floats& values, const floats& weights,
             const std::vector<float>& importance, int k, std::optional<float> radius,
             std::optional<ids> only, const std::optional<bitmap>& allowed, ids leave_out,
             const py::object& callback) {
            search_options options = options_of(k, radius, std::move(only), allowed, std::move(leave_out));
            options.importance = importance;
            const std::vector<descriptor> queries = to_descriptors(index.blocks(), values, weights);
            detail::search_counts counts;
            neighbors found = watch(callback).run(
                [&](const progress& watcher) { return index.search(queries, options, watcher, counts); });
            return py::make_tuple(to_python(std::move(found)), to_python(counts));
          },
          arg("values"), arg("weights"), arg("importance"), arg("k"), arg("radius"), arg("only"),
          arg("bitmap"), arg("leave_out"), arg("progress"));
}

}  // namespace lookalike::python

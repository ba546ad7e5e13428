// Collections of photographs, and looking things up in them.

#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>
#include <pybind11/stl/filesystem.h>

#include <lookalike/retrieve/collection.hpp>
#include <lookalike/retrieve/near_duplicates.hpp>
#include <lookalike/retrieve/thumbnail_index.hpp>

#include "arrays.hpp"
#include "bindings.hpp"
#include "options.hpp"
#include "values.hpp"
#include "watch.hpp"

namespace lookalike::python {

namespace {

using path = std::filesystem::path;
using ids = std::vector<std::int64_t>;

py::array_t<std::int64_t> to_array(const ids& values) {
  return py::array_t<std::int64_t>(static_cast<py::ssize_t>(values.size()), values.data());
}

search_options search_for(int k, ids leave_out, std::optional<ids> only, std::vector<float> importance,
                          std::vector<double> block_distances = {}) {
  search_options options;
  options.block_distances = std::move(block_distances);
  options.k = k;
  options.leave_out = std::move(leave_out);
  options.importance = std::move(importance);
  if (only) {
    std::sort(only->begin(), only->end());
    options.filter = [sorted = std::move(*only)](std::int64_t id) {
      return std::binary_search(sorted.begin(), sorted.end(), id);
    };
  }
  return options;
}

/// The query as it comes: a photograph, with a mask or None.
masked_image to_query(const py::object& picture, const py::object& hole, const char* where) {
  const picture_view photo(picture, where);
  if (!hole.is_none()) {
    const mask_view missing(hole, where);
    const py::gil_scoped_release released;
    return to_masked_image(photo, missing, where);
  }
  const py::gil_scoped_release released;
  return {photo.to_image<3>(), mask(photo.height(), photo.width())};
}

py::dict to_python(const build_report& report) {
  std::vector<std::pair<std::string, std::string>> duplicates, skipped;
  for (const duplicate_file& file : report.duplicates) duplicates.emplace_back(file.path, file.of);
  for (const skipped_file& file : report.skipped) skipped.emplace_back(file.path, file.reason);
  py::dict fields;
  fields["added"] = report.added;
  fields["unchanged"] = report.unchanged;
  fields["moved"] = report.moved;
  fields["changed"] = report.changed;
  fields["vanished"] = report.vanished;
  fields["duplicates"] = duplicates;
  fields["skipped"] = skipped;
  return fields;
}

constexpr words<thumbnail_distance, 2> distances{
    {{"correlation", thumbnail_distance::correlation},
     {"squared_difference", thumbnail_distance::squared_difference}}};

}  // namespace

void bind_collection(py::module_& module) {
  using py::arg;
  const search_options search_defaults;

  py::class_<collection>(module, "Collection")
      .def_static(
          "build",
          [](const path& folder, const std::optional<path>& store, const py::object& encoder,
             std::optional<std::vector<path>> paths, const py::object& callback) {
            const build_options options{store.value_or(path()), to_picture_encoder(encoder),
                                        std::move(paths)};
            return watch(callback).run(
                [&](const progress& watcher) { return collection::build(folder, options, watcher); });
          },
          arg("folder"), arg("store"), arg("encoder"), arg("paths"), arg("progress"))
      .def_static("open", &collection::open, arg("folder_or_store"), py::call_guard<py::gil_scoped_release>())
      .def(
          "add",
          [](const collection& photos, const path& folder, const py::object& encoder,
             const py::object& callback) {
            const picture_encoder describes = to_picture_encoder(encoder);
            return watch(callback).run(
                [&](const progress& watcher) { return photos.add(folder, describes, watcher); });
          },
          arg("folder"), arg("encoder"), arg("progress"))
      .def("refresh", &collection::refresh, py::call_guard<py::gil_scoped_release>())
      .def("__len__", [](const collection& photos) { return photos.size(); })
      .def("ids",
           [](const collection& photos) {
             ids all;
             for (std::int64_t i = 0; i < photos.size(); ++i) all.push_back(photos.id(i));
             return to_array(all);
           })
      .def("hashes",
           [](const collection& photos) {
             std::vector<std::uint64_t> all;
             for (std::int64_t i = 0; i < photos.size(); ++i) all.push_back(photos.hash(photos.id(i)));
             return py::array_t<std::uint64_t>(static_cast<py::ssize_t>(all.size()), all.data());
           })
      .def(
          "path", [](const collection& photos, std::int64_t id) { return photos.path(id).string(); },
          arg("id"))
      .def(
          "thumbnail",
          [](const collection& photos, std::int64_t id) { return give_away(photos.thumbnail(id)); },
          arg("id"))
      .def(
          "descriptor",
          [](const collection& photos, std::int64_t id) { return to_python(photos.descriptor(id)); },
          arg("id"))
      .def("blocks",
           [](const collection& photos) {
             py::list blocks;
             for (const descriptor_block& block : photos.blocks()) blocks.append(to_python(block));
             return py::tuple(blocks);
           })
      .def("block_distances",
           [](const collection& photos) {
             const std::vector<double>* distances = nullptr;
             {
               const py::gil_scoped_release released;
               distances = &photos.block_distances();
             }
             return py::array_t<double>(static_cast<py::ssize_t>(distances->size()), distances->data());
           })
      .def(
          "search",
          [](const collection& photos, const py::object& sought, int k, ids leave_out,
             std::optional<ids> only, std::vector<float> importance, std::vector<double> block_distances,
             const py::object& shown) {
            const descriptor query = to_descriptor(sought, "search");
            const search_options options = search_for(k, std::move(leave_out), std::move(only),
                                                      std::move(importance), std::move(block_distances));
            matches found;
            {
              const py::gil_scoped_release released;
              found = photos.search(query, options);
            }
            return to_python(found, shown);
          },
          arg("descriptor"), py::kw_only(), arg("k"), arg("leave_out"), arg("only"), arg("importance"),
          arg("block_distances"), arg("photos"))
      .def(
          "search_thumbnails",
          [](const collection& photos, const py::object& picture, const py::object& hole,
             const std::string& distance, int k, ids leave_out, std::optional<ids> only,
             const py::object& shown) {
            const masked_image query = to_query(picture, hole, "search");
            const thumbnail_index index(photos, meaning(distance, "ThumbnailIndex.distance", distances));
            const search_options options = search_for(k, std::move(leave_out), std::move(only), {});
            matches found;
            {
              const py::gil_scoped_release released;
              found = index.search(query, options);
            }
            return to_python(found, shown);
          },
          arg("picture"), arg("mask"), py::kw_only(), arg("distance"), arg("k"), arg("leave_out"),
          arg("only"), arg("photos"))
      .def(
          "near_duplicates",
          [](const collection& photos, const py::object& picture, const py::object& hole, float correlation) {
            const masked_image query = to_query(picture, hole, "near_duplicates");
            ids found;
            {
              const py::gil_scoped_release released;
              found = near_duplicates(photos, query, {correlation});
            }
            return to_array(found);
          },
          arg("picture"), arg("mask"), py::kw_only(), arg("correlation"))
      .def_static(
          "block_distances_of",
          [](const py::list& descriptors) {
            std::vector<float> rows;
            std::vector<descriptor_block> blocks;
            for (const py::handle given : descriptors) {
              const descriptor each = to_descriptor(py::reinterpret_borrow<py::object>(given), "search");
              detail::append_row(each, rows);
              blocks = each.blocks;
            }
            const auto distances = detail::mean_squared_distances(
                detail::row_view{rows.data(), static_cast<std::int64_t>(descriptors.size()), blocks},
                [](std::int64_t) { return true; });
            return py::array_t<double>(static_cast<py::ssize_t>(distances.size()), distances.data());
          },
          arg("descriptors"))
      .def("report", [](const collection& photos) { return to_python(photos.report()); })
      .def("location", [](const collection& photos) { return photos.location().string(); })
      .def("photographs", [](const collection& photos) { return photos.photographs().string(); });
}

}  // namespace lookalike::python

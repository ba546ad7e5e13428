// Collections of photographs, and looking things up in them.

#include <algorithm>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <limits>
#include <map>
#include <memory>
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

constexpr words<column_type, 3> descriptor_types{
    {{"float32", column_type::float32}, {"float16", column_type::float16}, {"uint8", column_type::uint8}}};

/// Rows for a column in Python's memory, and what keeps it.
struct column_array {
  py::array array;
  column_values values;

  /// Of (rows, dimension) or (rows,), float32, float16 or uint8; float64 becomes float32.
  column_array(const py::handle& given, std::string encoder) {
    array = py::array::ensure(given, py::array::c_style);
    if (!array) PyErr_Clear();
    require(static_cast<bool>(array), "column: given ", py::str(py::type::of(given)).cast<std::string>(),
            ", wanted an array of numbers");
    std::string type = py::str(array.dtype().attr("name")).cast<std::string>();
    if (type == "float64") {
      array = py::array_t<float, py::array::c_style | py::array::forcecast>::ensure(array);
      type = "float32";
    } else if (array.dtype().attr("isnative").cast<bool>() == false) {
      array = py::array::ensure(array.attr("astype")(array.dtype().attr("newbyteorder")("=")),
                                py::array::c_style);
    }
    require(array.ndim() == 1 || array.ndim() == 2, "column: given an array with ", array.ndim(),
            " axes, wanted 1 or 2: (items, numbers)");
    values = column_values(array.data(), array.shape(0), array.ndim() == 2 ? array.shape(1) : 1,
                           meaning(type, "column.dtype", descriptor_types), std::move(encoder));
  }
};

std::vector<std::int32_t> to_labels(const py::object& given) {
  std::vector<std::int32_t> labels;
  if (given.is_none()) return labels;
  const auto array = py::array_t<std::int64_t, py::array::c_style>::ensure(given);
  if (!array) PyErr_Clear();
  require(static_cast<bool>(array) && array.ndim() == 1, "labels: given ",
          py::str(py::type::of(given)).cast<std::string>(), ", wanted a sequence of integers");
  for (py::ssize_t i = 0; i < array.size(); ++i) {
    const std::int64_t label = array.data()[i];
    require(label >= std::numeric_limits<std::int32_t>::min() &&
                label <= std::numeric_limits<std::int32_t>::max(),
            "labels: given ", label, ", wanted integers of 32 bits");
    labels.push_back(static_cast<std::int32_t>(label));
  }
  return labels;
}

/// Items as they come from Python: arrays stay where they are, pictures are converted when they are needed.
class python_items {
 public:
  python_items(ids given_ids, const py::object& labels, const py::dict& columns, const py::dict& encoders,
               const py::object& pictures)
      : pictures_(pictures) {
    items_.ids = std::move(given_ids);
    items_.labels = to_labels(labels);
    for (const auto& [name, value] : columns) {
      const auto pair = value.cast<py::tuple>();
      const column_array& array = arrays_.emplace_back(pair[0], pair[1].cast<std::string>());
      items_.columns.emplace(name.cast<std::string>(), array.values);
    }
    for (const auto& [name, encoder] : encoders) {
      items_.encoders.emplace(name.cast<std::string>(),
                              to_picture_encoder(py::reinterpret_borrow<py::object>(encoder)));
    }
    if (pictures.is_none()) return;
    const std::int64_t count = static_cast<std::int64_t>(py::len(pictures));
    items_.count = count;
    if (py::isinstance<py::array_t<std::uint8_t>>(pictures)) {
      thumbnails_ = py::array_t<std::uint8_t, py::array::c_style>::ensure(pictures);
      if (thumbnails_.ndim() == 4 && thumbnails_.shape(1) == thumbnail_side &&
          thumbnails_.shape(2) == thumbnail_side && thumbnails_.shape(3) == 3) {
        items_.thumbnails = thumbnails_.data();
        return;
      }
    }
    items_.picture = [this](std::int64_t i) {
      const py::gil_scoped_acquire held;
      return picture_view(pictures_[py::int_(i)], "add").to_image<3>();
    };
  }
  python_items(const python_items&) = delete;
  python_items& operator=(const python_items&) = delete;

  const collection_items& items() const { return items_; }

 private:
  py::object pictures_;
  py::array_t<std::uint8_t> thumbnails_;
  std::deque<column_array> arrays_;
  collection_items items_;
};

std::map<std::string, picture_encoder> to_encoders(const py::dict& given) {
  std::map<std::string, picture_encoder> encoders;
  for (const auto& [name, encoder] : given) {
    encoders.emplace(name.cast<std::string>(),
                     to_picture_encoder(py::reinterpret_borrow<py::object>(encoder)));
  }
  return encoders;
}

/// An array that shows memory of `owner` and keeps it.
template <class Owner>
py::array show(const py::dtype& type, std::vector<py::ssize_t> shape, std::vector<py::ssize_t> strides,
               const void* data, const Owner& owner) {
  auto kept = std::make_unique<Owner>(owner);
  py::capsule base(kept.get(), [](void* owned) { delete static_cast<Owner*>(owned); });
  kept.release();
  static const char nothing = 0;
  py::array array(type, std::move(shape), std::move(strides), data == nullptr ? &nothing : data, base);
  array.attr("flags").attr("writeable") = false;
  return array;
}

py::tuple to_python(const column_view& column) {
  const std::int64_t size = size_of(column.type());
  py::array values = show(py::dtype(std::string(name_of(column.type()))), {column.rows(), column.dimension()},
                          {column.pitch() * size, size}, column.data(), column);
  py::array row_ids = show(py::dtype::of<std::int64_t>(), {column.rows()}, {sizeof(std::int64_t)},
                           column.ids().data(), column);
  py::array_t<bool> live(column.rows());
  for (std::int64_t row = 0; row < column.rows(); ++row) live.mutable_at(row) = column.is_live(row);
  return py::make_tuple(values, row_ids, live);
}

py::tuple to_python(const column_info& info) {
  py::list blocks;
  for (const descriptor_block& block : info.blocks) blocks.append(python::to_python(block));
  return py::make_tuple(info.name, std::string(name_of(info.type)), info.dimension, info.encoder,
                        py::tuple(blocks));
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
             std::optional<std::vector<path>> paths, const py::dict& columns, const py::object& callback) {
            const build_options options{store.value_or(path()), to_picture_encoder(encoder), std::move(paths),
                                        to_encoders(columns)};
            return watch(callback).run(
                [&](const progress& watcher) { return collection::build(folder, options, watcher); });
          },
          arg("folder"), arg("store"), arg("encoder"), arg("paths"), arg("columns"), arg("progress"))
      .def_static("create", &collection::create, arg("store"), py::call_guard<py::gil_scoped_release>())
      .def_static("open", &collection::open, arg("folder_or_store"), py::call_guard<py::gil_scoped_release>())
      .def(
          "add",
          [](const collection& photos, const path& folder, const py::object& encoder, const py::dict& columns,
             const py::object& callback) {
            const picture_encoder describes = to_picture_encoder(encoder);
            const auto encoders = to_encoders(columns);
            return watch(callback).run(
                [&](const progress& watcher) { return photos.add(folder, describes, watcher, encoders); });
          },
          arg("folder"), arg("encoder"), arg("columns"), arg("progress"))
      .def(
          "add_items",
          [](const collection& store, bool replaces, ids given_ids, const py::object& labels,
             const py::dict& columns, const py::dict& encoders, const py::object& pictures,
             const py::object& callback) {
            const python_items given(std::move(given_ids), labels, columns, encoders, pictures);
            return watch(callback).run([&](const progress& watcher) {
              return replaces ? store.replace(given.items(), watcher) : store.add(given.items(), watcher);
            });
          },
          arg("replaces"), arg("ids"), arg("labels"), arg("columns"), arg("encoders"), arg("pictures"),
          arg("progress"))
      .def(
          "remove", [](const collection& store, const ids& given) { return store.remove(given); }, arg("ids"),
          py::call_guard<py::gil_scoped_release>())
      .def(
          "add_values",
          [](const collection& store, const std::string& name, const py::object& values,
             std::string encoder) {
            if (name == "labels") {
              const auto labels = to_labels(values);
              const py::gil_scoped_release released;
              return store.add_column(
                  name, {labels.data(), static_cast<std::int64_t>(labels.size()), 1, column_type::int32});
            }
            const column_array array(values, std::move(encoder));
            const py::gil_scoped_release released;
            return store.add_column(name, array.values);
          },
          arg("name"), arg("values"), arg("encoder"))
      .def(
          "add_described",
          [](const collection& store, const std::string& name, const py::object& encoder,
             const py::object& callback) {
            const picture_encoder describes = to_picture_encoder(encoder);
            return watch(callback).run(
                [&](const progress& watcher) { return store.add_column(name, describes, watcher); });
          },
          arg("name"), arg("encoder"), arg("progress"))
      .def("drop_column", &collection::drop_column, arg("name"), py::call_guard<py::gil_scoped_release>())
      .def(
          "compact",
          [](const collection& store, const py::object& callback) {
            return watch(callback).run([&](const progress& watcher) { return store.compact(watcher); });
          },
          arg("progress"))
      .def(
          "verify",
          [](const collection& store, const py::object& callback) {
            const auto damages =
                watch(callback).run([&](const progress& watcher) { return store.verify(watcher); });
            py::list found;
            for (const store_damage& damage : damages) found.append(py::make_tuple(damage.file, damage.what));
            return found;
          },
          arg("progress"))
      .def("columns",
           [](const collection& store) {
             py::list infos;
             for (const column_info& info : store.columns()) infos.append(to_python(info));
             return infos;
           })
      .def(
          "column",
          [](const collection& store, const std::string& name) { return to_python(store.column(name)); },
          arg("name"))
      .def("contains", &collection::contains, arg("id"))
      .def(
          "row", [](const collection& store, std::int64_t id) { return store.state().row_of(id); }, arg("id"))
      .def("label", &collection::label, arg("id"))
      .def("labels",
           [](const collection& store) -> py::object {
             if (!store.has_labels()) return py::none();
             py::array_t<std::int32_t> labels(store.size());
             const auto& rows = store.state().live_rows();
             for (std::size_t i = 0; i < rows.size(); ++i) {
               labels.mutable_at(static_cast<py::ssize_t>(i)) =
                   store.state().labels()[static_cast<std::size_t>(rows[i])];
             }
             return labels;
           })
      .def("has_thumbnails", &collection::has_thumbnails)
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
          [](const collection& photos, std::int64_t id, const std::string& column) {
            return to_python(photos.descriptor(id, column));
          },
          arg("id"), arg("column"))
      .def(
          "block_distances",
          [](const collection& photos, const std::string& column) {
            const std::vector<double>* distances = nullptr;
            {
              const py::gil_scoped_release released;
              distances = &photos.block_distances(column);
            }
            return py::array_t<double>(static_cast<py::ssize_t>(distances->size()), distances->data());
          },
          arg("column"))
      .def(
          "search",
          [](const collection& photos, const py::object& sought, int k, ids leave_out,
             std::optional<ids> only, std::vector<float> importance, const std::string& column,
             std::vector<double> block_distances, const py::object& shown) {
            const descriptor query = to_descriptor(sought, "search");
            const search_options options = search_for(k, std::move(leave_out), std::move(only),
                                                      std::move(importance), std::move(block_distances));
            matches found;
            {
              const py::gil_scoped_release released;
              found = photos.search(query, options, column);
            }
            return to_python(found, shown);
          },
          arg("descriptor"), py::kw_only(), arg("k"), arg("leave_out"), arg("only"), arg("importance"),
          arg("column"), arg("block_distances"), arg("photos"))
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

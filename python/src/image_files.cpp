// Files of many small pictures: Tiny Images, and CIFAR-10's binary version.

#include <cstdint>
#include <filesystem>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>
#include <pybind11/stl/filesystem.h>

#include <lookalike/nn/cifar.hpp>
#include <lookalike/retrieve/tiny_image_files.hpp>

#include "arrays.hpp"
#include "bindings.hpp"
#include "watch.hpp"

namespace lookalike::python {

namespace {

using path = std::filesystem::path;
using byte_array = py::array_t<std::uint8_t, py::array::c_style>;

/// (n, 32, 32, 3) of uint8.
byte_array to_small_pictures(const py::object& given, const char* where) {
  byte_array pictures;
  if (py::isinstance<py::array_t<std::uint8_t>>(given)) pictures = byte_array::ensure(given);
  require(pictures.ndim() == 4 && pictures.shape(1) == thumbnail_side &&
              pictures.shape(2) == thumbnail_side && pictures.shape(3) == 3,
          where, ": given something else, wanted a uint8 array of shape (pictures, 32, 32, 3)");
  return pictures;
}

byte_array no_pictures(std::int64_t count) {
  return byte_array(std::vector<py::ssize_t>{count, thumbnail_side, thumbnail_side, 3});
}

constexpr std::int64_t plane = std::int64_t{thumbnail_side} * thumbnail_side;

}  // namespace

void bind_image_files(py::module_& module) {
  using py::arg;

  py::class_<tiny_images_file>(module, "TinyImages")
      .def(py::init<const path&>(), arg("path"))
      .def("__len__", &tiny_images_file::count)
      .def(
          "read",
          [](const tiny_images_file& file, const std::vector<std::int64_t>& at) {
            byte_array pictures = no_pictures(static_cast<std::int64_t>(at.size()));
            std::uint8_t* const to = pictures.mutable_data();
            const py::gil_scoped_release released;
            for (std::size_t i = 0; i < at.size(); ++i) file.read(at[i], to + i * thumbnail_size);
            return pictures;
          },
          arg("positions"));
  module.def(
      "write_tiny_images",
      [](const path& to, const py::object& given) {
        const byte_array pictures = to_small_pictures(given, "write_tiny_images");
        const std::span<const std::uint8_t> bytes(pictures.data(), static_cast<std::size_t>(pictures.size()));
        const py::gil_scoped_release released;
        write_tiny_images(to, bytes);
      },
      arg("path"), arg("pictures"));

  py::class_<tiny_metadata_file>(module, "TinyMetadata")
      .def(py::init<const path&>(), arg("path"))
      .def("__len__", &tiny_metadata_file::count)
      .def(
          "record",
          [](const tiny_metadata_file& file, std::int64_t at) {
            return py::bytes(std::string(file.record(at)));
          },
          arg("position"))
      .def(
          "field",
          [](const tiny_metadata_file& file, std::int64_t at, const std::string& name) {
            return py::bytes(std::string(file.field(at, name)));
          },
          arg("position"), arg("name"));
  py::list fields;
  for (const tiny_image_field& field : tiny_image_fields) {
    fields.append(py::make_tuple(std::string(field.name), field.width));
  }
  module.attr("tiny_image_fields") = py::tuple(fields);
  module.def(
      "tiny_image_record",
      [](const std::vector<std::string>& values) { return py::bytes(tiny_image_record(values)); },
      arg("fields"));
  module.def(
      "write_tiny_metadata",
      [](const path& to, const std::vector<std::string>& records) { write_tiny_metadata(to, records); },
      arg("path"), arg("records"), py::call_guard<py::gil_scoped_release>());

  module.def(
      "read_tiny_gist",
      [](const path& from) {
        auto kept = std::make_unique<tiny_gist_file>(from);
        const std::int64_t count = kept->count();
        const float* const data = (*kept)[0].data();
        py::capsule owner(kept.get(), [](void* owned) { delete static_cast<tiny_gist_file*>(owned); });
        kept.release();
        py::array_t<float> values(std::vector<py::ssize_t>{count, tiny_image_gist_size}, data, owner);
        values.attr("flags").attr("writeable") = false;
        return values;
      },
      arg("path"));
  module.def(
      "write_tiny_gist",
      [](const path& to, const py::array_t<float, py::array::c_style | py::array::forcecast>& values) {
        require(values.ndim() == 2 && values.shape(1) == tiny_image_gist_size,
                "write_tiny_gist: given an array with ", values.ndim(),
                " axes, wanted one of shape (pictures, ", tiny_image_gist_size, ")");
        const std::span<const float> numbers(values.data(), static_cast<std::size_t>(values.size()));
        const py::gil_scoped_release released;
        write_tiny_gist(to, numbers);
      },
      arg("path"), arg("values"));

  module.def(
      "read_cifar10_records",
      [](const std::vector<path>& from, std::optional<std::int64_t> at_most) {
        labeled_pictures read;
        {
          const py::gil_scoped_release released;
          read = read_cifar10_records(from, at_most.value_or(std::numeric_limits<std::int64_t>::max()));
        }
        byte_array pictures = no_pictures(read.count());
        std::uint8_t* to = pictures.mutable_data();
        for (std::int64_t i = 0; i < read.count(); ++i) {
          const std::uint8_t* const planes = read.pictures.data() + i * 3 * plane;
          for (std::int64_t pixel = 0; pixel < plane; ++pixel) {
            for (std::int64_t channel = 0; channel < 3; ++channel) *to++ = planes[channel * plane + pixel];
          }
        }
        return py::make_tuple(
            pictures, py::array_t<int>(static_cast<py::ssize_t>(read.labels.size()), read.labels.data()));
      },
      arg("paths"), arg("at_most"));
  module.def(
      "write_cifar10_records",
      [](const path& to, const py::object& given, std::vector<int> labels) {
        const byte_array pictures = to_small_pictures(given, "write_cifar10_records");
        labeled_pictures records{tensor<std::uint8_t>(pictures.shape(0), 3, thumbnail_side, thumbnail_side),
                                 std::move(labels)};
        const std::uint8_t* from = pictures.data();
        for (std::int64_t i = 0; i < records.count(); ++i) {
          std::uint8_t* const planes = records.pictures.data() + i * 3 * plane;
          for (std::int64_t pixel = 0; pixel < plane; ++pixel) {
            for (std::int64_t channel = 0; channel < 3; ++channel) planes[channel * plane + pixel] = *from++;
          }
        }
        const py::gil_scoped_release released;
        write_cifar10_records(to, records);
      },
      arg("path"), arg("pictures"), arg("labels"));

  module.def(
      "import_tiny_images",
      [](const path& pictures, const path& store, const std::optional<path>& gist,
         std::optional<std::int64_t> at_most, const py::object& callback) {
        const import_options options{gist.value_or(path()),
                                     at_most.value_or(std::numeric_limits<std::int64_t>::max())};
        return watch(callback).run(
            [&](const progress& watcher) { return import_tiny_images(pictures, store, options, watcher); });
      },
      arg("pictures"), arg("store"), arg("gist"), arg("at_most"), arg("progress"));
}

}  // namespace lookalike::python

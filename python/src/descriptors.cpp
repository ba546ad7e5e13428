// Encoders of pictures by their common type: branches of several, networks, and none at all.

#include <cmath>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <lookalike/retrieve/gray_thumbnail.hpp>
#include <lookalike/retrieve/learned_descriptor.hpp>
#include <lookalike/retrieve/on_gray.hpp>
#include <lookalike/retrieve/picture_encoder.hpp>

#include "arrays.hpp"
#include "bindings.hpp"
#include "network.hpp"
#include "values.hpp"

namespace lookalike::python {

namespace {

using py::arg;

/// The numbers of a channel each, for values in [0, 1], as those for bytes.
normalization to_normalization(const std::vector<float>& mean, const std::vector<float>& deviation) {
  require(mean.size() == 3 && deviation.size() == 3, "encode: given ", mean.size(), " means and ",
          deviation.size(), " deviations, wanted 3 each");
  normalization result = uniform_normalization(3);
  for (std::size_t c = 0; c < 3; ++c) {
    require(std::isfinite(mean[c]) && std::isfinite(deviation[c]) && deviation[c] > 0,
            "encode: given a mean of ", mean[c], " and a deviation of ", deviation[c],
            ", wanted finite numbers and a deviation above 0");
    result.mean.data()[c] = 255.0f * mean[c];
    result.scale.data()[c] = 1.0f / (255.0f * deviation[c]);
  }
  return result;
}

picture_encoder encoder_of_network(const network_handle<float>& network, std::string part, int height,
                                   int width, const std::vector<float>& mean,
                                   const std::vector<float>& deviation, bool unit_length, float importance) {
  learned_descriptor_options options{height, width, to_normalization(mean, deviation), unit_length,
                                     importance};
  const py::gil_scoped_release released;
  return encode(network->net, std::move(part), std::move(options));
}

py::object describe(const picture_encoder& encoder, const py::object& picture, const py::object& hole) {
  require(hole.is_none(), "picture_encoder: given a picture with a hole, wanted a whole one");
  const picture_view view(picture, "picture_encoder");
  descriptor found;
  {
    const py::gil_scoped_release released;
    found = encoder(view.to_image<3>());
  }
  return to_python(found);
}

/// An encoder whose type is known at run time, with its blocks as `on_gray` wants them.
struct any_encoder {
  picture_encoder encoder;
  descriptor operator()(const image<3>& picture) const { return encoder(picture); }
  std::vector<descriptor_block> blocks() const { return {encoder.blocks().begin(), encoder.blocks().end()}; }
  int sufficient_side() const { return encoder.sufficient_side(); }
};

}  // namespace

void bind_descriptors(py::module_& module) {
  py::class_<picture_encoder>(module, "PictureEncoder")
      .def(py::init([](const py::object& encoder) { return to_picture_encoder(encoder); }), arg("encoder"))
      .def_static("thumbnails_only", [] { return picture_encoder(thumbnails_only); })
      .def_static("gray_thumbnail", [] { return picture_encoder(gray_thumbnail); })
      .def_static(
          "on_gray",
          [](const py::object& encoder) {
            return picture_encoder(on_gray(any_encoder{to_picture_encoder(encoder)}));
          },
          arg("encoder"))
      .def_static("of_network", &encoder_of_network, arg("network"), py::kw_only(), arg("part"),
                  arg("height"), arg("width"), arg("mean"), arg("deviation"), arg("unit_length"),
                  arg("importance"))
      .def("__call__", &describe, arg("picture"), arg("mask") = py::none())
      .def("blocks",
           [](const picture_encoder& encoder) {
             py::list blocks;
             for (const descriptor_block& block : encoder.blocks()) blocks.append(to_python(block));
             return py::tuple(blocks);
           })
      .def("sufficient_side", &picture_encoder::sufficient_side);
}

}  // namespace lookalike::python

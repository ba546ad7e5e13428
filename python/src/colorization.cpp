// Colorization by look-up: gray encoders, the index of color pictures by gray, decoders, and measures.

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <lookalike/apps/colorize.hpp>
#include <lookalike/blend/color_transfer.hpp>
#include <lookalike/models/color_metrics.hpp>

#include "arrays.hpp"
#include "bindings.hpp"
#include "options.hpp"
#include "values.hpp"
#include "watch.hpp"

namespace lookalike::python {

namespace {

using namespace py::literals;
using py::arg;
using id_list = std::vector<std::int64_t>;

constexpr words<color_average, 3> averages{
    {{"mean", color_average::mean}, {"median", color_average::median}, {"soft", color_average::soft}}};

py::array_t<std::int64_t> id_array(std::span<const std::int64_t> values) {
  return py::array_t<std::int64_t>(static_cast<py::ssize_t>(values.size()), values.data());
}

// Pictures
// -----------------------------------------------------------------------------------------------------------

/// A picture in L*a*b*.
image<3> lab_picture(const py::object& given, const char* where) {
  const picture_view view(given, where);
  require(view.form().values != scalar::uint8 && view.form().channels == 3, where,
          ": given a picture that cannot be in L*a*b*, wanted height x width x 3 of float32 or float64");
  return view.to_image<3>(value_range::any);
}

/// In color, whatever the query was.
picture_form colored(picture_form form) {
  form.channels = 3;
  form.has_channel_axis = true;
  return form;
}

// Encoders
// -----------------------------------------------------------------------------------------------------------

py::tuple blocks_of(const picture_encoder& encoder) {
  py::list blocks;
  for (const descriptor_block& block : encoder.blocks()) blocks.append(to_python(block));
  return py::tuple(blocks);
}

// Decoders
// -----------------------------------------------------------------------------------------------------------

color_decoder to_decoder(const py::object& given) {
  if (py::isinstance<average_color_stage>(given)) return given.cast<const average_color_stage&>();
  if (py::isinstance<vote_color_stage>(given)) return given.cast<const vote_color_stage&>();
  if (py::isinstance<global_transfer_stage>(given)) return given.cast<const global_transfer_stage&>();
  return given.cast<const welsh_stage&>();
}

/// `photos` is what the ids belong to.
py::object result_of(colorization&& made, const picture_form& query, const py::object& photos) {
  return py::module_::import("lookalike.colorization")
      .attr("Colorization")(
          "picture"_a = to_array(std::move(made.picture), colored(query)),
          "lab"_a = give_away(std::move(made.lab)), "neighbors"_a = to_python(made.neighbors, photos),
          "used"_a = py::tuple(py::cast(made.used)), "saturation_ratio"_a = made.saturation_ratio);
}

template <class Decoder>
py::object decode_matches(const Decoder& decoder, const py::object& picture, const py::object& found) {
  const char* where = Decoder::name.data();  // a literal
  const picture_view view(picture, where);
  matches neighbors = to_matches(found, where);
  colorization made;
  {
    const py::gil_scoped_release released;
    made = decoder({view.to_image<3>(), std::move(neighbors)});
  }
  return result_of(std::move(made), view.form(), found.attr("photos"));
}

using swatch_boxes = std::vector<std::pair<std::array<int, 4>, std::array<int, 4>>>;

std::vector<swatch> to_swatches(const swatch_boxes& given) {
  std::vector<swatch> swatches;
  for (const auto& [p, e] : given) swatches.push_back({{p[0], p[1], p[2], p[3]}, {e[0], e[1], e[2], e[3]}});
  return swatches;
}

welsh_options to_welsh_options(int samples, int window, double luminance_weight, bool remap,
                               std::uint64_t seed) {
  return {samples, window, luminance_weight, remap, seed};
}

void bind_decoders(py::module_& module) {
  const auto average_options = [](const std::string& average, double temperature, int side) {
    return average_color_options{meaning(average, "average_color.average", averages), temperature, side};
  };
  py::class_<average_color_stage>(module, "AverageColor")
      .def(py::init([average_options](const std::string& average, double temperature, int side) {
             return average_color_stage(average_options(average, temperature, side));
           }),
           py::kw_only(), arg("average"), arg("temperature"), arg("side"))
      .def_static("defaults",
                  [] {
                    const average_color_options options;
                    return py::dict("average"_a = word_for(options.average, averages),
                                    "temperature"_a = options.temperature, "side"_a = options.side);
                  })
      .def("__call__", &decode_matches<average_color_stage>, arg("picture"), arg("matches"));

  py::class_<global_transfer_stage>(module, "GlobalTransfer")
      .def(py::init([average_options](const std::string& average, double temperature, int side) {
             return global_transfer_stage({average_options(average, temperature, side)});
           }),
           py::kw_only(), arg("average"), arg("temperature"), arg("side"))
      .def_static("defaults",
                  [] {
                    const average_color_options options = global_transfer_options{}.average;
                    return py::dict("average"_a = word_for(options.average, averages),
                                    "temperature"_a = options.temperature, "side"_a = options.side);
                  })
      .def("__call__", &decode_matches<global_transfer_stage>, arg("picture"), arg("matches"));

  py::class_<vote_color_stage>(module, "VoteColor")
      .def(py::init([](double temperature, double mode_radius, int bins, double sigma, int window,
                       double soft_temperature, int side) {
             return vote_color_stage(
                 {temperature, mode_radius, {bins, sigma}, window, soft_temperature, side});
           }),
           py::kw_only(), arg("temperature"), arg("mode_radius"), arg("bins"), arg("sigma"), arg("window"),
           arg("soft_temperature"), arg("side"))
      .def_static("defaults",
                  [] {
                    const vote_color_options options;
                    return py::dict("temperature"_a = options.temperature,
                                    "mode_radius"_a = options.mode_radius,
                                    "bins"_a = options.encoding.neighbors, "sigma"_a = options.encoding.sigma,
                                    "window"_a = options.window,
                                    "soft_temperature"_a = options.soft_temperature, "side"_a = options.side);
                  })
      .def("__call__", &decode_matches<vote_color_stage>, arg("picture"), arg("matches"));

  py::class_<welsh_stage>(module, "Welsh")
      .def(py::init([](int samples, int window, double luminance_weight, bool remap, int examples,
                       int longest_side, const swatch_boxes& swatches, std::uint64_t seed) {
             return welsh_stage({to_welsh_options(samples, window, luminance_weight, remap, seed), examples,
                                 longest_side, to_swatches(swatches)});
           }),
           py::kw_only(), arg("samples"), arg("window"), arg("luminance_weight"), arg("remap"),
           arg("examples"), arg("longest_side"), arg("swatches"), arg("seed"))
      .def_static("defaults",
                  [] {
                    const welsh_stage_options options;
                    return py::dict("samples"_a = options.transfer.samples,
                                    "window"_a = options.transfer.window,
                                    "luminance_weight"_a = options.transfer.luminance_weight,
                                    "remap"_a = options.transfer.remap, "examples"_a = options.examples,
                                    "longest_side"_a = options.longest_side, "swatches"_a = py::tuple(),
                                    "seed"_a = options.transfer.seed);
                  })
      .def("__call__", &decode_matches<welsh_stage>, arg("picture"), arg("matches"));
}

// Index
// -----------------------------------------------------------------------------------------------------------

/// (count, height, width, 3) of uint8.
photo_array to_photo_array(const py::object& given) {
  const auto array = py::array::ensure(given);
  const bool is_bytes = array && array.dtype().kind() == 'u' && array.itemsize() == 1;
  require(is_bytes && array.ndim() == 4 && array.shape(3) == 3, "GrayIndex: given ",
          array ? py::repr(py::tuple(py::cast(
                               std::vector<py::ssize_t>(array.shape(), array.shape() + array.ndim()))))
                          .cast<std::string>() +
                      " of " + py::str(array.dtype()).cast<std::string>()
                : py::str(py::type::of(given).attr("__name__")).cast<std::string>(),
          ", wanted a collection or an array of (count, height, width, 3) of uint8");
  const py::array_t<std::uint8_t, py::array::c_style | py::array::forcecast> dense(array);
  return photo_array({dense.data(), dense.data() + dense.size()}, static_cast<int>(dense.shape(1)),
                     static_cast<int>(dense.shape(2)));
}

search_options search_for(int k, id_list leave_out, std::optional<id_list> only) {
  search_options options;
  options.k = k;
  options.leave_out = std::move(leave_out);
  if (only) {
    std::sort(only->begin(), only->end());
    options.filter = [sorted = std::move(*only)](std::int64_t id) {
      return std::binary_search(sorted.begin(), sorted.end(), id);
    };
  }
  return options;
}

void bind_index(py::module_& module) {
  py::class_<gray_index>(module, "GrayIndex")
      .def_static(
          "build",
          [](const py::object& photos, const py::object& encoder, const py::object& callback) {
            picture_encoder describes = to_picture_encoder(encoder);
            const py::object handle = py::getattr(photos, "_handle", py::none());
            if (py::isinstance<collection>(handle)) {
              const collection known = handle.cast<const collection&>();
              return watch(callback).run(
                  [&](const progress& watcher) { return gray_index(known, std::move(describes), watcher); });
            }
            photo_array pictures = to_photo_array(photos);
            return watch(callback).run([&](const progress& watcher) {
              return gray_index(std::move(pictures), std::move(describes), watcher);
            });
          },
          arg("photos"), arg("encoder"), arg("progress"))
      .def("__len__", &gray_index::size)
      .def("ids", [](const gray_index& known) { return id_array(known.ids()); })
      .def(
          "read",
          [](const gray_index& known, std::int64_t id) {
            byte_image picture;
            {
              const py::gil_scoped_release released;
              picture = known.source()->read_photo(id);
            }
            return give_away(std::move(picture));
          },
          arg("id"))
      .def("encoder", &gray_index::encoder, py::return_value_policy::reference_internal)
      .def("blocks", [](const gray_index& known) { return blocks_of(known.encoder()); })
      .def(
          "search",
          [](const gray_index& known, const py::object& sought, int k, id_list leave_out,
             std::optional<id_list> only, const py::object& shown) {
            const descriptor query = to_descriptor(sought, "search");
            const search_options options = search_for(k, std::move(leave_out), std::move(only));
            matches found;
            {
              const py::gil_scoped_release released;
              found = known.search(query, options);
            }
            return to_python(found, shown);
          },
          arg("descriptor"), py::kw_only(), arg("k"), arg("leave_out"), arg("only"), arg("photos"))
      .def(
          "near_duplicates",
          [](const gray_index& known, const py::object& picture, float correlation) {
            const picture_view view(picture, "near_duplicates");
            id_list found;
            {
              const py::gil_scoped_release released;
              found = known.near_duplicates(view.to_image<3>(), correlation);
            }
            return id_array(found);
          },
          arg("picture"), py::kw_only(), arg("correlation"))
      .def(
          "colorize",
          [](const gray_index& known, const py::object& picture, const py::object& decoder, int k,
             id_list leave_out, float near_duplicates, int alternatives, const py::object& shown) {
            const picture_view view(picture, "colorize");
            const colorize_options options{k, to_decoder(decoder), std::move(leave_out), near_duplicates};
            std::vector<colorization> made;
            {
              const py::gil_scoped_release released;
              image<3> query = view.to_image<3>();
              if (alternatives > 0) {
                made = colorize_alternatives(query, known, alternatives, options);
              } else {
                made.push_back(colorize(std::move(query), known, options));
              }
            }
            py::list results;
            for (colorization& one : made) results.append(result_of(std::move(one), view.form(), shown));
            return results;
          },
          arg("picture"), arg("decoder"), py::kw_only(), arg("k"), arg("leave_out"), arg("near_duplicates"),
          arg("alternatives"), arg("photos"));
}

// Functions on arrays
// ------------------------------------------------------------------------------------------------

void bind_functions(py::module_& module) {
  module.def(
      "limit_chroma",
      [](const py::object& lab) {
        image<3> limited = lab_picture(lab, "limit_chroma");
        {
          const py::gil_scoped_release released;
          limited = limit_chroma(std::move(limited));
        }
        return give_away(std::move(limited));
      },
      arg("lab"));
  module.def(
      "transfer_color",
      [](const py::object& picture, const py::object& example, bool clip) {
        const picture_view view(picture, "transfer_color"), colors(example, "transfer_color");
        image<3> made;
        {
          const py::gil_scoped_release released;
          made = transfer_color(view.to_image<3>(), colors.to_image<3>());
          if (clip || view.form().values == scalar::uint8) {
            for (float& value : made.values()) value = std::clamp(value, 0.0f, 1.0f);
          }
        }
        return to_array(std::move(made), colored(view.form()));
      },
      arg("picture"), arg("example"), arg("clip"));
  module.def(
      "welsh_transfer",
      [](const py::object& picture, const py::object& example, const swatch_boxes& swatches, int samples,
         int window, double luminance_weight, bool remap, std::uint64_t seed) {
        const picture_view view(picture, "welsh_transfer"), colors(example, "welsh_transfer");
        image<3> lab;
        {
          const py::gil_scoped_release released;
          const welsh_options options = to_welsh_options(samples, window, luminance_weight, remap, seed);
          const image<1> light = lightness(view.to_image<3>());
          const image<3> colored_example = rgb_to_lab(colors.to_image<3>());
          const image<2> chroma =
              swatches.empty() ? welsh_transfer(light, colored_example, options)
                               : welsh_transfer(light, colored_example, to_swatches(swatches), options);
          lab = limit_chroma(with_chroma(light, chroma));
        }
        return to_array(lab_to_rgb(lab), colored(view.form()));
      },
      arg("picture"), arg("example"), arg("swatches"), py::kw_only(), arg("samples"), arg("window"),
      arg("luminance_weight"), arg("remap"), arg("seed"));
}

/// A measure of two pictures in L*a*b*.
template <class Measure>
auto of_lab_pair(const char* where, const Measure& measure) {
  return [where, measure](const py::object& result, const py::object& truth) {
    const image<3> ours = lab_picture(result, where), theirs = lab_picture(truth, where);
    const py::gil_scoped_release released;
    return measure(ours, theirs);
  };
}

void bind_metrics(py::module_& module) {
  module.def("chroma_error", of_lab_pair("chroma_error", &chroma_error), arg("result"), arg("truth"));
  module.def("saturation_ratio", of_lab_pair("saturation_ratio", &saturation_ratio), arg("result"),
             arg("truth"));
  module.def(
      "color_accuracy_area",
      [](const py::object& result, const py::object& truth, const std::vector<double>& bin_weights,
         double limit) {
        const image<3> ours = lab_picture(result, "color_accuracy_area");
        const image<3> theirs = lab_picture(truth, "color_accuracy_area");
        const py::gil_scoped_release released;
        return color_accuracy_area(ours, theirs, bin_weights, limit);
      },
      arg("result"), arg("truth"), arg("bin_weights"), arg("limit"));
  module.def(
      "peak_signal_to_noise",
      [](const py::object& result, const py::object& truth) {
        const picture_view ours(result, "peak_signal_to_noise"), theirs(truth, "peak_signal_to_noise");
        const py::gil_scoped_release released;
        return peak_signal_to_noise(ours.to_image<3>(), theirs.to_image<3>());
      },
      arg("result"), arg("truth"));
  module.def(
      "colorfulness",
      [](const py::object& picture) {
        const picture_view view(picture, "colorfulness");
        const py::gil_scoped_release released;
        return colorfulness(view.to_image<3>());
      },
      arg("picture"));
  module.def(
      "dominant_hue",
      [](const py::object& lab, int bins, double gray) {
        return dominant_hue(lab_picture(lab, "dominant_hue"), bins, gray);
      },
      arg("lab"), arg("bins"), arg("gray"));
}

}  // namespace

void bind_colorization(py::module_& module) {
  bind_decoders(module);
  bind_index(module);
  bind_functions(module);
  bind_metrics(module);
}

}  // namespace lookalike::python

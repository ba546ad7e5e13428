// Pictures in and out of files, color, size, contact sheets: functions on arrays.

#include <array>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include <pybind11/pybind11.h>
#include <pybind11/stl.h>
#include <pybind11/stl/filesystem.h>

#include <lookalike/image/color.hpp>
#include <lookalike/image/contact_sheet.hpp>
#include <lookalike/image/read.hpp>
#include <lookalike/image/resample.hpp>
#include <lookalike/image/write.hpp>

#include "arrays.hpp"
#include "bindings.hpp"
#include "options.hpp"

namespace lookalike::python {

namespace {

using path = std::filesystem::path;

std::span<const std::byte> bytes_of(const py::bytes& data) {
  const auto view = static_cast<std::string_view>(data);
  return std::as_bytes(std::span(view.data(), view.size()));
}

constexpr words<mask_rule, 3> mask_rules{{{"automatic", mask_rule::automatic},
                                          {"light", mask_rule::light},
                                          {"transparent", mask_rule::transparent}}};
constexpr words<resampling, 3> resamplings{
    {{"area", resampling::area}, {"bilinear", resampling::bilinear}, {"bicubic", resampling::bicubic}}};
constexpr words<picture_format, 2> formats{{{"jpeg", picture_format::jpeg}, {"png", picture_format::png}}};

decode_options decoding(int at_least, bool apply_orientation, bool accept_damaged,
                        const std::array<float, 3>& background, std::int64_t max_pixels) {
  return {at_least, apply_orientation, accept_damaged, background, max_pixels};
}

/// What `read_bytes` or `read_floats` make of a file, in the type that is wanted.
template <class ReadBytes, class ReadFloats>
py::array decoded(scalar wanted, const ReadBytes& read_bytes, const ReadFloats& read_floats) {
  if (wanted == scalar::uint8) {
    byte_image picture;
    {
      const py::gil_scoped_release released;
      picture = read_bytes();
    }
    return give_away(std::move(picture));
  }
  image<3> picture;
  {
    const py::gil_scoped_release released;
    picture = read_floats();
  }
  return to_array(std::move(picture), {wanted, 3, true});
}

py::array read(const path& file, const py::object& dtype, const decode_options& options) {
  return decoded(
      scalar_named(dtype, "read_image"), [&] { return read_image_bytes(file, options); },
      [&] { return read_image(file, options); });
}

py::array decode(const py::bytes& data, const py::object& dtype, const decode_options& options) {
  const auto bytes = bytes_of(data);
  return decoded(
      scalar_named(dtype, "decode_image"), [&] { return decode_image_bytes(bytes, options); },
      [&] { return decode_image(bytes, options); });
}

/// Calls `write(picture)` without the GIL, with bytes where bytes came (they are stored as they are).
template <class Write>
auto with_pixels(const picture_view& view, const Write& write) {
  const py::gil_scoped_release released;
  if (view.form().values == scalar::uint8) {
    return view.form().channels == 1 ? write(view.to_bytes<1>()) : write(view.to_bytes<3>());
  }
  return view.form().channels == 1 ? write(view.to_image<1>()) : write(view.to_image<3>());
}

void write(const path& file, const py::object& picture, const encode_options& options) {
  const picture_view view(picture, "write_image");
  with_pixels(view, [&](const auto& pixels) { write_image(file, pixels, options); });
}

py::bytes encode(const py::object& picture, const std::string& format, const encode_options& options) {
  const picture_view view(picture, "encode_image");
  const picture_format wanted = meaning(format, "encode_image.format", formats);
  const auto bytes =
      with_pixels(view, [&](const auto& pixels) { return encode_image(pixels, wanted, options); });
  return py::bytes(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

/// Floats of the input's precision; float32 for bytes, which cannot hold L*a*b*.
picture_form as_floats(const picture_form& form) {
  return {form.values == scalar::float64 ? scalar::float64 : scalar::float32, 3, true};
}

void require_color(const picture_view& view, const char* where, const char* wanted) {
  require(view.form().channels == 3, where, ": given a picture of ", view.height(), "x", view.width(),
          " (height x width) with 1 channel, wanted ", wanted);
}

py::array to_lab(const py::object& picture) {
  const picture_view view(picture, "rgb_to_lab");
  require_color(view, "rgb_to_lab", "3 (red, green, blue)");
  image<3> lab;
  {
    const py::gil_scoped_release released;
    lab = rgb_to_lab(view.to_image<3>());
  }
  return to_array(std::move(lab), as_floats(view.form()));
}

py::array to_rgb(const py::object& picture, bool clamp) {
  const picture_view view(picture, "lab_to_rgb");
  require_color(view, "lab_to_rgb", "3 (L*, a*, b*)");
  require(view.form().values != scalar::uint8,
          "lab_to_rgb: given uint8, wanted float32 or float64 (L* 0 to 100)");
  image<3> rgb;
  {
    const py::gil_scoped_release released;
    rgb = lab_to_rgb(view.to_image<3>(value_range::any), clamp);
  }
  return to_array(std::move(rgb), view.form());
}

py::array to_gray(const py::object& picture) {
  const picture_view view(picture, "rgb_to_gray");
  require_color(view, "rgb_to_gray", "3 (red, green, blue)");
  image<1> gray;
  {
    const py::gil_scoped_release released;
    gray = rgb_to_gray(view.to_image<3>());
  }
  return to_array(std::move(gray), {view.form().values, 1, false});
}

/// Cubic interpolation overshoots beside edges; pictures end at 0 and 1.
template <int Channels>
image<Channels> limited(image<Channels> picture) {
  for (float& value : picture.values()) value = value < 0.0f ? 0.0f : value > 1.0f ? 1.0f : value;
  return picture;
}

py::array resized(const py::object& picture, int height, int width, const std::string& method,
                  bool antialias) {
  const picture_view view(picture, "resize");
  const resampling how = meaning(method, "resize.method", resamplings);
  std::variant<image<1>, image<3>> result;
  {
    const py::gil_scoped_release released;
    result = view.to_image_as_it_is();
    std::visit([&](auto& pixels) { pixels = limited(resize(pixels, height, width, how, {antialias})); },
               result);
  }
  return to_array(std::move(result), view.form());
}

py::array sheet(const std::vector<py::object>& pictures, const std::vector<std::string>& captions,
                const contact_sheet_options& options) {
  require(captions.empty() || captions.size() == pictures.size(), "contact_sheet: given ", captions.size(),
          " captions for ", pictures.size(), " pictures, wanted one for each or none");
  std::vector<picture_view> views;
  views.reserve(pictures.size());
  for (const py::object& picture : pictures) views.emplace_back(picture, "contact_sheet");
  byte_image result;
  {
    const py::gil_scoped_release released;
    std::vector<captioned_picture> cells(views.size());
    for (std::size_t i = 0; i < views.size(); ++i) {
      cells[i].picture = views[i].to_bytes<3>();
      if (!captions.empty()) cells[i].caption = captions[i];
    }
    result = contact_sheet(cells, options);
  }
  return give_away(std::move(result));
}

}  // namespace

void bind_pictures(py::module_& module) {
  using py::arg;
  const decode_options decode_defaults;
  const encode_options encode_defaults;
  const contact_sheet_options sheet_defaults;

  module.def(
      "read_image",
      [](const path& file, const py::object& dtype, int at_least, bool apply_orientation, bool accept_damaged,
         const std::array<float, 3>& background, std::int64_t max_pixels) {
        return read(file, dtype,
                    decoding(at_least, apply_orientation, accept_damaged, background, max_pixels));
      },
      arg("path"), py::kw_only(), arg("dtype") = "uint8", arg("at_least") = decode_defaults.at_least,
      arg("apply_orientation") = decode_defaults.apply_orientation,
      arg("accept_damaged") = decode_defaults.accept_damaged, arg("background") = decode_defaults.background,
      arg("max_pixels") = decode_defaults.max_pixels);
  module.def(
      "decode_image",
      [](const py::bytes& data, const py::object& dtype, int at_least, bool apply_orientation,
         bool accept_damaged, const std::array<float, 3>& background, std::int64_t max_pixels) {
        return decode(data, dtype,
                      decoding(at_least, apply_orientation, accept_damaged, background, max_pixels));
      },
      arg("data"), py::kw_only(), arg("dtype") = "uint8", arg("at_least") = decode_defaults.at_least,
      arg("apply_orientation") = decode_defaults.apply_orientation,
      arg("accept_damaged") = decode_defaults.accept_damaged, arg("background") = decode_defaults.background,
      arg("max_pixels") = decode_defaults.max_pixels);
  module.def(
      "read_mask",
      [](const path& file, const std::string& rule, bool apply_orientation, std::int64_t max_pixels) {
        decode_options options;
        options.apply_orientation = apply_orientation;
        options.max_pixels = max_pixels;
        const mask_rule wanted = meaning(rule, "read_mask.rule", mask_rules);
        mask hole;
        {
          const py::gil_scoped_release released;
          hole = read_mask(file, wanted, options);
        }
        return to_array(hole);
      },
      arg("path"), py::kw_only(), arg("rule") = "automatic",
      arg("apply_orientation") = decode_defaults.apply_orientation,
      arg("max_pixels") = decode_defaults.max_pixels);
  module.def(
      "read_image_size",
      [](const path& file, bool apply_orientation) {
        const image_size size = read_image_size(file, apply_orientation);
        return std::pair(size.height, size.width);
      },
      arg("path"), py::kw_only(), arg("apply_orientation") = true);

  module.def(
      "write_image",
      [](const path& file, const py::object& picture, int quality, int bits, int compression) {
        write(file, picture, {quality, bits, compression});
      },
      arg("path"), arg("picture"), py::kw_only(), arg("quality") = encode_defaults.quality,
      arg("bits") = encode_defaults.bits, arg("compression") = encode_defaults.compression);
  module.def(
      "write_mask",
      [](const path& file, const py::object& hole) {
        const mask_view view(hole, "write_mask");
        const py::gil_scoped_release released;
        write_mask(file, view.to_mask());
      },
      arg("path"), arg("mask"));
  module.def(
      "encode_image",
      [](const py::object& picture, const std::string& format, int quality, int bits, int compression) {
        return encode(picture, format, {quality, bits, compression});
      },
      arg("picture"), py::kw_only(), arg("format") = "png", arg("quality") = encode_defaults.quality,
      arg("bits") = encode_defaults.bits, arg("compression") = encode_defaults.compression);

  module.def("rgb_to_lab", &to_lab, arg("picture"));
  module.def("lab_to_rgb", &to_rgb, arg("picture"), py::kw_only(), arg("clamp") = true);
  module.def("rgb_to_gray", &to_gray, arg("picture"));
  module.def("resize", &resized, arg("picture"), arg("height"), arg("width"), py::kw_only(),
             arg("method") = "area", arg("antialias") = resize_options{}.antialias);

  module.def(
      "contact_sheet",
      [](const std::vector<py::object>& pictures, const std::vector<std::string>& captions, int columns,
         int cell_width, int cell_height, int margin, int text_scale, const std::string& title) {
        contact_sheet_options options;
        options.columns = columns;
        options.cell_width = cell_width;
        options.cell_height = cell_height;
        options.margin = margin;
        options.text_scale = text_scale;
        options.title = title;
        return sheet(pictures, captions, options);
      },
      arg("pictures"), arg("captions"), py::kw_only(), arg("columns") = sheet_defaults.columns,
      arg("cell_width") = sheet_defaults.cell_width, arg("cell_height") = sheet_defaults.cell_height,
      arg("margin") = sheet_defaults.margin, arg("text_scale") = sheet_defaults.text_scale,
      arg("title") = sheet_defaults.title);
}

}  // namespace lookalike::python

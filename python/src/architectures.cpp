// Layers and published networks: each function here is one of the library's, with its options as arguments;
// lookalike/nn.py and lookalike/models.py have the defaults and the documentation. All kernels of all layers
// are compiled here, once: other files go through the rules of a layer and never name it.

#include <array>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <pybind11/functional.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <lookalike/core/error.hpp>
#include <lookalike/models/alexnet.hpp>
#include <lookalike/models/autoencoder.hpp>
#include <lookalike/models/colorful_colorization.hpp>
#include <lookalike/models/image_completion.hpp>
#include <lookalike/models/pix2pix.hpp>
#include <lookalike/models/resnet.hpp>
#include <lookalike/models/unet.hpp>
#include <lookalike/nn/architecture_json.hpp>
#include <lookalike/nn/combinators.hpp>
#include <lookalike/nn/layer_registry.hpp>
#include <lookalike/nn/layers.hpp>
#include <lookalike/nn/receptive_field.hpp>
#include <lookalike/nn/to_fully_convolutional.hpp>

#include "bindings.hpp"
#include "options.hpp"
#include "recipe.hpp"

namespace lookalike::python {

using py::literals::operator""_a;

namespace {

// Python hands over extents as (height, width) and padding as [top, left, bottom, right], or None for `same`.
using extent_pair = std::pair<int, int>;
using padding_sides = std::optional<std::array<int, 4>>;

extent_2d extent(const extent_pair& p) {
  return {p.first, p.second};
}

padding_2d padding(const padding_sides& sides) {
  if (!sides) return same;
  const auto& [top, left, bottom, right] = *sides;
  return {top, left, bottom, right};
}

constexpr words<padding_mode, 3> borders{{{"zeros", padding_mode::zeros},
                                          {"reflect", padding_mode::reflect},
                                          {"replicate", padding_mode::replicate}}};
constexpr words<interpolation, 3> methods{{{"nearest", interpolation::nearest},
                                           {"nearest_exact", interpolation::nearest_exact},
                                           {"bilinear", interpolation::bilinear}}};
constexpr words<lookup_score, 2> scores{
    {{"squared_distance", lookup_score::squared_distance}, {"dot_product", lookup_score::dot_product}}};
constexpr words<layer_norm_scope, 2> scopes{
    {{"pixel", layer_norm_scope::pixel}, {"picture", layer_norm_scope::picture}}};
constexpr words<initial_value, 4> initials{{{"zeros", initial_value::zeros},
                                            {"ones", initial_value::ones},
                                            {"from_fan_in", initial_value::from_fan_in},
                                            {"normal", initial_value::normal}}};
constexpr words<stride_place, 2> stride_places{
    {{"first", stride_place::first}, {"middle", stride_place::middle}}};
constexpr words<shortcut_kind, 3> shortcuts{{{"padding", shortcut_kind::padding},
                                             {"projection", shortcut_kind::projection},
                                             {"none", shortcut_kind::none}}};

recipe built_in(architecture a) {
  return {std::move(a), {}};
}

void bind_windows(py::module_& m) {
  m.def(
      "conv",
      [](int channels, extent_pair kernel, extent_pair stride, const padding_sides& sides,
         extent_pair dilation, int groups, bool bias, const std::string& border, int inputs) {
        return built_in(conv(channels, {.kernel = extent(kernel),
                                        .stride = extent(stride),
                                        .padding = padding(sides),
                                        .dilation = extent(dilation),
                                        .groups = groups,
                                        .bias = bias,
                                        .border = meaning(border, "conv.border", borders),
                                        .inputs = inputs}));
      },
      "channels"_a, "kernel"_a, "stride"_a, "padding"_a, "dilation"_a, "groups"_a, "bias"_a, "border"_a,
      "inputs"_a);
  m.def(
      "transposed_conv",
      [](int channels, extent_pair kernel, extent_pair stride, const padding_sides& sides,
         extent_pair output_padding, extent_pair dilation, int groups, bool bias) {
        return built_in(transposed_conv(channels, {.kernel = extent(kernel),
                                                   .stride = extent(stride),
                                                   .padding = padding(sides),
                                                   .output_padding = extent(output_padding),
                                                   .dilation = extent(dilation),
                                                   .groups = groups,
                                                   .bias = bias}));
      },
      "channels"_a, "kernel"_a, "stride"_a, "padding"_a, "output_padding"_a, "dilation"_a, "groups"_a,
      "bias"_a);
  m.def(
      "fully_connected",
      [](int channels, bool bias) { return built_in(fully_connected(channels, {.bias = bias})); },
      "channels"_a, "bias"_a);
  const auto def_pool = [&](const char* name, auto make) {
    m.def(
        name,
        [make](extent_pair kernel, extent_pair stride, const padding_sides& sides, extent_pair dilation,
               bool ceil_mode) {
          return built_in(make(extent(kernel), pool_options{.stride = extent(stride),
                                                            .padding = padding(sides),
                                                            .dilation = extent(dilation),
                                                            .ceil_mode = ceil_mode}));
        },
        "kernel"_a, "stride"_a, "padding"_a, "dilation"_a, "ceil_mode"_a);
  };
  def_pool("max_pool", [](extent_2d kernel, const pool_options& o) { return max_pool(kernel, o); });
  def_pool("max_pool_indices",
           [](extent_2d kernel, const pool_options& o) { return max_pool_indices(kernel, o); });
  m.def(
      "average_pool",
      [](extent_pair kernel, extent_pair stride, const padding_sides& sides, extent_pair dilation,
         bool ceil_mode, bool include_padding) {
        return built_in(average_pool(extent(kernel), {.stride = extent(stride),
                                                      .padding = padding(sides),
                                                      .dilation = extent(dilation),
                                                      .ceil_mode = ceil_mode,
                                                      .include_padding = include_padding}));
      },
      "kernel"_a, "stride"_a, "padding"_a, "dilation"_a, "ceil_mode"_a, "include_padding"_a);
  m.def(
      "max_unpool",
      [](extent_pair kernel, extent_pair stride, extent_pair sides, extent_pair output) {
        return built_in(max_unpool(
            extent(kernel), {.stride = extent(stride), .padding = extent(sides), .output = extent(output)}));
      },
      "kernel"_a, "stride"_a, "padding"_a, "output"_a);
  m.def("global_average_pool", [] { return built_in(global_average_pool()); });
  m.def("global_max_pool", [] { return built_in(global_max_pool()); });
  m.def(
      "adaptive_average_pool", [](int h, int w) { return built_in(adaptive_average_pool(h, w)); }, "height"_a,
      "width"_a);
  m.def(
      "adaptive_max_pool", [](int h, int w) { return built_in(adaptive_max_pool(h, w)); }, "height"_a,
      "width"_a);
  m.def(
      "resize_layer",
      [](int h, int w, const std::string& method, bool align_corners) {
        return built_in(resize(
            h, w, {.method = meaning(method, "resize.method", methods), .align_corners = align_corners}));
      },
      "height"_a, "width"_a, "method"_a, "align_corners"_a);
  m.def(
      "upsample",
      [](double factor, const std::string& method, bool align_corners) {
        return built_in(upsample(
            factor, {.method = meaning(method, "upsample.method", methods), .align_corners = align_corners}));
      },
      "factor"_a, "method"_a, "align_corners"_a);
}

void bind_normalizations(py::module_& m) {
  m.def(
      "batch_norm",
      [](double epsilon, double momentum, bool affine) {
        return built_in(batch_norm({.epsilon = epsilon, .momentum = momentum, .affine = affine}));
      },
      "epsilon"_a, "momentum"_a, "affine"_a);
  m.def(
      "instance_norm",
      [](double epsilon, bool affine) {
        return built_in(instance_norm({.epsilon = epsilon, .affine = affine}));
      },
      "epsilon"_a, "affine"_a);
  m.def(
      "group_norm",
      [](int groups, double epsilon, bool affine) {
        return built_in(group_norm(groups, {.epsilon = epsilon, .affine = affine}));
      },
      "groups"_a, "epsilon"_a, "affine"_a);
  m.def(
      "layer_norm",
      [](double epsilon, bool affine, const std::string& scope) {
        return built_in(layer_norm(
            {.epsilon = epsilon, .affine = affine, .scope = meaning(scope, "layer_norm.scope", scopes)}));
      },
      "epsilon"_a, "affine"_a, "scope"_a);
  m.def(
      "local_response_norm",
      [](int size, double alpha, double beta, double k, bool average) {
        return built_in(
            local_response_norm({.size = size, .alpha = alpha, .beta = beta, .k = k, .average = average}));
      },
      "size"_a, "alpha"_a, "beta"_a, "k"_a, "average"_a);
  m.def("softmax", [] { return built_in(softmax()); });
  m.def("log_softmax", [] { return built_in(log_softmax()); });
}

void bind_pointwise(py::module_& m) {
  m.def("relu", [] { return built_in(relu()); });
  m.def(
      "leaky_relu", [](double slope) { return built_in(leaky_relu(slope)); }, "slope"_a);
  m.def(
      "elu", [](double alpha) { return built_in(elu(alpha)); }, "alpha"_a);
  m.def("silu", [] { return built_in(silu()); });
  m.def("gelu", [] { return built_in(gelu()); });
  m.def("sigmoid", [] { return built_in(sigmoid()); });
  m.def("tanh", [] { return built_in(lookalike::tanh()); });
  m.def(
      "dropout", [](double probability) { return built_in(dropout(probability)); }, "probability"_a);
  m.def("add", [] { return built_in(add()); });
  m.def("multiply", [] { return built_in(multiply()); });
  m.def("concat", [] { return built_in(concat()); });
  m.def(
      "residual",
      [](const recipe& body, const recipe& shortcut) {
        return recipe{residual(body.value, shortcut.value), joined(body.layers, shortcut.layers)};
      },
      "body"_a, "shortcut"_a);
}

void bind_rearrangements(py::module_& m) {
  m.def(
      "slice", [](int first, int count) { return built_in(slice(first, count)); }, "first"_a, "count"_a);
  m.def(
      "pad_channels", [](int before, int after) { return built_in(pad_channels(before, after)); }, "before"_a,
      "after"_a);
  m.def(
      "reshape", [](int c, int h, int w) { return built_in(reshape(c, h, w)); }, "channels"_a, "height"_a,
      "width"_a);
  m.def(
      "permute", [](int c, int y, int x) { return built_in(permute(c, y, x)); }, "channels"_a, "rows"_a,
      "columns"_a);
  m.def("flatten", [] { return built_in(flatten()); });
  m.def(
      "crop", [](int t, int l, int b, int r) { return built_in(crop(t, l, b, r)); }, "top"_a, "left"_a,
      "bottom"_a, "right"_a);
  m.def("center_crop_to", [] { return built_in(center_crop_to()); });
  m.def(
      "embedding", [](int count, int dimension) { return built_in(embedding(count, dimension)); }, "count"_a,
      "dimension"_a);
  m.def(
      "constant",
      [](int c, int h, int w, const std::string& initial) {
        return built_in(constant(c, h, w, {.initial = meaning(initial, "constant.initial", initials)}));
      },
      "channels"_a, "height"_a, "width"_a, "initial"_a);
  m.def(
      "soft_lookup",
      [](int count, int outputs, double temperature, bool learn_temperature, int nearest,
         const std::string& score) {
        return built_in(soft_lookup(count, outputs,
                                    {.temperature = temperature,
                                     .learn_temperature = learn_temperature,
                                     .nearest = nearest,
                                     .score = meaning(score, "soft_lookup.score", scores)}));
      },
      "count"_a, "outputs"_a, "temperature"_a, "learn_temperature"_a, "nearest"_a, "score"_a);
  m.def(
      "attention",
      [](double temperature, int nearest, const std::string& score, int heads) {
        return built_in(attention({.temperature = temperature,
                                   .nearest = nearest,
                                   .score = meaning(score, "attention.score", scores),
                                   .heads = heads}));
      },
      "temperature"_a, "nearest"_a, "score"_a, "heads"_a);
}

resnet_options resnet_options_of(int classes, const std::string& stride, const std::string& shortcut) {
  return {.classes = classes,
          .stride = meaning(stride, "resnet.stride", stride_places),
          .shortcut = meaning(shortcut, "resnet.shortcut", shortcuts)};
}

void bind_published(py::module_& m) {
  m.def(
      "alexnet", [](int classes) { return built_in(alexnet(classes)); }, "classes"_a);
  m.def(
      "alexnet_single_tower", [](int classes) { return built_in(alexnet_single_tower(classes)); },
      "classes"_a);

  const auto def_resnet = [&](const char* name, architecture (*make)(resnet_options)) {
    m.def(
        name,
        [make](int classes, const std::string& stride, const std::string& shortcut) {
          return built_in(make(resnet_options_of(classes, stride, shortcut)));
        },
        "classes"_a, "stride"_a, "shortcut"_a);
  };
  def_resnet("resnet18", &resnet18);
  def_resnet("resnet34", &resnet34);
  def_resnet("resnet50", &resnet50);
  def_resnet("resnet101", &resnet101);
  def_resnet("resnet152", &resnet152);
  m.def(
      "cifar_resnet",
      [](int depth, int classes, const std::string& stride, const std::string& shortcut, int width) {
        require(depth >= 8 && (depth - 2) % 6 == 0, "cifar_resnet: given a depth of ", depth,
                ", wanted 6 n + 2: 20, 32, 44, 56, 110");
        return built_in(cifar_resnet(depth, resnet_options_of(classes, stride, shortcut), width));
      },
      "depth"_a, "classes"_a, "stride"_a, "shortcut"_a, "width"_a);

  // The block is the caller's function; what it makes may have Python layers in it.
  const auto def_unet = [&](const char* name, auto make) {
    m.def(
        name,
        [make](int levels, int channels, const std::function<recipe(int)>& block) {
          require(levels >= 0, "unet: given ", levels, " levels, wanted 0 or more");
          recipe result;
          result.value = make(levels, channels, [&](int count) {
            recipe body = block(count);
            result.layers = joined(std::move(result.layers), body.layers);
            return std::move(body.value);
          });
          return result;
        },
        "levels"_a, "channels"_a, "block"_a);
  };
  def_unet("unet", [](int levels, int channels, const auto& block) { return unet(levels, channels, block); });
  def_unet("valid_unet",
           [](int levels, int channels, const auto& block) { return valid_unet(levels, channels, block); });
  m.def(
      "double_conv", [](int channels) { return built_in(double_conv(channels)); }, "channels"_a);
  m.def(
      "padded_block", [](int channels) { return built_in(padded_block(channels)); }, "channels"_a);
  m.def(
      "valid_block", [](int channels) { return built_in(valid_block(channels)); }, "channels"_a);
  const auto def_whole_unet = [&](const char* name, architecture (*make)(unet_options)) {
    m.def(
        name,
        [make](int inputs, int classes, int width, int levels) {
          return built_in(make({.inputs = inputs, .classes = classes, .width = width, .levels = levels}));
        },
        "inputs"_a, "classes"_a, "width"_a, "levels"_a);
  };
  def_whole_unet("unet_original", &unet_original);
  def_whole_unet("unet_padded", &unet_padded);
  def_whole_unet("unet_normalized", &unet_normalized);

  m.def(
      "pix2pix_generator",
      [](int inputs, int outputs, int width, int levels) {
        return built_in(
            pix2pix_generator({.inputs = inputs, .outputs = outputs, .width = width, .levels = levels}));
      },
      "inputs"_a, "outputs"_a, "width"_a, "levels"_a);
  m.def(
      "patch_discriminator",
      [](int inputs, int width, int layers) { return built_in(patch_discriminator(inputs, width, layers)); },
      "inputs"_a, "width"_a, "layers"_a);
  m.def(
      "colorful_colorization", [](int colors) { return built_in(colorful_colorization(colors)); },
      "colors"_a);
  m.def(
      "completion_network", [](int width) { return built_in(completion_network(width)); }, "width"_a);
  m.def(
      "local_discriminator",
      [](int extent, int width, int features) {
        return built_in(local_discriminator(extent, width, features));
      },
      "extent"_a, "width"_a, "features"_a);
  m.def(
      "global_discriminator",
      [](int extent, int width, int features) {
        return built_in(global_discriminator(extent, width, features));
      },
      "extent"_a, "width"_a, "features"_a);
  m.def(
      "completion_discriminator",
      [](int extent, int width, int features) {
        return built_in(completion_discriminator(extent, width, features));
      },
      "global_extent"_a, "width"_a, "features"_a);
  m.def(
      "linear_autoencoder",
      [](int channels, int height, int width, int code, bool bias) {
        return built_in(linear_autoencoder({channels, height, width}, code, bias));
      },
      "channels"_a, "height"_a, "width"_a, "code"_a, "bias"_a);
  m.def(
      "convolutional_autoencoder",
      [](int channels, int height, int width, int features, int halvings, int code) {
        return built_in(convolutional_autoencoder({channels, height, width},
                                                  {.width = features, .halvings = halvings, .code = code}));
      },
      "channels"_a, "height"_a, "width"_a, "features"_a, "halvings"_a, "code"_a);
}

}  // namespace

const layer_rules* find_known_rules(std::string_view kind) {
  return standard_layers().find(kind);
}

std::string to_text(const recipe& r) {
  return to_json(r.value);
}

recipe from_text(const std::string& text, const py::dict& makers) {
  // Kinds written in Python are read with rules that only know their options; then each gets its object.
  struct stand_in {
    std::string kind;
    std::vector<std::string> options;
    std::vector<std::string_view> names;
    py::object make;
    layer_rules rules;
  };
  std::deque<stand_in> stand_ins;
  layer_registry registry = standard_layers();
  for (const auto& [kind, make] : makers) {
    stand_in& s = stand_ins.emplace_back();
    s.kind = kind.cast<std::string>();
    s.make = py::reinterpret_borrow<py::object>(make);
    for (const py::handle& option : py::getattr(make, "options", py::tuple()))
      s.options.push_back(option.cast<std::string>());
    s.names.assign(s.options.begin(), s.options.end());
    s.rules.kind = s.kind;
    s.rules.attribute_names = s.names;
    registry.add(s.rules);
  }
  recipe result;
  result.value = architecture_from_json(text, registry);
  for (node& n : result.value.nodes) {
    for (const stand_in& s : stand_ins) {
      if (n.rules != &s.rules) continue;
      py::dict options;
      for (int k = 0; k < n.attributes.count; ++k)
        options[py::str(s.options[static_cast<std::size_t>(k)])] =
            result.value.numbers[n.attributes.first + k];
      const python_layer& own = adopt(s.make(**options), result.layers);
      require(own.rules().kind == s.kind, "architecture: given a maker of '", own.rules().kind,
              "' for layers of the kind '", s.kind, "'");
      n.rules = &own.rules();
      break;
    }
  }
  return result;
}

void bind_architectures(py::module_& module) {
  bind_recipe(module);
  bind_windows(module);
  bind_normalizations(module);
  bind_pointwise(module);
  bind_rearrangements(module);
  bind_published(module);
  module.def(
      "to_fully_convolutional",
      [](const recipe& r, int height, int width) {
        fully_convolutional result = to_fully_convolutional(r.value, height, width);
        std::vector<std::pair<std::string, std::string>> names;
        for (const renamed_parameter& p : result.parameters)
          names.emplace_back(std::string(p.before.view()), std::string(p.after.view()));
        return std::pair(recipe{std::move(result.network), r.layers}, names);
      },
      "architecture"_a, "height"_a, "width"_a);
  module.def(
      "receptive_field",
      [](const recipe& r, const std::string& part, int index) {
        const receptive_field_extents f = receptive_field(r.value, {.of = part, .input = index});
        return py::dict("size"_a = std::pair(f.height, f.width),
                        "least_size"_a = std::pair(f.least_height, f.least_width),
                        "stride"_a = std::pair(f.stride_height, f.stride_width),
                        "outputs_per_step"_a = std::pair(f.outputs_per_step_height, f.outputs_per_step_width),
                        "padding"_a = std::pair(f.padding_top, f.padding_left), "everything"_a = f.everything,
                        "nothing"_a = f.nothing);
      },
      "architecture"_a, "of"_a, "input"_a);
}

}  // namespace lookalike::python

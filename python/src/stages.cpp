// The stages of scene completion, and the functions on arrays that they are made of.

#include <cstdint>
#include <memory>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <lookalike/apps/rank.hpp>
#include <lookalike/blend/context_match.hpp>
#include <lookalike/blend/poisson_blend.hpp>
#include <lookalike/blend/seam.hpp>
#include <lookalike/inpaint/harmonic.hpp>
#include <lookalike/retrieve/scene_descriptor.hpp>

#include "arrays.hpp"
#include "bindings.hpp"
#include "options.hpp"
#include "values.hpp"
#include "watch.hpp"

namespace lookalike::python {

namespace {

using namespace py::literals;
using py::arg;

constexpr words<context_algorithm, 3> algorithms{{{"coarse_to_fine", context_algorithm::coarse_to_fine},
                                                  {"fourier", context_algorithm::fourier},
                                                  {"direct", context_algorithm::direct}}};
constexpr words<blend_domain, 2> domains{
    {{"whole", blend_domain::whole}, {"patch_only", blend_domain::patch_only}}};
constexpr words<guidance, 2> crossings{{{"mean", guidance::mean}, {"zero", guidance::zero}}};
constexpr words<blend_anchor, 3> anchors{
    {{"mean", blend_anchor::mean}, {"border", blend_anchor::border}, {"screened", blend_anchor::screened}}};

/// A mask that may be absent: the given one, or `fallback` everywhere.
mask mask_or(const py::object& given, const char* where, const picture_view& picture, std::uint8_t fallback) {
  if (given.is_none()) return mask(picture.height(), picture.width(), fallback);
  return mask_view(given, where).to_mask();
}

/// A patch, which has colors where it covers and anything elsewhere.
image<3> patch_pixels(const picture_view& view, mask covered) {
  for (std::uint8_t& value : covered.values()) value = value == 0 ? 1 : 0;
  return view.to_image_around<3>(covered);
}

// Encoders
// -----------------------------------------------------------------------------------------------------------

/// Describes a picture, or with a mask one whose hole has been filled.
template <class Encoder>
py::object describe(const Encoder& encoder, const py::object& picture, const py::object& hole) {
  const char* where = Encoder::name.data();  // a literal
  const picture_view view(picture, where);
  descriptor found;
  if (hole.is_none()) {
    const py::gil_scoped_release released;
    found = encoder(view.to_image<3>());
  } else {
    const mask_view missing(hole, where);
    const py::gil_scoped_release released;
    found = encoder(masked_image{view.to_image<3>(), missing.to_mask()});
  }
  return to_python(found);
}

template <class Encoder, class... Extra>
void bind_encoder(py::class_<Encoder, Extra...>& bound) {
  bound.def("__call__", &describe<Encoder>, arg("picture"), arg("mask") = py::none())
      .def("blocks",
           [](const Encoder& encoder) {
             py::list blocks;
             for (const descriptor_block& block : encoder.blocks()) blocks.append(to_python(block));
             return py::tuple(blocks);
           })
      .def("sufficient_side", &Encoder::sufficient_side);
}

void bind_encoders(py::module_& module) {
  py::class_<gist_stage> gist_class(module, "Gist");
  gist_class
      .def(py::init([](int side, int orientations, int scales, std::vector<int> orientations_per_scale,
                       int grid, bool color, bool exact, float importance) {
             return gist_stage({side, orientations, scales, std::move(orientations_per_scale), grid, color,
                                exact, importance});
           }),
           py::kw_only(), arg("side"), arg("orientations"), arg("scales"), arg("orientations_per_scale"),
           arg("grid"), arg("color"), arg("exact"), arg("importance"))
      .def_static("defaults", [] {
        const gist_options options;
        return py::dict("side"_a = options.side, "orientations"_a = options.orientations,
                        "scales"_a = options.scales,
                        "orientations_per_scale"_a = py::tuple(py::cast(options.orientations_per_scale)),
                        "grid"_a = options.grid, "color"_a = options.color, "exact"_a = options.exact,
                        "importance"_a = options.importance);
      });
  bind_encoder(gist_class);

  py::class_<color_grid_stage> color_class(module, "ColorGrid");
  color_class
      .def(py::init([](int grid, float importance) {
             return color_grid_stage({grid, importance});
           }),
           py::kw_only(), arg("grid"), arg("importance"))
      .def_static("defaults", [] {
        const color_grid_options options;
        return py::dict("grid"_a = options.grid, "importance"_a = options.importance);
      });
  bind_encoder(color_class);

  py::class_<scene_descriptor_stage> scene_class(module, "SceneDescriptor");
  scene_class.def(py::init([](const gist_stage& gist, const color_grid_stage& color) {
                    return scene_descriptor_stage({gist.options(), color.options()});
                  }),
                  py::kw_only(), arg("gist"), arg("color"));
  bind_encoder(scene_class);
}

// Functions on arrays
// ------------------------------------------------------------------------------------------------

py::array fill(const py::object& picture, const py::object& hole, double tolerance, int iterations,
               const py::object& callback) {
  const picture_view view(picture, "harmonic_fill");
  const mask_view missing(hole, "harmonic_fill");
  auto filled = watch(callback).run([&](const progress& watcher) -> std::variant<image<1>, image<3>> {
    const mask pixels = missing.to_mask();
    const poisson_equation_options options{tolerance, iterations};
    if (view.form().channels == 1)
      return harmonic_fill(view.to_image_around<1>(pixels), pixels, options, watcher);
    return harmonic_fill(view.to_image_around<3>(pixels), pixels, options, watcher);
  });
  return to_array(std::move(filled), view.form());
}

py::dict cut_seam(const py::object& picture, const py::object& patch, const py::object& hole,
                  const py::object& covered, const seam_options& options) {
  const picture_view existing(picture, "seam_cut"), scene(patch, "seam_cut");
  const mask_view missing(hole, "seam_cut");
  const mask cover = mask_or(covered, "seam_cut", scene, 1);
  seam_result found;
  {
    const py::gil_scoped_release released;
    const masked_image query = to_masked_image(existing, missing, "seam_cut");
    found = seam_cut(query.picture, patch_pixels(scene, cover), cover, query.hole, options);
  }
  return py::dict("from_patch"_a = to_array(found.from_patch), "flow"_a = found.flow, "cut"_a = found.cut,
                  "energy"_a = found.energy, "unary"_a = found.unary, "pairwise"_a = found.pairwise);
}

py::array blend(const poisson_blend_stage& stage, const py::object& picture, const py::object& patch,
                const py::object& from_patch, const py::object& hole, const py::object& covered,
                const py::object& callback) {
  const picture_view existing(picture, "poisson_blend"), scene(patch, "poisson_blend");
  const mask taken = mask_view(from_patch, "poisson_blend").to_mask();
  const mask missing = mask_or(hole, "poisson_blend", existing, 0);
  const mask cover = mask_or(covered, "poisson_blend", scene, 1);
  image<3> blended = watch(callback).run([&](const progress& watcher) {
    return poisson_blend_pictures(existing.to_image_around<3>(missing), missing, patch_pixels(scene, cover),
                                  cover, taken, stage.options(), watcher);
  });
  return to_array(std::move(blended), existing.form());
}

// Stages of completion
// -----------------------------------------------------------------------------------------------

py::object match_context(const context_match_stage& stage, const py::object& picture, const py::object& hole,
                         const py::object& found, const py::object& callback) {
  const picture_view view(picture, "context_match");
  const mask_view missing(hole, "context_match");
  matches candidates = to_matches(found, "context_match");
  const placements placed = watch(callback).run([&](const progress& watcher) {
    return stage({to_masked_image(view, missing, "context_match"), std::move(candidates)}, watcher);
  });
  return to_python(placed, {placed.query, view.form(), placed.longest_side}, found.attr("photos"));
}

/// Query and photographs are handed on as they are.
template <class Values>
py::object like(const py::object& given, const Values& values) {
  return to_python(values, given.attr("query").cast<const query_handle&>(), given.attr("photos"));
}

py::object cut_all(const seam_stage& stage, const py::object& placed, const py::object& callback) {
  placements scenes = to_placements(placed);
  return like(placed, watch(callback).run(
                          [&](const progress& watcher) { return stage(std::move(scenes), watcher); }));
}

/// Positions of the best, and their scores. Ranking looks at the terms only, so masks stay where they are.
std::vector<std::pair<std::size_t, double>> rank_all(const rank_stage& stage, const py::object& cut) {
  composites scenes = to_composites(cut, masks::leave);
  for (std::size_t i = 0; i < scenes.scenes.size(); ++i) scenes.scenes[i].flow = static_cast<std::int64_t>(i);
  const composites best = stage(std::move(scenes));
  std::vector<std::pair<std::size_t, double>> result;
  for (const composite& scene : best.scenes)
    result.emplace_back(static_cast<std::size_t>(scene.flow), scene.score);
  return result;
}

py::list blend_all(const poisson_blend_stage& stage, const py::object& cut, const py::object& callback) {
  composites scenes = to_composites(cut, masks::load);
  const auto& query = cut.attr("query").cast<const query_handle&>();
  return to_python(
      watch(callback).run([&](const progress& watcher) { return stage(std::move(scenes), watcher); }), query);
}

void bind_query(py::module_& module) {
  const auto make = [](const py::object& picture, const py::object& hole, int longest_side) {
    require(longest_side >= 1, "CompletionQuery: given a longest side of ", longest_side,
            ", wanted at least 1 pixel");
    const picture_view view(picture, "CompletionQuery");
    const mask_view missing(hole, "CompletionQuery");
    const py::gil_scoped_release released;
    return query_handle{std::make_shared<const completion_query>(
                            to_masked_image(view, missing, "CompletionQuery"), longest_side),
                        view.form(), longest_side};
  };
  py::class_<query_handle>(module, "CompletionQuery",
                           "A photograph with a hole, at full resolution and at that of matching.")
      .def(py::init(make), arg("picture"), arg("mask"), arg("longest_side") = 1024)
      .def_property_readonly(
          "picture", [](const query_handle& q) { return to_array(image<3>(q.query->full.picture), q.form); },
          "The photograph, black in the hole, in its own type.")
      .def_property_readonly(
          "hole", [](const query_handle& q) { return to_array(q.query->full.hole); }, "Bool, True = missing.")
      .def_property_readonly(
          "matching_picture",
          [](const query_handle& q) { return to_array(image<3>(q.query->matching.picture), q.form); },
          "The photograph at matching resolution.")
      .def_property_readonly(
          "matching_hole", [](const query_handle& q) { return to_array(q.query->matching.hole); },
          "The hole at matching resolution: a pixel is missing if any part of it is.")
      .def_property_readonly(
          "reduction", [](const query_handle& q) { return q.query->reduction; },
          "Matching pixels a full pixel, at most 1.")
      .def_readonly("longest_side", &query_handle::longest_side,
                    "Of pictures at matching resolution, at most.")
      .def(py::pickle(
          [](const query_handle& q) {
            return py::make_tuple(to_array(image<3>(q.query->full.picture), q.form),
                                  to_array(q.query->full.hole), q.longest_side);
          },
          [make](const py::tuple& state) { return make(state[0], state[1], state[2].cast<int>()); }))
      .def("__repr__", [](const query_handle& q) {
        return sentence("CompletionQuery(", q.query->full.picture.height(), "x",
                        q.query->full.picture.width(), ", longest_side=", q.longest_side, ")");
      });
}

void bind_context_match(py::module_& module) {
  py::class_<context_match_stage>(module, "ContextMatch")
      .def(py::init([](double band, std::vector<double> scales, double largest_enlargement, int longest_side,
                       double coverage, double offset_scale, const std::string& algorithm, int coarsest_side,
                       int survivors) {
             context_match_options options{band, std::move(scales), largest_enlargement, longest_side, {}};
             options.search.coverage = coverage;
             options.search.offset_scale = offset_scale;
             options.search.algorithm = meaning(algorithm, "context_match.algorithm", algorithms);
             options.search.coarsest_side = coarsest_side;
             options.search.survivors = survivors;
             return context_match_stage(std::move(options));
           }),
           py::kw_only(), arg("band"), arg("scales"), arg("largest_enlargement"), arg("longest_side"),
           arg("coverage"), arg("offset_scale"), arg("algorithm"), arg("coarsest_side"), arg("survivors"))
      .def_static("defaults",
                  [] {
                    const context_match_options options;
                    return py::dict("band"_a = options.band, "scales"_a = py::tuple(py::cast(options.scales)),
                                    "largest_enlargement"_a = options.largest_enlargement,
                                    "longest_side"_a = options.longest_side,
                                    "coverage"_a = options.search.coverage,
                                    "offset_scale"_a = options.search.offset_scale,
                                    "algorithm"_a = word_for(options.search.algorithm, algorithms),
                                    "coarsest_side"_a = options.search.coarsest_side,
                                    "survivors"_a = options.search.survivors);
                  })
      .def("__call__", &match_context, arg("picture"), arg("mask"), arg("matches"), arg("progress"));
}

seam_options to_seam_options(double unary_weight, double unary_scale, double band, double color_scale,
                             double smoothness_epsilon, double quantization) {
  return {unary_weight, unary_scale, band, color_scale, smoothness_epsilon, quantization};
}

void bind_seam(py::module_& module) {
  py::class_<seam_stage>(module, "Seam")
      .def(py::init([](double unary_weight, double unary_scale, double band, double color_scale,
                       double smoothness_epsilon, double quantization) {
             return seam_stage(to_seam_options(unary_weight, unary_scale, band, color_scale,
                                               smoothness_epsilon, quantization));
           }),
           py::kw_only(), arg("unary_weight"), arg("unary_scale"), arg("band"), arg("color_scale"),
           arg("smoothness_epsilon"), arg("quantization"))
      .def_static("defaults",
                  [] {
                    const seam_options options;
                    return py::dict("unary_weight"_a = options.unary_weight,
                                    "unary_scale"_a = options.unary_scale, "band"_a = options.band,
                                    "color_scale"_a = options.color_scale,
                                    "smoothness_epsilon"_a = options.smoothness_epsilon,
                                    "quantization"_a = options.quantization);
                  })
      .def("__call__", &cut_all, arg("placements"), arg("progress"))
      .def(
          "cut",
          [](const seam_stage& stage, const py::object& picture, const py::object& patch,
             const py::object& hole,
             const py::object& covered) { return cut_seam(picture, patch, hole, covered, stage.options()); },
          arg("picture"), arg("patch"), arg("mask"), arg("covered"));
}

void bind_poisson_blend(py::module_& module) {
  py::class_<poisson_blend_stage>(module, "PoissonBlend")
      .def(py::init([](const std::string& domain, const std::string& crossing, const std::string& anchor,
                       double screening_length, double tolerance, int iterations) {
             return poisson_blend_stage({meaning(domain, "poisson_blend.domain", domains),
                                         meaning(crossing, "poisson_blend.crossing", crossings),
                                         meaning(anchor, "poisson_blend.anchor", anchors),
                                         screening_length,
                                         {tolerance, iterations}});
           }),
           py::kw_only(), arg("domain"), arg("crossing"), arg("anchor"), arg("screening_length"),
           arg("tolerance"), arg("iterations"))
      .def_static("defaults",
                  [] {
                    const poisson_options options;
                    return py::dict("domain"_a = word_for(options.domain, domains),
                                    "crossing"_a = word_for(options.crossing, crossings),
                                    "anchor"_a = word_for(options.anchor, anchors),
                                    "screening_length"_a = options.screening_length,
                                    "tolerance"_a = options.solver.tolerance,
                                    "iterations"_a = options.solver.iterations);
                  })
      .def("__call__", &blend_all, arg("composites"), arg("progress"))
      .def("blend", &blend, arg("picture"), arg("patch"), arg("from_patch"), arg("hole"), arg("covered"),
           arg("progress"));
}

void bind_rank(py::module_& module) {
  py::class_<rank_stage>(module, "Rank")
      .def(py::init([](int count, double scene, double context, double texture, double seam) {
             return rank_stage(count, {scene, context, texture, seam});
           }),
           py::kw_only(), arg("count"), arg("scene"), arg("context"), arg("texture"), arg("seam"))
      .def_static("defaults",
                  [] {
                    const rank_weights weights;
                    return py::dict("scene"_a = weights.scene, "context"_a = weights.context,
                                    "texture"_a = weights.texture, "seam"_a = weights.seam);
                  })
      .def("__call__", &rank_all, arg("composites"));
}

}  // namespace

void bind_stages(py::module_& module) {
  const poisson_equation_options solver;
  module.def("harmonic_fill", &fill, arg("picture"), arg("mask"), py::kw_only(),
             arg("tolerance") = solver.tolerance, arg("iterations") = solver.iterations,
             arg("progress") = py::none());
  bind_query(module);
  bind_encoders(module);
  bind_context_match(module);
  bind_seam(module);
  bind_rank(module);
  bind_poisson_blend(module);
}

}  // namespace lookalike::python

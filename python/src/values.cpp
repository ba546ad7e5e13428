#include "values.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include <pybind11/stl.h>

#include <lookalike/retrieve/collection.hpp>
#include <lookalike/retrieve/gray_index.hpp>
#include <lookalike/retrieve/tiny_image.hpp>

namespace lookalike::python {

namespace {

using namespace py::literals;

/// A class of lookalike/values.py.
py::object value_class(const char* name) {
  return py::module_::import("lookalike.values").attr(name);
}

template <class Value>
py::array_t<Value> array_of(const std::vector<Value>& values) {
  return py::array_t<Value>(static_cast<py::ssize_t>(values.size()), values.data());
}

template <class Value>
std::vector<Value> vector_of(const py::object& given, const char* what) {
  const auto array = py::array_t<Value, py::array::c_style | py::array::forcecast>::ensure(given);
  if (!array) {
    PyErr_Clear();
    throw value_error(sentence(what, ": given ",
                               py::str(py::type::of(given).attr("__name__")).cast<std::string>(),
                               ", wanted an array of numbers"));
  }
  require(array.ndim() == 1, what, ": given an array with ", array.ndim(), " axes, wanted 1");
  return {array.data(), array.data() + array.size()};
}

/// The attribute of a value that a user's stage may have made.
template <class Value>
Value get(const py::handle& object, const char* name) {
  return object.attr(name).cast<Value>();
}

/// Photographs that an object in Python reads.
class python_photo_source : public photo_source {
 public:
  explicit python_photo_source(py::object photos) : photos_(share(std::move(photos))) {}

  byte_image read_photo(std::int64_t id) const override {
    const py::gil_scoped_acquire held;
    try {
      return picture_view(read_object(id), "photos.read").to_bytes<3>();
    } catch (const py::error_already_set& failure) {
      if (!failure.matches(PyExc_OSError)) throw;  // a mistake of the program, not of a file
      throw file_error(py::str(failure.value()).cast<std::string>());
    }
  }
  std::string photo_name(std::int64_t id) const override {
    const py::gil_scoped_acquire held;
    if (!py::hasattr(*photos_, "path")) return std::to_string(id);
    return py::str(photos_->attr("path")(id)).cast<std::string>();
  }

 private:
  py::object read_object(std::int64_t id) const {
    if (py::hasattr(*photos_, "read")) return photos_->attr("read")(id);
    return (*photos_)[py::int_(id)];
  }

  shared_object photos_;
};

/// A user's encoder, called from the threads that describe.
struct python_encoder {
  shared_object encoder;
  std::vector<descriptor_block> announced;
  int side;

  descriptor operator()(const image<3>& picture) const {
    const py::gil_scoped_acquire held;
    return to_descriptor((*encoder)(to_array(image<3>(picture), {})), "encoder");
  }
  std::vector<descriptor_block> blocks() const { return announced; }
  int sufficient_side() const { return side; }
};

py::dict fields_of(const placed_scene& scene) {
  return py::dict(
      "source"_a = scene.source, "name"_a = scene.name, "scale"_a = scene.scale,
      "offset"_a = py::make_tuple(scene.at.y, scene.at.x), "center_distance"_a = scene.offset,
      "terms"_a = value_class("CostTerms")("scene"_a = scene.terms.scene, "context"_a = scene.terms.context,
                                           "texture"_a = scene.terms.texture, "seam"_a = scene.terms.seam));
}

py::dict fields_of(const composite& scene) {
  py::dict fields = fields_of(static_cast<const placed_scene&>(scene));
  fields["from_patch"] = to_array(scene.from_patch);
  fields["flow"] = scene.flow;
  fields["cut"] = scene.cut;
  fields["seam_unary"] = scene.seam_unary;
  fields["seam_pairwise"] = scene.seam_pairwise;
  fields["score"] = scene.score;
  return fields;
}

placed_scene to_placed_scene(const py::handle& given) {
  placed_scene scene;
  scene.source = get<std::int64_t>(given, "source");
  scene.name = get<std::string>(given, "name");
  scene.scale = get<double>(given, "scale");
  const auto [y, x] = get<std::pair<int, int>>(given, "offset");
  scene.at.y = y;
  scene.at.x = x;
  scene.offset = get<double>(given, "center_distance");
  const py::object terms = given.attr("terms");
  scene.terms = {get<double>(terms, "scene"), get<double>(terms, "context"), get<double>(terms, "texture"),
                 get<double>(terms, "seam")};
  return scene;
}

template <class Values>
void load_context(Values& values, const py::object& given) {
  const auto& query = given.attr("query").cast<const query_handle&>();
  values.query = query.query;
  values.longest_side = query.longest_side;
  values.photos = to_photo_source(given.attr("photos"));
  require(values.photos != nullptr, Values::value_name, ": given photos = None, wanted where to read them");
}

}  // namespace

shared_object share(py::object object) {
  return shared_object(new py::object(std::move(object)), [](const py::object* kept) {
    const py::gil_scoped_acquire held;
    delete kept;
  });
}

py::object to_python(const descriptor_block& block) {
  return value_class("DescriptorBlock")("name"_a = block.name, "cells"_a = block.cells,
                                        "values_per_cell"_a = block.values_per_cell,
                                        "importance"_a = block.importance);
}

std::vector<descriptor_block> to_blocks(const py::object& given) {
  std::vector<descriptor_block> blocks;
  for (const py::handle block : given) {
    blocks.push_back({get<std::string>(block, "name"), get<int>(block, "cells"),
                      get<int>(block, "values_per_cell"), get<float>(block, "importance")});
  }
  return blocks;
}

py::object to_python(const descriptor& found) {
  py::list blocks;
  for (const descriptor_block& block : found.blocks) blocks.append(to_python(block));
  return value_class("Descriptor")("blocks"_a = py::tuple(blocks), "values"_a = array_of(found.values),
                                   "weights"_a = array_of(found.weights));
}

descriptor to_descriptor(const py::object& given, const char* where) {
  descriptor result{to_blocks(given.attr("blocks")),
                    vector_of<float>(given.attr("values"), "descriptor.values"),
                    vector_of<float>(given.attr("weights"), "descriptor.weights")};
  require_valid(result, where);
  return result;
}

py::object to_python(const matches& found, const py::object& photos) {
  return value_class("Matches")("ids"_a = array_of(found.ids), "distances"_a = array_of(found.distances),
                                "photos"_a = photos, "certified"_a = found.certified);
}

matches to_matches(const py::object& given, const char* where) {
  matches result;
  result.ids = vector_of<std::int64_t>(given.attr("ids"), "matches.ids");
  result.distances = vector_of<float>(given.attr("distances"), "matches.distances");
  require(result.ids.size() == result.distances.size(), where, ": given matches with ", result.ids.size(),
          " ids and ", result.distances.size(), " distances, wanted as many");
  // What was found comes first; the rest is padding.
  const auto padding =
      std::find_if(result.ids.begin(), result.ids.end(), [](std::int64_t id) { return id < 0; });
  result.count = static_cast<int>(padding - result.ids.begin());
  result.certified = get<bool>(given, "certified");
  result.source = to_photo_source(given.attr("photos"));
  return result;
}

py::object to_python(const placements& placed, const query_handle& query, const py::object& photos) {
  const py::object scene_class = value_class("PlacedScene");
  py::list scenes;
  for (const placed_scene& scene : placed.scenes) scenes.append(scene_class(**fields_of(scene)));
  return value_class("Placements")("query"_a = query, "photos"_a = photos, "scenes"_a = py::tuple(scenes));
}

placements to_placements(const py::object& given) {
  placements result;
  load_context(result, given);
  for (const py::handle scene : given.attr("scenes")) result.scenes.push_back(to_placed_scene(scene));
  return result;
}

py::object to_python(const composites& cut, const query_handle& query, const py::object& photos) {
  const py::object scene_class = value_class("Composite");
  py::list scenes;
  for (const composite& scene : cut.scenes) scenes.append(scene_class(**fields_of(scene)));
  return value_class("Composites")("query"_a = query, "photos"_a = photos, "scenes"_a = py::tuple(scenes));
}

composites to_composites(const py::object& given, masks wanted) {
  composites result;
  load_context(result, given);
  const masked_image& matching = result.query->matching;
  for (const py::handle item : given.attr("scenes")) {
    composite scene;
    static_cast<placed_scene&>(scene) = to_placed_scene(item);
    if (wanted == masks::load) {
      scene.from_patch = mask_view(item.attr("from_patch"), "composite.from_patch").to_mask();
      require(same_extent(scene.from_patch, matching.hole), "composite.from_patch: given ",
              scene.from_patch.height(), "x", scene.from_patch.width(),
              " (height x width), wanted the query's ", matching.hole.height(), "x", matching.hole.width(),
              " at matching resolution");
    }
    scene.flow = get<std::int64_t>(item, "flow");
    scene.cut = get<std::int64_t>(item, "cut");
    scene.seam_unary = get<double>(item, "seam_unary");
    scene.seam_pairwise = get<double>(item, "seam_pairwise");
    scene.score = get<double>(item, "score");
    result.scenes.push_back(std::move(scene));
  }
  return result;
}

py::list to_python(std::vector<completion>&& completions, const query_handle& query) {
  const py::object completion_class = value_class("Completion");
  py::list results;
  for (completion& made : completions) {
    py::dict fields = fields_of(made);
    fields["image"] = to_array(std::move(made.picture), query.form);
    fields["cut_mask"] = to_array(made.full_from_patch);
    results.append(completion_class(**fields));
  }
  return results;
}

std::shared_ptr<const photo_source> to_photo_source(const py::object& photos) {
  if (photos.is_none()) return nullptr;
  const py::object handle = py::getattr(photos, "_handle", py::none());
  if (py::isinstance<collection>(handle)) return handle.cast<const collection&>().source();
  if (py::isinstance<gray_index>(handle)) return handle.cast<const gray_index&>().source();
  return std::make_shared<const python_photo_source>(photos);
}

picture_encoder to_picture_encoder(const py::object& given) {
  if (given.is_none()) return {};
  const py::object encoder = py::getattr(given, "_stage", given);
  if (py::isinstance<scene_descriptor_stage>(encoder)) return encoder.cast<const scene_descriptor_stage&>();
  if (py::isinstance<gist_stage>(encoder)) return encoder.cast<const gist_stage&>();
  if (py::isinstance<color_grid_stage>(encoder)) return encoder.cast<const color_grid_stage&>();
  if (py::isinstance<picture_encoder>(encoder)) return encoder.cast<const picture_encoder&>();
  if (py::hasattr(encoder, "stages") && !py::hasattr(encoder, "blocks")) {  // a branch
    std::vector<picture_encoder> parts;
    for (const py::handle part : encoder.attr("stages")) {
      parts.push_back(to_picture_encoder(py::reinterpret_borrow<py::object>(part)));
    }
    return picture_encoder::joined(std::move(parts));
  }
  if (py::isinstance<tiny_image_stage>(encoder)) return encoder.cast<const tiny_image_stage&>();
  require(PyCallable_Check(encoder.ptr()) != 0 && py::hasattr(encoder, "blocks"), "encoder: given ",
          py::str(py::type::of(encoder).attr("__name__")).cast<std::string>(),
          ", wanted a stage that describes pictures, or a callable with an attribute `blocks`");
  constexpr int usual_side = 256;
  return python_encoder{share(encoder), to_blocks(encoder.attr("blocks")),
                        py::getattr(encoder, "sufficient_side", py::int_(usual_side)).cast<int>()};
}

}  // namespace lookalike::python

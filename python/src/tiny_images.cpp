// Tiny images, distances between them, votes on a tree of nouns, and how they scale.

#include <array>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>
#include <pybind11/stl/filesystem.h>

#include <lookalike/apps/scaling_curve.hpp>
#include <lookalike/retrieve/component_shortlist.hpp>
#include <lookalike/retrieve/near_duplicates.hpp>
#include <lookalike/retrieve/nested_neighbors.hpp>
#include <lookalike/retrieve/picture_orientation.hpp>
#include <lookalike/retrieve/rerank.hpp>
#include <lookalike/retrieve/shift_distance.hpp>
#include <lookalike/retrieve/tiny_image.hpp>
#include <lookalike/retrieve/tree_vote.hpp>
#include <lookalike/retrieve/warp_distance.hpp>
#include <lookalike/retrieve/wordnet.hpp>

#include "arrays.hpp"
#include "bindings.hpp"
#include "network_arrays.hpp"
#include "options.hpp"
#include "values.hpp"
#include "watch.hpp"

namespace lookalike::python {

namespace {

using py::arg;
using float_rows = py::array_t<float, py::array::c_style>;
using id_rows = py::array_t<std::int64_t, py::array::c_style | py::array::forcecast>;
using bytes = py::array_t<std::uint8_t, py::array::c_style>;

constexpr words<tiny_image_distance, 3> distances{{{"ssd", tiny_image_distance::ssd},
                                                   {"warp", tiny_image_distance::warp},
                                                   {"shift", tiny_image_distance::shift}}};
constexpr words<scaling_measure, 4> measures{{{"distance", scaling_measure::distance},
                                              {"correlation", scaling_measure::correlation},
                                              {"hit", scaling_measure::hit},
                                              {"score", scaling_measure::score}}};

/// Rows where they lie; lookalike/tiny_images.py sees to type and order.
tensor_view<const float> rows_of(const float_rows& array, const char* where) {
  require(array.ndim() == 2, where, ": given an array of ", array.ndim(), " axes, wanted 2");
  return tensor_view<const float>::contiguous(array.data(), array.shape(0), array.shape(1), 1, 1);
}
vector_view vectors_of(const float_rows& array, const char* where) {
  const auto rows = rows_of(array, where);
  return vector_view(rows.data, rows.batch(), rows.channels());
}

planes_extent extent_of(const std::array<int, 3>& shape) {
  return {shape[0], shape[1], shape[2]};
}

/// What matches hold, as arrays of (queries, k).
py::tuple to_arrays(const std::vector<matches>& found, int k) {
  const auto count = static_cast<py::ssize_t>(found.size());
  py::array_t<std::int64_t> ids({count, static_cast<py::ssize_t>(k)});
  py::array_t<float> all({count, static_cast<py::ssize_t>(k)});
  for (py::ssize_t i = 0; i < count; ++i) {
    const matches& each = found[static_cast<std::size_t>(i)];
    std::copy(each.ids.begin(), each.ids.end(), ids.mutable_data() + i * k);
    std::copy(each.distances.begin(), each.distances.end(), all.mutable_data() + i * k);
  }
  return py::make_tuple(ids, all);
}

std::vector<matches> from_ids(const id_rows& ids) {
  require(ids.ndim() == 2, "rerank: given ids of ", ids.ndim(), " axes, wanted 2");
  std::vector<matches> result(static_cast<std::size_t>(ids.shape(0)));
  for (std::size_t i = 0; i < result.size(); ++i) {
    const std::int64_t* const row = ids.data() + static_cast<py::ssize_t>(i) * ids.shape(1);
    result[i].ids.assign(row, row + ids.shape(1));
    while (result[i].count < ids.shape(1) && row[result[i].count] >= 0) ++result[i].count;
  }
  return result;
}

/// Distances of pairs of rows, and the warps: (pairs,), (pairs, 4) of down, right, scale, mirrored.
template <class MakeMatcher>
py::tuple measure_pairs(const float_rows& a, const float_rows& b, const planes_extent& extent,
                        const char* where, const MakeMatcher& make, const py::object& callback) {
  const auto left = rows_of(a, where), right = rows_of(b, where);
  require(left.batch() == right.batch(), where, ": given ", left.batch(), " and ", right.batch(),
          " pictures, wanted pairs");
  require(left.channels() == extent.size() && right.channels() == extent.size(), where,
          ": given pictures of ", left.channels(), " and ", right.channels(), " numbers, wanted ",
          extent.planes, " x ", extent.height, " x ", extent.width);
  const py::ssize_t count = static_cast<py::ssize_t>(left.batch());
  py::array_t<float> squared(count), warps({count, py::ssize_t{4}});
  float* const to = squared.mutable_data();
  float* const warp_to = warps.mutable_data();
  const auto size = static_cast<std::size_t>(extent.size());
  watch(callback).run([&](const progress& watcher) {
    constexpr std::int64_t at_once = 64;
    make();  // options out of range, even without a pair
    parallel_for((left.batch() + at_once - 1) / at_once,
                 [&](std::int64_t step) {
                   auto matcher = make();
                   for (std::int64_t i = step * at_once; i < std::min(left.batch(), (step + 1) * at_once);
                        ++i) {
                     const auto from = static_cast<std::size_t>(i) * size;
                     const warp_match found =
                         matcher(std::span(left.data + from, size), std::span(right.data + from, size));
                     to[i] = found.squared_distance;
                     warp_to[4 * i] = found.warp.down;
                     warp_to[4 * i + 1] = found.warp.right;
                     warp_to[4 * i + 2] = found.warp.scale;
                     warp_to[4 * i + 3] = found.warp.mirrored ? 1.0f : 0.0f;
                   }
                 },
                 watcher, "compare");
  });
  return py::make_tuple(squared, warps);
}

py::tuple to_tuple(const interval& i) {
  return py::make_tuple(i.value, i.lower, i.upper);
}

void bind_distances(py::module_& module) {
  py::class_<tiny_image_stage>(module, "TinyImage")
      .def(py::init<float>(), py::kw_only(), arg("importance"))
      .def(
          "__call__",
          [](const tiny_image_stage& stage, const py::object& picture, const py::object& hole) {
            require(hole.is_none(), "tiny_image: given a mask, wanted a whole picture");
            const picture_view view(picture, "tiny_image");
            descriptor found;
            {
              const py::gil_scoped_release released;
              found = stage(view.to_image<3>());
            }
            return to_python(found);
          },
          arg("picture"), arg("mask") = py::none())
      .def("blocks",
           [](const tiny_image_stage& stage) {
             py::list blocks;
             for (const descriptor_block& block : stage.blocks()) blocks.append(to_python(block));
             return py::tuple(blocks);
           })
      .def("sufficient_side", &tiny_image_stage::sufficient_side);

  module.def(
      "normalized_pixels",
      [](const bytes& pictures, const py::object& callback) {
        require(pictures.ndim() == 4, "normalized_pixels: given an array of ", pictures.ndim(),
                " axes, wanted 4: (pictures, channels, height, width)");
        const auto view = tensor_view<const std::uint8_t>::contiguous(
            pictures.data(), pictures.shape(0), pictures.shape(1), pictures.shape(2), pictures.shape(3));
        tensor<float> rows =
            watch(callback).run([&](const progress& watcher) { return normalized_pixels(view, watcher); });
        py::array result = give_away(std::move(rows));
        return result.reshape({view.batch(), view.channels() * view.height() * view.width()});
      },
      arg("pictures").noconvert(), arg("progress"));

  const auto bind_pairs = [&](const char* name, bool shifts) {
    module.def(
        name,
        [name, shifts](const float_rows& a, const float_rows& b, float translation, float scale, bool mirror,
                       int starts, int iterations, int window, const std::array<int, 3>& shape,
                       const py::object& callback) {
          const warp_options warp{.translation = translation,
                                  .scale = scale,
                                  .mirror = mirror,
                                  .starts = starts,
                                  .iterations = iterations};
          const planes_extent extent = extent_of(shape);
          if (!shifts) {
            return measure_pairs(
                a, b, extent, name, [&] { return warp_matcher(warp, extent); }, callback);
          }
          return measure_pairs(
              a, b, extent, name, [&] { return shift_matcher({.window = window, .warp = warp}, extent); },
              callback);
        },
        arg("a").noconvert(), arg("b").noconvert(), py::kw_only(), arg("translation"), arg("scale"),
        arg("mirror"), arg("starts"), arg("iterations"), arg("window"), arg("shape"), arg("progress"));
  };
  bind_pairs("warp_distance", false);
  bind_pairs("shift_distance", true);

  module.def(
      "warped",
      [](const float_rows& pictures, float down, float right, float scale, bool mirrored,
         const std::array<int, 3>& shape) {
        const auto rows = rows_of(pictures, "warped");
        const planes_extent extent = extent_of(shape);
        py::array_t<float> result({pictures.shape(0), pictures.shape(1)});
        for (std::int64_t i = 0; i < rows.batch(); ++i) {
          const auto size = static_cast<std::size_t>(rows.channels());
          const std::vector<float> one = warped(std::span(rows.data + i * rows.channels(), size),
                                                {down, right, scale, mirrored}, extent);
          std::copy(one.begin(), one.end(), result.mutable_data() + i * rows.channels());
        }
        return result;
      },
      arg("pictures").noconvert(), py::kw_only(), arg("down"), arg("right"), arg("scale"), arg("mirrored"),
      arg("shape"));

  module.def(
      "rerank",
      [](const id_rows& ids, const float_rows& vectors, const float_rows& queries, int k,
         const std::string& distance, float translation, float scale, bool mirror, int starts, int iterations,
         int window, const std::array<int, 3>& shape, const py::object& callback) {
        const auto known = rows_of(vectors, "rerank"), sought = rows_of(queries, "rerank");
        const tiny_image_distance how = meaning(distance, "rerank.distance", distances);
        const shift_options options{.window = window,
                                    .warp = {.translation = translation,
                                             .scale = scale,
                                             .mirror = mirror,
                                             .starts = starts,
                                             .iterations = iterations}};
        const std::vector<matches> shortlists = from_ids(ids);
        return to_arrays(watch(callback).run([&](const progress& watcher) {
          return rerank(std::span<const matches>(shortlists), k, known, sought, how, options,
                        extent_of(shape), watcher);
        }),
                         k);
      },
      arg("ids"), arg("vectors").noconvert(), arg("queries").noconvert(), py::kw_only(), arg("k"),
      arg("distance"), arg("translation"), arg("scale"), arg("mirror"), arg("starts"), arg("iterations"),
      arg("window"), arg("shape"), arg("progress"));

  module.def(
      "component_shortlist",
      [](const float_rows& vectors, const float_rows& queries, int candidates, int components,
         std::int64_t sample, std::uint64_t seed, const py::object& callback) {
        const auto known = vectors_of(vectors, "component_shortlist"),
                   sought = vectors_of(queries, "component_shortlist");
        return to_arrays(watch(callback).run([&](const progress& watcher) {
          return component_shortlist(known, {.components = components, .sample = sample, .seed = seed})
              .candidates(sought, candidates, watcher);
        }),
                         candidates);
      },
      arg("vectors").noconvert(), arg("queries").noconvert(), py::kw_only(), arg("candidates"),
      arg("components"), arg("sample"), arg("seed"), arg("progress"));

  module.def(
      "near_duplicates",
      [](const float_rows& vectors, const float_rows& queries, float correlation,
         const py::object& callback) {
        const auto known = rows_of(vectors, "near_duplicates"), sought = rows_of(queries, "near_duplicates");
        const auto found = watch(callback).run([&](const progress& watcher) {
          return near_duplicates(known, sought, {.correlation = correlation}, watcher);
        });
        py::list each;
        for (const auto& ids : found)
          each.append(py::array_t<std::int64_t>(static_cast<py::ssize_t>(ids.size()), ids.data()));
        return each;
      },
      arg("vectors").noconvert(), arg("queries").noconvert(), py::kw_only(), arg("correlation"),
      arg("progress"));

  module.def(
      "find_orientations",
      [](const float_rows& upright, const float_rows& queries, int neighbors, std::vector<std::int64_t> out,
         const std::array<int, 3>& shape, const py::object& callback) {
        const auto known = vectors_of(upright, "find_orientations");
        const auto rows = rows_of(queries, "find_orientations");
        require(rows.channels() == std::int64_t{shape[0]} * shape[1] * shape[2],
                "find_orientations: given pictures of ", rows.channels(), " numbers, wanted ", shape[0],
                " x ", shape[1], " x ", shape[2]);
        const auto sought =
            tensor_view<const float>::contiguous(rows.data, rows.batch(), shape[0], shape[1], shape[2]);
        const auto found = watch(callback).run([&](const progress& watcher) {
          return find_orientations(vector_index(known), sought,
                                   {.neighbors = neighbors, .leave_out = std::move(out)}, watcher);
        });
        const auto count = static_cast<py::ssize_t>(found.size());
        py::array_t<std::int64_t> turns(count);
        py::array_t<double> correlation({count, py::ssize_t{4}});
        for (py::ssize_t i = 0; i < count; ++i) {
          const picture_orientation& each = found[static_cast<std::size_t>(i)];
          turns.mutable_at(i) = each.quarter_turns;
          std::copy(each.correlation.begin(), each.correlation.end(), correlation.mutable_data() + 4 * i);
        }
        return py::make_tuple(turns, correlation);
      },
      arg("upright").noconvert(), arg("queries").noconvert(), py::kw_only(), arg("neighbors"),
      arg("leave_out"), arg("shape"), arg("progress"));
}

void bind_word_tree(py::module_& module) {
  py::class_<word_tree>(module, "WordTree")
      .def(py::init([](const std::vector<std::pair<std::string, std::string>>& pairs) {
             return word_tree(pairs);
           }),
           arg("pairs"))
      .def("__len__", &word_tree::size)
      .def("root", &word_tree::root)
      .def("name", &word_tree::name, arg("node"))
      .def("parent", &word_tree::parent, arg("node"))
      .def("children", &word_tree::children, arg("node"))
      .def("depth", &word_tree::depth, arg("node"))
      .def(
          "node", [](const word_tree& tree, const std::string& name) { return tree.node(name); }, arg("name"))
      .def("path_to_root", &word_tree::path_to_root, arg("node"))
      .def("is_within", &word_tree::is_within, arg("node"), arg("ancestor"))
      .def(
          "votes",
          [](const word_tree& tree, const std::vector<int>& nodes) {
            tree_votes votes(tree);
            for (const int node : nodes) votes.add(node);
            return votes;
          },
          arg("nodes"));
  py::class_<tree_votes>(module, "TreeVotes")
      .def("total", &tree_votes::total)
      .def("counts",
           [](const tree_votes& votes) {
             const auto all = votes.votes();
             return py::array_t<int>(static_cast<py::ssize_t>(all.size()), all.data());
           })
      .def(
          "best", [](const tree_votes& votes, const std::vector<int>& nodes) { return votes.best(nodes); },
          arg("nodes"))
      .def("best_child", &tree_votes::best_child, arg("node"))
      .def("best_path", &tree_votes::best_path);
  py::class_<wordnet_nouns>(module, "WordNet")
      .def(py::init([](const std::filesystem::path& folder) { return read_wordnet_nouns(folder); }),
           arg("folder"), py::call_guard<py::gil_scoped_release>())
      .def("tree", &wordnet_nouns::tree)
      .def(
          "senses", [](const wordnet_nouns& nouns, const std::string& word) { return nouns.senses(word); },
          arg("word"))
      .def(
          "node",
          [](const wordnet_nouns& nouns, const std::string& word, int sense) {
            return nouns.node(word, sense);
          },
          arg("word"), arg("sense"));
}

void bind_scaling(py::module_& module) {
  module.def(
      "nested_neighbors",
      [](const float_rows& vectors, const float_rows& queries, std::vector<std::int64_t> sizes, int k,
         int repetitions, bool shuffle, double duplicates, std::uint64_t seed, const py::object& callback) {
        const auto known = rows_of(vectors, "nested_neighbors"),
                   sought = rows_of(queries, "nested_neighbors");
        const nested_search_options options{.k = k,
                                            .sizes = std::move(sizes),
                                            .repetitions = repetitions,
                                            .shuffle = shuffle,
                                            .seed = seed,
                                            .near_duplicates = duplicates};
        require(k >= 1 && repetitions >= 1, "nested_neighbors: given k = ", k, " and ", repetitions,
                " repetitions, wanted at least 1");
        const std::vector<py::ssize_t> shape{repetitions, static_cast<py::ssize_t>(options.sizes.size()),
                                             static_cast<py::ssize_t>(sought.batch()), k};
        py::array_t<std::int64_t> ids(shape);
        py::array_t<float> all(shape);
        std::int64_t* const id_to = ids.mutable_data();
        float* const distance_to = all.mutable_data();
        watch(callback).run([&](const progress& watcher) {
          nested_neighbors(
              known, sought, options,
              [&](const nested_matches& found) {
                for (int r = 0; r < repetitions; ++r) {
                  for (int s = 0; s < static_cast<int>(options.sizes.size()); ++s) {
                    const auto here =
                        ((static_cast<std::int64_t>(r) * shape[1] + s) * shape[2] + found.first_query) * k;
                    const auto from = found.ids(r, s);
                    const auto measured = found.distances(r, s);
                    std::copy(from.begin(), from.end(), id_to + here);
                    std::copy(measured.begin(), measured.end(), distance_to + here);
                  }
                }
              },
              watcher);
        });
        return py::make_tuple(ids, all);
      },
      arg("vectors").noconvert(), arg("queries").noconvert(), py::kw_only(), arg("sizes"), arg("k"),
      arg("repetitions"), arg("shuffle"), arg("near_duplicates"), arg("seed"), arg("progress"));

  py::class_<scaling_curve>(module, "ScalingCurve")
      .def(py::init([](const float_rows& vectors, const float_rows& queries,
                       const std::optional<std::vector<int>>& labels,
                       const std::optional<std::vector<int>>& query_labels, std::vector<std::int64_t> sizes,
                       int k, int repetitions, double duplicates, int bootstrap, double confidence,
                       std::uint64_t seed, const py::object& score, const py::object& callback) {
             const auto known = rows_of(vectors, "scaling_curve"), sought = rows_of(queries, "scaling_curve");
             scaling_labels given;
             if (labels) given.vectors = *labels;
             if (query_labels) given.queries = *query_labels;
             const scaling_options options{.sizes = std::move(sizes),
                                           .k = k,
                                           .repetitions = repetitions,
                                           .near_duplicates = duplicates,
                                           .bootstrap = bootstrap,
                                           .confidence = confidence,
                                           .seed = seed};
             scaling_score task;
             if (!score.is_none()) {
               task = [&score, k](std::int64_t first, std::span<const std::int64_t> ids,
                                  std::span<const float> squared, std::span<double> scores) {
                 const py::gil_scoped_acquire held;
                 const auto count = static_cast<py::ssize_t>(scores.size());
                 const std::vector<py::ssize_t> shape{count, k};
                 py::array_t<std::int64_t> numbers(count);
                 for (py::ssize_t i = 0; i < count; ++i) numbers.mutable_at(i) = first + i;
                 const py::object answer = score(numbers, py::array_t<std::int64_t>(shape, ids.data()),
                                                 py::array_t<float>(shape, squared.data()));
                 const auto values =
                     py::array_t<double, py::array::c_style | py::array::forcecast>::ensure(answer);
                 if (!values) PyErr_Clear();
                 require(static_cast<bool>(values) && values.ndim() == 1 && values.size() == count,
                         "scaling_curve.score: given no array of ", count,
                         " numbers, wanted one for each query");
                 std::copy(values.data(), values.data() + count, scores.begin());
               };
             }
             return watch(callback).run([&](const progress& watcher) {
               return measure_scaling(known, sought, given, options, task, watcher);
             });
           }),
           arg("vectors").noconvert(), arg("queries").noconvert(), py::kw_only(), arg("labels"),
           arg("query_labels"), arg("sizes"), arg("k"), arg("repetitions"), arg("near_duplicates"),
           arg("bootstrap"), arg("confidence"), arg("seed"), arg("score"), arg("progress"))
      .def("sizes", &scaling_curve::sizes)
      .def(
          "values",
          [](const scaling_curve& curve, const std::string& measure) {
            py::list all;
            for (const interval& each : curve.values(meaning(measure, "values", measures)))
              all.append(to_tuple(each));
            return all;
          },
          arg("measure"))
      .def("slope", [](const scaling_curve& curve) { return to_tuple(curve.slope()); })
      .def("dimension", [](const scaling_curve& curve) { return to_tuple(curve.dimension()); })
      .def("likelihood_dimension",
           [](const scaling_curve& curve) { return to_tuple(curve.likelihood_dimension()); })
      .def("deviation", &scaling_curve::deviation)
      .def(
          "pictures_needed",
          [](const scaling_curve& curve, const std::string& measure, double target) {
            const needed_pictures needed =
                curve.pictures_needed(meaning(measure, "pictures_needed", measures), target);
            return py::make_tuple(to_tuple(needed.pictures), needed.measured, needed.extrapolation,
                                  needed.notice);
          },
          arg("measure"), arg("target"));
}

}  // namespace

void bind_tiny_images(py::module_& module) {
  bind_distances(module);
  bind_word_tree(module);
  bind_scaling(module);
}

}  // namespace lookalike::python

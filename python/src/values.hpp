#pragma once

// The values that flow between stages: structs in C++, dataclasses of lookalike/values.py in Python, so that
// stages written in either can take and make them.

#include <cstdint>
#include <memory>
#include <vector>

#include <pybind11/pybind11.h>

#include <lookalike/blend/placements.hpp>
#include <lookalike/image/photo_source.hpp>
#include <lookalike/retrieve/descriptor.hpp>
#include <lookalike/retrieve/matches.hpp>
#include <lookalike/retrieve/picture_encoder.hpp>

#include "arrays.hpp"

namespace lookalike::python {

/// The query of a completion, and how it came: `lookalike.CompletionQuery`.
struct query_handle {
  std::shared_ptr<const completion_query> query;
  picture_form form;
  int longest_side = 1024;
};

/// A Python object that C++ may keep and drop on any thread.
using shared_object = std::shared_ptr<const py::object>;
shared_object share(py::object object);

py::object to_python(const descriptor_block& block);
py::object to_python(const descriptor& found);
descriptor to_descriptor(const py::object& given, const char* where);
std::vector<descriptor_block> to_blocks(const py::object& given);

/// `photos` is what the ids belong to.
py::object to_python(const matches& found, const py::object& photos);
matches to_matches(const py::object& given, const char* where);

py::object to_python(const placements& placed, const query_handle& query, const py::object& photos);
placements to_placements(const py::object& given);

py::object to_python(const composites& cut, const query_handle& query, const py::object& photos);
/// Without the masks where they are not needed.
enum class masks { load, leave };
composites to_composites(const py::object& given, masks wanted);

/// The pictures are moved out.
py::list to_python(std::vector<completion>&& completions, const query_handle& query);

/// Where photographs are read: a collection, or any object with `read(id)` or `object[id]`, and perhaps
/// `path(id)`. Null for None.
std::shared_ptr<const photo_source> to_photo_source(const py::object& photos);

/// An encoder that describes whole pictures: one of ours, or any callable with `blocks` and perhaps
/// `sufficient_side`.
picture_encoder to_picture_encoder(const py::object& encoder);

}  // namespace lookalike::python

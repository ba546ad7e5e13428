#pragma once

/// \file
/// Descriptors, collections and the search in them.
/// Written by tools/umbrella.

#include <lookalike/retrieve/build_report.hpp>
#include <lookalike/retrieve/cell_weights.hpp>
#include <lookalike/retrieve/color_grid.hpp>
#include <lookalike/retrieve/descriptor.hpp>
#include <lookalike/retrieve/descriptor_index.hpp>
#include <lookalike/retrieve/gist.hpp>
#include <lookalike/retrieve/learned_descriptor.hpp>
#include <lookalike/retrieve/lookup.hpp>
#include <lookalike/retrieve/matches.hpp>
#include <lookalike/retrieve/metric.hpp>
#include <lookalike/retrieve/nearest.hpp>
#include <lookalike/retrieve/picture_encoder.hpp>
#include <lookalike/retrieve/principal_components.hpp>
#include <lookalike/retrieve/scene_descriptor.hpp>
#include <lookalike/retrieve/search.hpp>
#include <lookalike/retrieve/thumbnail.hpp>
#include <lookalike/retrieve/vector_index.hpp>
#include <lookalike/retrieve/vector_view.hpp>
#include <lookalike/retrieve/vote.hpp>

#if __has_include(<jpeglib.h>) && __has_include(<png.h>)
#include <lookalike/retrieve/collection.hpp>
#include <lookalike/retrieve/near_duplicates.hpp>
#include <lookalike/retrieve/thumbnail_index.hpp>
#endif

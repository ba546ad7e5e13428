#pragma once

/// \file
/// Descriptors, collections and the search in them.
/// Written by tools/umbrella.

#include <lookalike/retrieve/build_report.hpp>
#include <lookalike/retrieve/cell_weights.hpp>
#include <lookalike/retrieve/collection_items.hpp>
#include <lookalike/retrieve/color_grid.hpp>
#include <lookalike/retrieve/column.hpp>
#include <lookalike/retrieve/component_shortlist.hpp>
#include <lookalike/retrieve/descriptor.hpp>
#include <lookalike/retrieve/descriptor_index.hpp>
#include <lookalike/retrieve/gist.hpp>
#include <lookalike/retrieve/gray_thumbnail.hpp>
#include <lookalike/retrieve/learned_descriptor.hpp>
#include <lookalike/retrieve/lookup.hpp>
#include <lookalike/retrieve/matches.hpp>
#include <lookalike/retrieve/metric.hpp>
#include <lookalike/retrieve/nearest.hpp>
#include <lookalike/retrieve/nested_neighbors.hpp>
#include <lookalike/retrieve/on_gray.hpp>
#include <lookalike/retrieve/photo_array.hpp>
#include <lookalike/retrieve/picture_encoder.hpp>
#include <lookalike/retrieve/picture_orientation.hpp>
#include <lookalike/retrieve/picture_warp.hpp>
#include <lookalike/retrieve/principal_components.hpp>
#include <lookalike/retrieve/recall.hpp>
#include <lookalike/retrieve/rerank.hpp>
#include <lookalike/retrieve/scene_descriptor.hpp>
#include <lookalike/retrieve/search.hpp>
#include <lookalike/retrieve/shift_distance.hpp>
#include <lookalike/retrieve/thumbnail.hpp>
#include <lookalike/retrieve/tiny_image.hpp>
#include <lookalike/retrieve/tree_vote.hpp>
#include <lookalike/retrieve/vector_index.hpp>
#include <lookalike/retrieve/vector_view.hpp>
#include <lookalike/retrieve/vote.hpp>
#include <lookalike/retrieve/warp_distance.hpp>
#include <lookalike/retrieve/word_tree.hpp>
#include <lookalike/retrieve/wordnet.hpp>

#if __has_include(<hnswlib/hnswlib.h>)
#include <lookalike/retrieve/approximate_index.hpp>
#endif

#if __has_include(<jpeglib.h>) && __has_include(<png.h>)
#include <lookalike/retrieve/collection.hpp>
#include <lookalike/retrieve/column_index.hpp>
#include <lookalike/retrieve/gray_index.hpp>
#include <lookalike/retrieve/near_duplicates.hpp>
#include <lookalike/retrieve/prepared_collection.hpp>
#include <lookalike/retrieve/thumbnail_index.hpp>
#include <lookalike/retrieve/tiny_image_files.hpp>
#endif

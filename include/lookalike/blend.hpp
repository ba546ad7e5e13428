#pragma once

/// \file
/// Making a patch fit: context match, seam, Poisson blending, color transfer.
/// Written by tools/umbrella.

#include <lookalike/blend/color_transfer.hpp>
#include <lookalike/blend/context_band.hpp>
#include <lookalike/blend/context_error.hpp>
#include <lookalike/blend/context_match.hpp>
#include <lookalike/blend/context_search.hpp>
#include <lookalike/blend/place_scene.hpp>
#include <lookalike/blend/placements.hpp>
#include <lookalike/blend/poisson.hpp>
#include <lookalike/blend/poisson_blend.hpp>
#include <lookalike/blend/welsh_transfer.hpp>

#if __has_include(<boost/graph/graph_traits.hpp>)
#include <lookalike/blend/seam.hpp>
#include <lookalike/blend/seam_cut.hpp>
#endif

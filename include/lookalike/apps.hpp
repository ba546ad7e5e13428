#pragma once

/// \file
/// Published systems, as compositions of the other rooms.
/// Written by tools/umbrella.

#include <lookalike/apps/average_color.hpp>
#include <lookalike/apps/colorization.hpp>
#include <lookalike/apps/global_transfer.hpp>
#include <lookalike/apps/rank.hpp>
#include <lookalike/apps/scaling_curve.hpp>
#include <lookalike/apps/vote_color.hpp>
#include <lookalike/apps/welsh.hpp>

#if __has_include(<boost/graph/graph_traits.hpp>) && __has_include(<jpeglib.h>) && __has_include(<png.h>)
#include <lookalike/apps/scene_completion.hpp>
#endif

#if __has_include(<jpeglib.h>) && __has_include(<png.h>)
#include <lookalike/apps/colorize.hpp>
#endif

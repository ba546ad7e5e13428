#pragma once

/// \file
/// Published systems, as compositions of the other rooms.
/// Written by tools/umbrella.

#include <lookalike/apps/rank.hpp>
#include <lookalike/apps/scene_completion.hpp>

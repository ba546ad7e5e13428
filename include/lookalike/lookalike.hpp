#pragma once

/// \file
/// Everything.
/// Written by tools/umbrella.

#include <lookalike/core.hpp>
#include <lookalike/simd.hpp>
#include <lookalike/image.hpp>
#include <lookalike/graph.hpp>
#include <lookalike/stage.hpp>
#include <lookalike/retrieve.hpp>
#include <lookalike/blend.hpp>
#include <lookalike/inpaint.hpp>
#include <lookalike/apps.hpp>

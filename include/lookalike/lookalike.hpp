#pragma once

/// \file
/// Everything.
/// Written by tools/umbrella.

#include <lookalike/apps.hpp>
#include <lookalike/blend.hpp>
#include <lookalike/core.hpp>
#include <lookalike/graph.hpp>
#include <lookalike/image.hpp>
#include <lookalike/inpaint.hpp>
#include <lookalike/models.hpp>
#include <lookalike/nn.hpp>
#include <lookalike/retrieve.hpp>
#include <lookalike/simd.hpp>
#include <lookalike/stage.hpp>

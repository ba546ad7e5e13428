#pragma once

/// \file
/// Everything.
/// Written by tools/umbrella.

#include <lookalike/core.hpp>
#include <lookalike/simd.hpp>
#include <lookalike/image.hpp>
#include <lookalike/stage.hpp>

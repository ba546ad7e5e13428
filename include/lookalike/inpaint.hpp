#pragma once

/// \file
/// Filling holes from the picture itself.
/// Written by tools/umbrella.

#include <lookalike/inpaint/fill_hole.hpp>
#include <lookalike/inpaint/harmonic.hpp>

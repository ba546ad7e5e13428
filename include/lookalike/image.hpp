#pragma once

/// \file
/// Pictures and masks: files, colors, resampling, filters, contact sheets.
/// Written by tools/umbrella.

#include <lookalike/image/image.hpp>
#include <lookalike/image/mask.hpp>

#if __has_include(<jpeglib.h>) && __has_include(<png.h>)
#include <lookalike/image/read.hpp>
#endif

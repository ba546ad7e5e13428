#pragma once

/// \file
/// Pictures and masks: files, colors, resampling, filters, contact sheets.
/// Written by tools/umbrella.

#include <lookalike/image/augment.hpp>
#include <lookalike/image/border.hpp>
#include <lookalike/image/border_weights.hpp>
#include <lookalike/image/chroma.hpp>
#include <lookalike/image/color.hpp>
#include <lookalike/image/color_jitter.hpp>
#include <lookalike/image/color_noise.hpp>
#include <lookalike/image/connected_components.hpp>
#include <lookalike/image/contact_sheet.hpp>
#include <lookalike/image/crop_and_flip.hpp>
#include <lookalike/image/distance.hpp>
#include <lookalike/image/elastic_deformation.hpp>
#include <lookalike/image/filter.hpp>
#include <lookalike/image/image.hpp>
#include <lookalike/image/l_alpha_beta.hpp>
#include <lookalike/image/mask.hpp>
#include <lookalike/image/normalization.hpp>
#include <lookalike/image/photo_source.hpp>
#include <lookalike/image/planes.hpp>
#include <lookalike/image/poisson_equation.hpp>
#include <lookalike/image/pyramid.hpp>
#include <lookalike/image/resample.hpp>
#include <lookalike/image/segmentation_score.hpp>
#include <lookalike/image/size.hpp>
#include <lookalike/image/text.hpp>

#if __has_include(<jpeglib.h>) && __has_include(<png.h>)
#include <lookalike/image/read.hpp>
#include <lookalike/image/write.hpp>
#endif

#pragma once

/// \file
/// Published networks.
/// Written by tools/umbrella.

#include <lookalike/models/alexnet.hpp>
#include <lookalike/models/autoencoder.hpp>
#include <lookalike/models/color_bins.hpp>
#include <lookalike/models/color_metrics.hpp>
#include <lookalike/models/colorful_colorization.hpp>
#include <lookalike/models/completion_training.hpp>
#include <lookalike/models/image_completion.hpp>
#include <lookalike/models/pix2pix.hpp>
#include <lookalike/models/resnet.hpp>
#include <lookalike/models/torch_names.hpp>
#include <lookalike/models/unet.hpp>

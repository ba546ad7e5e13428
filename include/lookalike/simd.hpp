#pragma once

/// \file
/// The hot loops, as plain functions over pointers.
/// Written by tools/umbrella.

#include <lookalike/simd/activation.hpp>
#include <lookalike/simd/byte_correlation.hpp>
#include <lookalike/simd/color.hpp>
#include <lookalike/simd/convolution.hpp>
#include <lookalike/simd/convolution_algorithm.hpp>
#include <lookalike/simd/elementwise.hpp>
#include <lookalike/simd/embedding.hpp>
#include <lookalike/simd/epilogue.hpp>
#include <lookalike/simd/feature_map.hpp>
#include <lookalike/simd/fourier.hpp>
#include <lookalike/simd/gabor_energy.hpp>
#include <lookalike/simd/gamut.hpp>
#include <lookalike/simd/inner_product.hpp>
#include <lookalike/simd/instruction_set.hpp>
#include <lookalike/simd/l_alpha_beta.hpp>
#include <lookalike/simd/layer_normalization.hpp>
#include <lookalike/simd/layout.hpp>
#include <lookalike/simd/local_response_normalization.hpp>
#include <lookalike/simd/log_sum_exp.hpp>
#include <lookalike/simd/matrix_product.hpp>
#include <lookalike/simd/median.hpp>
#include <lookalike/simd/multigrid.hpp>
#include <lookalike/simd/nearest_sample.hpp>
#include <lookalike/simd/normalization.hpp>
#include <lookalike/simd/panel_product.hpp>
#include <lookalike/simd/parameter_update.hpp>
#include <lookalike/simd/pooling.hpp>
#include <lookalike/simd/resample.hpp>
#include <lookalike/simd/resize.hpp>
#include <lookalike/simd/rows.hpp>
#include <lookalike/simd/soft_lookup.hpp>
#include <lookalike/simd/softmax.hpp>
#include <lookalike/simd/squared_l2.hpp>
#include <lookalike/simd/transposed_convolution.hpp>
#include <lookalike/simd/window.hpp>
#include <lookalike/simd/window_deviation.hpp>

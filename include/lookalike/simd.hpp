#pragma once

/// \file
/// The hot loops, as plain functions over pointers.
/// Written by tools/umbrella.

#include <lookalike/simd/byte_correlation.hpp>
#include <lookalike/simd/color.hpp>
#include <lookalike/simd/fourier.hpp>
#include <lookalike/simd/gabor_energy.hpp>
#include <lookalike/simd/inner_product.hpp>
#include <lookalike/simd/instruction_set.hpp>
#include <lookalike/simd/median.hpp>
#include <lookalike/simd/multigrid.hpp>
#include <lookalike/simd/panel_product.hpp>
#include <lookalike/simd/resample.hpp>
#include <lookalike/simd/rows.hpp>
#include <lookalike/simd/squared_l2.hpp>

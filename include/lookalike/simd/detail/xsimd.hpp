#pragma once

/// \file
/// xsimd, included in the one way that compiles without warnings and everywhere. g++ 12 takes the
/// deliberately undefined operands inside its own AVX-512 intrinsics for a mistake of whoever inlines them
/// (GCC bug 105593), and blames the line of its header; the pragmas hold for that line if this is the first
/// to include it.

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#pragma GCC diagnostic ignored "-Wuninitialized"
#endif

#include <xsimd/xsimd.hpp>

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif

#if defined(XSIMD_NO_SUPPORTED_ARCHITECTURE)
#include <lookalike/simd/detail/scalar_batch.hpp>
#endif

#pragma once

/// \file
/// The inline namespace of everything whose code depends on compiler options. Translation units compiled
/// with different `-march` may be linked into one program (the Python module does so, to pick its kernels at
/// import); without this namespace they would define the same function twice, differently.

#include <string_view>

#if defined(__AVX512F__)
#define LOOKALIKE_INSTRUCTION_SET avx512
#elif defined(__AVX2__) && defined(__FMA__)
#define LOOKALIKE_INSTRUCTION_SET avx2_fma
#elif defined(__AVX__)
#define LOOKALIKE_INSTRUCTION_SET avx
#elif defined(__SSE4_2__)
#define LOOKALIKE_INSTRUCTION_SET sse4_2
#elif defined(__SSE2__)
#define LOOKALIKE_INSTRUCTION_SET sse2
#elif defined(__ARM_NEON)
#define LOOKALIKE_INSTRUCTION_SET neon
#else
#define LOOKALIKE_INSTRUCTION_SET scalar
#endif

/// Opens with `namespace lookalike::simd::inline LOOKALIKE_SIMD_NAMESPACE {`.
#define LOOKALIKE_SIMD_NAMESPACE LOOKALIKE_INSTRUCTION_SET

#define LOOKALIKE_AS_TEXT(name) #name
#define LOOKALIKE_NAME_AS_TEXT(name) LOOKALIKE_AS_TEXT(name)

namespace lookalike::simd::inline LOOKALIKE_SIMD_NAMESPACE {

/// What this translation unit's kernels are compiled for: avx512, avx2_fma, avx, sse4_2, sse2, neon or
/// scalar.
inline constexpr std::string_view instruction_set = LOOKALIKE_NAME_AS_TEXT(LOOKALIKE_INSTRUCTION_SET);

}  // namespace lookalike::simd::inline LOOKALIKE_SIMD_NAMESPACE

#undef LOOKALIKE_NAME_AS_TEXT
#undef LOOKALIKE_AS_TEXT

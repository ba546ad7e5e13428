#pragma once

/// \file
/// Errors, memory, files, threads, progress.
/// Written by tools/umbrella.

#include <lookalike/core/constexpr_vector.hpp>
#include <lookalike/core/dual.hpp>
#include <lookalike/core/error.hpp>
#include <lookalike/core/files.hpp>
#include <lookalike/core/float16.hpp>
#include <lookalike/core/glob.hpp>
#include <lookalike/core/hash.hpp>
#include <lookalike/core/memory.hpp>
#include <lookalike/core/memory_map.hpp>
#include <lookalike/core/parallel.hpp>
#include <lookalike/core/progress.hpp>
#include <lookalike/core/random.hpp>
#include <lookalike/core/shape.hpp>
#include <lookalike/core/static_text.hpp>
#include <lookalike/core/tensor.hpp>
#include <lookalike/core/xtensor.hpp>

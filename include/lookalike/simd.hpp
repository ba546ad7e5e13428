#pragma once

/// \file
/// The hot loops, as plain functions over pointers.
/// Written by tools/umbrella.

#include <lookalike/simd/instruction_set.hpp>

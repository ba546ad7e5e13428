#pragma once

/// \file
/// Pipelines: stages, `|`, `branch`, `skip`.
/// Written by tools/umbrella.

#include <lookalike/stage/branch.hpp>
#include <lookalike/stage/function_stage.hpp>
#include <lookalike/stage/pipeline.hpp>
#include <lookalike/stage/roles.hpp>
#include <lookalike/stage/stage.hpp>
#include <lookalike/stage/value_name.hpp>

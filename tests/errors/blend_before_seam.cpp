// expected: poisson_blend: expects composites, given placements by context_match
#include <lookalike/blend/context_match.hpp>
#include <lookalike/blend/poisson_blend.hpp>
#include <lookalike/stage/pipeline.hpp>

using namespace lookalike;

auto pipeline = context_match | poisson_blend;

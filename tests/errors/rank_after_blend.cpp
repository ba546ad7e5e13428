// expected: rank: expects composites, given completions by poisson_blend
#include <lookalike/apps/rank.hpp>
#include <lookalike/blend/poisson_blend.hpp>
#include <lookalike/stage/pipeline.hpp>

using namespace lookalike;

auto pipeline = poisson_blend | rank(20);

// expected: rank: expects composites, given placements by context_match
#include <lookalike/apps/rank.hpp>
#include <lookalike/blend/context_match.hpp>
#include <lookalike/stage/pipeline.hpp>

using namespace lookalike;

auto pipeline = context_match | rank(20);

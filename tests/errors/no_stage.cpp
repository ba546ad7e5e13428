// expected: |: expects a stage or a function of one typed parameter, given int
#include <lookalike/stage/branch.hpp>
#include <lookalike/stage/pipeline.hpp>
#include <lookalike/stage/roles.hpp>

#include "stages.hpp"

using namespace lookalike;

auto pipeline = gist{} | 3;

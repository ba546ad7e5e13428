// expected: gist: expects image with 3 channels, given descriptor by gist
#include <lookalike/stage/branch.hpp>
#include <lookalike/stage/pipeline.hpp>
#include <lookalike/stage/roles.hpp>

#include "stages.hpp"

using namespace lookalike;

auto pipeline = gist{} | gist{};

// expected: branch: expects stages of one input, given gist of image with 3 channels and edges of image with 1 channel
#include <lookalike/stage/branch.hpp>
#include <lookalike/stage/pipeline.hpp>
#include <lookalike/stage/roles.hpp>

#include "stages.hpp"

using namespace lookalike;

auto pipeline = branch(gist{}, edges{});

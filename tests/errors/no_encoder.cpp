// expected: to_gray: expects to be an encoder (picture to representation), given image with 3 channels to image with 1 channel
#include <lookalike/stage/branch.hpp>
#include <lookalike/stage/pipeline.hpp>
#include <lookalike/stage/roles.hpp>

#include "stages.hpp"

using namespace lookalike;

static_assert(check_encoder<to_gray>());

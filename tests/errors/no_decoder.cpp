// expected: gist: expects to be a decoder (representation to picture), given image with 3 channels to descriptor
#include <lookalike/stage/branch.hpp>
#include <lookalike/stage/pipeline.hpp>
#include <lookalike/stage/roles.hpp>

#include "stages.hpp"

using namespace lookalike;

static_assert(check_decoder<gist>());

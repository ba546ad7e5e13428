// expected: gist: expects image with 3 channels, given image with 1 channel by to_gray
#include <lookalike/stage/branch.hpp>
#include <lookalike/stage/pipeline.hpp>
#include <lookalike/stage/roles.hpp>

#include "stages.hpp"

using namespace lookalike;

auto pipeline = to_gray{} | gist{};

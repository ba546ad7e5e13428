// expected: context_match: expects (masked image, matches), given (masked image, descriptor) by branch
#include <lookalike/blend/context_match.hpp>
#include <lookalike/inpaint/fill_hole.hpp>
#include <lookalike/retrieve/scene_descriptor.hpp>
#include <lookalike/stage/branch.hpp>
#include <lookalike/stage/pipeline.hpp>

using namespace lookalike;

auto pipeline = skip(fill_hole | scene_descriptor) | context_match;

// What the types of scene completion promise, checked by compiling this file.

#include <type_traits>
#include <vector>

#include <lookalike/apps/scene_completion.hpp>
#include <lookalike/stage/roles.hpp>

namespace {

using namespace lookalike;

using algorithm = decltype(scene_completion(std::declval<const collection&>()));

static_assert(stage<algorithm>);
static_assert(std::is_same_v<algorithm::input, masked_image>);
static_assert(std::is_same_v<algorithm::output, std::vector<completion>>);
static_assert(!encoder<algorithm> && !decoder<algorithm>, "from pictures to pictures");
static_assert(decoder<poisson_blend_stage>);

static_assert(encoder<scene_descriptor_stage>);
static_assert(encoder<decltype(fill_hole | scene_descriptor)>);
static_assert(!encoder<fill_hole_stage>, "a filled picture is a picture still");
static_assert(lookalike::index<collection>);  // POSIX has a function of that name

// Every stage can be replaced by a function of the same types.
using with_own_seam = decltype(context_match | [](const placements&) { return composites{}; } | rank(1) |
                               poisson_blend);
static_assert(std::is_same_v<with_own_seam::output, algorithm::output>);

// | is associative, and skip is a branch.
static_assert(
    std::is_same_v<decltype((context_match | seam) | rank(1)), decltype(context_match | (seam | rank(1)))>);
static_assert(
    std::is_same_v<decltype(skip(fill_hole)), decltype(branch(identity<masked_image>(), fill_hole))>);

}  // namespace

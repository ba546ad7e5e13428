// expected: lookup: expects an index (types query, search_options, result; search(query, options)), given gist
#include <lookalike/stage/branch.hpp>
#include <lookalike/stage/pipeline.hpp>
#include <lookalike/stage/roles.hpp>

#include "stages.hpp"

using namespace lookalike;

static_assert(check_index<gist>());

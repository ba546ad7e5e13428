// expected: average_color: expects (image with 3 channels, matches), given matches by lookup
#include <utility>

#include <lookalike/apps/average_color.hpp>
#include <lookalike/retrieve/gray_index.hpp>
#include <lookalike/retrieve/lookup.hpp>
#include <lookalike/stage/pipeline.hpp>

using namespace lookalike;

// Without `skip` the lightness of the query is lost on the way.
auto colorize_by(const gray_index& known) {
  return gray_thumbnail | lookup(known, 5) | average_color();
}

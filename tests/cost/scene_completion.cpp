// budget: 2.9 times the reference, 800 MB

/// \file
/// What it costs to write a whole application: scene completion as a pipeline, every kernel compiled with it.

#include <lookalike/apps/scene_completion.hpp>

int main() {
  lookalike::collection* photos = nullptr;
  return photos == nullptr || lookalike::complete({}, *photos).empty() ? 0 : 1;
}

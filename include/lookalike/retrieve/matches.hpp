#pragma once

/// \file
/// What comes back from a look-up.

#include <cstdint>
#include <limits>
#include <memory>
#include <string_view>
#include <vector>

#include <lookalike/image/photo_source.hpp>

namespace lookalike {

/// The nearest entries of an index, nearest first, those at equal distance by id. `ids` and `distances` have
/// the length k that was asked for; from `count` on they are padded with -1 and infinity.
struct matches {
  static constexpr std::string_view value_name = "matches";

  std::vector<std::int64_t> ids;
  /// Smaller is nearer; what they measure is the index's to say.
  std::vector<float> distances;
  int count = 0;
  /// Whether these are provably the nearest ones.
  bool certified = false;
  /// Where the photographs with these ids can be read; null when the index knows of none.
  std::shared_ptr<const photo_source> source;
};

}  // namespace lookalike

#pragma once

/// \file
/// The extents of one picture or feature map, as far as they are known.

#include <cstdint>

namespace lookalike {

/// An extent that is known only when the program runs.
inline constexpr int dynamic = -1;

/// Channels, height and width of a feature map; the number of pictures in a batch is never part of it. What
/// is no picture has height and width 1: a vector of 10 scores is {10, 1, 1}. A row of tokens is
/// {features, 1, tokens}.
struct shape {
  int channels = dynamic;
  int height = dynamic;
  int width = dynamic;

  friend constexpr bool operator==(const shape&, const shape&) = default;

  constexpr bool is_static() const { return channels != dynamic && height != dynamic && width != dynamic; }
  /// Numbers in one picture. Only where all extents are known.
  constexpr std::int64_t size() const {
    return std::int64_t{channels} * std::int64_t{height} * std::int64_t{width};
  }
};

}  // namespace lookalike

#pragma once

/// \file
/// Items for a collection that is of no folder: vectors computed elsewhere, or pictures in memory.

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include <lookalike/image/image.hpp>
#include <lookalike/retrieve/column.hpp>
#include <lookalike/retrieve/picture_encoder.hpp>

namespace lookalike {

/// What is added in one commit, or takes the place of what is there. A collection keeps what its first items
/// came with, and all others must have the same.
struct collection_items {
  /// How many; what is left out below may leave it out too.
  std::int64_t count = 0;
  /// Unique, at least 0. Empty: the numbers after the largest one so far.
  std::vector<std::int64_t> ids{};
  /// Classes, or whatever a number can say; -1 means none. Empty: none has one.
  std::vector<std::int32_t> labels{};
  /// Rows for columns, `count` of them each.
  std::map<std::string, column_values> columns{};
  /// The picture of item i in [0, count). Its thumbnail is kept, and `encoders` describe it. May be called on
  /// several threads at once.
  std::function<image<3>(std::int64_t i)> picture{};
  /// Thumbnails instead of pictures: `count` x 32 x 32 x 3 bytes, in the caller's memory.
  const std::uint8_t* thumbnails = nullptr;
  /// Columns made from the pictures (or thumbnails) by these.
  std::map<std::string, picture_encoder> encoders{};
};

/// A column, or another file of a store, that does not hold what was written.
struct store_damage {
  std::string file;
  std::string what;
};

}  // namespace lookalike

#pragma once

/// \file
/// Photographs that are read one by one, by number, when they are needed: what a look-up hands on instead of
/// pictures.

#include <cstdint>
#include <string>

#include <lookalike/image/image.hpp>
#include <lookalike/image/resample.hpp>

namespace lookalike {

/// A collection of photographs on disk, in memory, or elsewhere. Const members may be called from several
/// threads at once.
class photo_source {
 public:
  virtual ~photo_source() = default;

  /// The photograph, upright, at full resolution. Throws `value_error` for an unknown id and `file_error`
  /// when it cannot be read any more.
  virtual byte_image read_photo(std::int64_t id) const = 0;

  /// The photograph squashed to `height` x `width`, each pixel the mean of what it covers. A source that
  /// keeps small copies hands them out without reading the photograph. Throws as above, and for extents
  /// below 1.
  virtual byte_image read_squashed(std::int64_t id, int height, int width) const {
    return resize(read_photo(id), height, width, resampling::area);
  }

  /// Where it comes from, in words for people: usually a path.
  virtual std::string photo_name(std::int64_t id) const = 0;
};

}  // namespace lookalike

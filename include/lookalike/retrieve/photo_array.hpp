#pragma once

/// \file
/// Pictures of one size in memory as a source of photographs: tiny images, which need no files.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <lookalike/core/error.hpp>
#include <lookalike/image/photo_source.hpp>

namespace lookalike {

/// `count` pictures, whose ids are 0, 1, ...
class photo_array final : public photo_source {
 public:
  /// `values` are those of all pictures one after another, each height x width x 3. Throws `value_error` for
  /// extents below 1 and another number of values than some pictures have.
  photo_array(std::vector<std::uint8_t> values, int height, int width)
      : values_(std::move(values)), height_(height), width_(width) {
    require(height >= 1 && width >= 1, "photo_array: given pictures of ", height, "x", width,
            " (height x width), wanted at least 1x1");
    require(values_.size() % picture_size() == 0, "photo_array: given ", values_.size(),
            " values, wanted a multiple of the ", picture_size(), " of a picture");
  }

  std::int64_t size() const { return static_cast<std::int64_t>(values_.size() / picture_size()); }

  byte_image read_photo(std::int64_t id) const override {
    require(id >= 0 && id < size(), "photo_array: given the id ", id, ", wanted 0 to ", size() - 1);
    byte_image picture(height_, width_);
    std::copy_n(values_.begin() + static_cast<std::ptrdiff_t>(static_cast<std::size_t>(id) * picture_size()),
                picture_size(), picture.values().begin());
    return picture;
  }
  std::string photo_name(std::int64_t id) const override { return std::to_string(id); }

 private:
  std::size_t picture_size() const {
    return std::size_t{3} * static_cast<std::size_t>(height_) * static_cast<std::size_t>(width_);
  }

  std::vector<std::uint8_t> values_;
  int height_ = 0;
  int width_ = 0;
};

}  // namespace lookalike

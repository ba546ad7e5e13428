#pragma once

/// \file
/// The context band of scene completion: the known pixels around a hole on which a candidate scene is
/// compared with the query (Hays & Efros 2007, section 4: "all pixels within an 80 pixel radius of the hole's
/// boundary").

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include <lookalike/image/distance.hpp>
#include <lookalike/image/mask.hpp>

namespace lookalike {

/// Where the band lies, as runs of pixels, with its area inside any rectangle in constant time.
class context_band {
 public:
  /// Pixels [begin, end) of row y.
  struct run {
    int y;
    int begin;
    int end;
  };

  context_band() = default;

  /// The pixels outside `hole` at a distance of at most `radius` pixels from it. O(pixels).
  context_band(const mask& hole, double radius) : context_band(lookalike::band(hole, radius)) {}

  /// The pixels where `members` is not zero.
  explicit context_band(const mask& members)
      : height_(members.height()),
        width_(members.width()),
        sums_(static_cast<std::size_t>(height_ + 1) * static_cast<std::size_t>(width_ + 1)) {
    for (int y = 0; y < height_; ++y) {
      std::int64_t row_sum = 0;
      for (int x = 0; x < width_; ++x) {
        if (members(y, x) != 0) {
          ++row_sum;
          if (x > 0 && members(y, x - 1) != 0) {
            ++runs_.back().end;
          } else {
            runs_.push_back({y, x, x + 1});
          }
        }
        sum(y + 1, x + 1) = sum(y, x + 1) + row_sum;
      }
    }
  }

  int height() const { return height_; }
  int width() const { return width_; }
  std::span<const run> runs() const { return runs_; }
  /// Number of pixels.
  std::int64_t area() const { return sums_.empty() ? 0 : sums_.back(); }

  /// Number of band pixels inside the rectangle with corner (y, x), which may stick out. O(1).
  std::int64_t area_inside(int y, int x, int height, int width) const {
    const int top = std::clamp(y, 0, height_);
    const int left = std::clamp(x, 0, width_);
    const int bottom = std::clamp(y + height, top, height_);
    const int right = std::clamp(x + width, left, width_);
    return sum(bottom, right) - sum(top, right) - sum(bottom, left) + sum(top, left);
  }

  /// The band on the grid of half the resolution: the 2x2 blocks all of whose pixels belong to it.
  context_band half() const {
    mask members(height_ / 2, width_ / 2);
    for (int y = 0; y < members.height(); ++y) {
      for (int x = 0; x < members.width(); ++x) {
        members(y, x) = area_inside(2 * y, 2 * x, 2, 2) == 4 ? 1 : 0;
      }
    }
    return context_band(members);
  }

 private:
  std::int64_t& sum(int y, int x) {
    return sums_[static_cast<std::size_t>(y) * static_cast<std::size_t>(width_ + 1) +
                 static_cast<std::size_t>(x)];
  }
  std::int64_t sum(int y, int x) const { return const_cast<context_band*>(this)->sum(y, x); }

  int height_ = 0;
  int width_ = 0;
  std::vector<run> runs_;
  std::vector<std::int64_t> sums_;  // summed area table, one row and column of zeros ahead
};

}  // namespace lookalike

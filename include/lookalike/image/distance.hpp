#pragma once

/// \file
/// Distances to a mask, and the masks that they give: grown holes, and the band around a hole.
/// P. Felzenszwalb, D. Huttenlocher: Distance Transforms of Sampled Functions, Theory of Computing 8 (2012).

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

#include <lookalike/image/detail/row_blocks.hpp>
#include <lookalike/image/image.hpp>
#include <lookalike/image/mask.hpp>

namespace lookalike {

namespace detail {

/// For each pixel the number of rows to the nearest missing pixel of its column, or `none`.
inline image<1, std::int32_t> rows_to_mask(const mask& hole, std::int32_t none) {
  image<1, std::int32_t> rows(hole.height(), hole.width(), none);
  const auto sweep = [&](int y, int neighbor) {
    for (int x = 0; x < hole.width(); ++x) {
      if (hole(y, x) != 0) {
        rows(y, x) = 0;
      } else if (neighbor >= 0 && neighbor < hole.height() && rows(neighbor, x) < rows(y, x)) {
        rows(y, x) = rows(neighbor, x) + 1;
      }
    }
  };
  for (int y = 0; y < hole.height(); ++y) sweep(y, y - 1);
  for (int y = hole.height() - 1; y >= 0; --y) sweep(y, y + 1);
  return rows;
}

/// The lower envelope of the parabolas (x - i)^2 + f(i)^2, i = 0 ... size-1, sampled at 0 ... size-1.
class parabola_envelope {
 public:
  explicit parabola_envelope(int size)
      : apexes_(static_cast<std::size_t>(size)), begins_(static_cast<std::size_t>(size)) {}

  /// Writes the square root of the envelope to `out`. `f(i)` of `none` or more stands for no parabola; with
  /// none at all the result is infinite. All comparisons are exact: the crossings are quotients of integers
  /// below 2^53 whose distance from a whole number, if any, is far above the rounding.
  void sample(const std::int32_t* f, std::int32_t none, int size, float* out) {
    const auto squared = [](std::int64_t value) { return value * value; };
    std::size_t count = 0;
    for (int i = 0; i < size; ++i) {
      if (f[i] >= none) continue;
      const std::int64_t height = squared(f[i]) + squared(i);
      double begin = -std::numeric_limits<double>::infinity();
      while (count > 0) {
        const int apex = apexes_[count - 1];
        begin = static_cast<double>(height - squared(f[apex]) - squared(apex)) / (2.0 * (i - apex));
        if (begin > begins_[count - 1]) break;
        begin = -std::numeric_limits<double>::infinity();
        --count;
      }
      apexes_[count] = i;
      begins_[count] = begin;
      ++count;
    }
    if (count == 0) {
      std::fill_n(out, size, std::numeric_limits<float>::infinity());
      return;
    }
    std::size_t lowest = 0;
    for (int x = 0; x < size; ++x) {
      while (lowest + 1 < count && begins_[lowest + 1] < x) ++lowest;
      const std::int64_t square = squared(x - apexes_[lowest]) + squared(f[apexes_[lowest]]);
      out[x] = static_cast<float>(std::sqrt(static_cast<double>(square)));
    }
  }

 private:
  std::vector<int> apexes_;
  std::vector<double> begins_;
};

}  // namespace detail

/// The exact Euclidean distance, in pixels between centers, from each pixel to the nearest missing one: 0
/// inside the hole, infinite everywhere when nothing is missing. O(pixels).
inline image<1> distance_to(const mask& hole) {
  constexpr double nanoseconds_a_pixel = 10;
  constexpr std::int32_t none = std::numeric_limits<std::int32_t>::max();
  const auto rows = detail::rows_to_mask(hole, none);
  image<1> distances(hole.height(), hole.width());
  detail::for_row_blocks(hole.height(), nanoseconds_a_pixel * hole.width(), [&](int begin, int end) {
    detail::parabola_envelope envelope(hole.width());
    for (int y = begin; y < end; ++y) {
      envelope.sample(rows.row(y).data(), none, hole.width(), distances.row(y).data());
    }
  });
  return distances;
}

namespace detail {

/// 255 where `holds(distance)`, 0 elsewhere.
template <class Predicate>
mask where_distance(const mask& hole, const Predicate& holds) {
  const image<1> distances = distance_to(hole);
  mask result(hole.height(), hole.width());
  for (std::size_t i = 0; i < result.values().size(); ++i) {
    result.values()[i] = holds(distances.values()[i]) ? 255 : 0;
  }
  return result;
}

inline void require_radius(double radius, const char* where) {
  require(radius >= 0, where, ": given a radius of ", radius, ", wanted at least 0 pixels");
}

}  // namespace detail

/// The hole grown by all pixels within `radius` of it (255, the rest 0). Throws `value_error` below 0.
inline mask dilate(const mask& hole, double radius) {
  detail::require_radius(radius, "dilate");
  return detail::where_distance(hole, [radius](double distance) {
    return distance <= radius && distance < std::numeric_limits<double>::infinity();
  });
}

/// The pixels outside the hole within `radius` of it (255, the rest 0). Throws `value_error` below 0.
inline mask band(const mask& hole, double radius) {
  detail::require_radius(radius, "band");
  return detail::where_distance(hole, [radius](double distance) {
    return distance > 0 && distance <= radius && distance < std::numeric_limits<double>::infinity();
  });
}

}  // namespace lookalike

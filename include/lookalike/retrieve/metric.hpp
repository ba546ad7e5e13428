#pragma once

/// \file
/// How far two vectors are apart.

#include <string_view>

namespace lookalike {

/// Smaller is nearer, whatever the metric.
enum class metric {
  squared_l2,     ///< sum of (a_i - b_i)^2
  inner_product,  ///< -sum of a_i b_i: negated, so that the largest product is the nearest
  /// 1 - the normalized correlation: the cosine of the vectors less their means. 0 where one is the other in
  /// another brightness and contrast, 2 for a negative; 1 where a vector is constant. A. Torralba, R. Fergus
  /// and W. Freeman, 80 million tiny images, PAMI 2008, section 3.
  correlation
};

constexpr std::string_view name_of(metric m) {
  switch (m) {
    case metric::squared_l2:
      return "squared_l2";
    case metric::inner_product:
      return "inner_product";
    default:
      return "correlation";
  }
}

}  // namespace lookalike

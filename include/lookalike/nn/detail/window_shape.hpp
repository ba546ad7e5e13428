#pragma once

/// \file
/// Shapes under a sliding window, and what is said about windows that do not fit.

#include <cstdint>
#include <string_view>

#include <lookalike/nn/extent.hpp>
#include <lookalike/nn/layer.hpp>
#include <lookalike/simd/window.hpp>

namespace lookalike::detail {

/// Reports an extent below 1; the first problem stays.
constexpr void expect_positive(extent_2d extent, std::string_view what, diagnosis& problem) {
  if (problem.failed() || (extent.height >= 1 && extent.width >= 1)) return;
  problem << "expects " << what << " of 1 x 1 or more, given " << extent.height << " x " << extent.width;
}

/// Reports a padding below 0.
constexpr void expect_padding(int top, int left, int bottom, int right, diagnosis& problem) {
  if (problem.failed() || (top >= 0 && left >= 0 && bottom >= 0 && right >= 0)) return;
  problem << "expects a padding of 0 or more, given " << top << ", " << left << ", " << bottom << ", "
          << right << " (top, left, bottom, right)";
}

/// Reports groups that do not divide the channels.
constexpr void expect_groups(int groups, int inputs, int outputs, diagnosis& problem) {
  if (problem.failed() || (groups >= 1 && inputs % groups == 0 && outputs % groups == 0)) return;
  problem << "expects groups that divide " << inputs << " input and " << outputs << " output channels, given "
          << groups;
}

/// Reports fewer rows or columns (`what`) than are needed; the first problem stays.
constexpr void expect_extent(int extent, int least, std::string_view what, diagnosis& problem) {
  if (problem.failed() || extent >= least) return;
  problem << "expects " << least << " or more " << what << ", given " << extent;
}

/// The map of these extents, without data or gaps: for those who ask kernels how much memory they want.
template <class Scalar>
feature_map<const Scalar> extents_map(const shape& s, int batch) {
  return {nullptr, batch, s.height, s.width, s.channels, s.channels};
}

}  // namespace lookalike::detail

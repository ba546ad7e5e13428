#pragma once

/// \file
/// Parallel loops over the rows of a picture.

#include <algorithm>
#include <cstdint>

#include <lookalike/core/parallel.hpp>

namespace lookalike::detail {

/// Runs `step(first, last)` on ranges of rows that together make [0, height), several at a time when there is
/// enough to do. `work` is the effort of one row, in about nanoseconds.
template <class Step>
void for_row_blocks(int height, double work, const Step& step) {
  constexpr double worth_a_block = 50e3;  // well above what waking a thread costs
  const double wanted = std::max(1.0, worth_a_block / std::max(work, 1.0));
  const int rows = static_cast<int>(std::min<double>(wanted, std::max(height, 1)));
  const std::int64_t blocks = (static_cast<std::int64_t>(height) + rows - 1) / rows;
  if (blocks <= 1) {
    if (height > 0) step(0, height);
    return;
  }
  parallel_for(blocks, [&](std::int64_t block) {
    const int first = static_cast<int>(block * rows);
    step(first, static_cast<int>(std::min<std::int64_t>(height, first + static_cast<std::int64_t>(rows))));
  });
}

}  // namespace lookalike::detail

#pragma once

/// \file
/// A block of parameters cut into pieces that threads share: where the cuts are depends on the table alone.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <span>
#include <vector>

#include <lookalike/core/error.hpp>
#include <lookalike/core/parallel.hpp>
#include <lookalike/nn/parameter.hpp>

namespace lookalike::detail {

/// How many numbers the block of a table needs at least.
inline std::size_t block_size(std::span<const parameter> table) {
  std::int64_t size = 0;
  for (const parameter& row : table) size = std::max(size, row.offset + row.size);
  return static_cast<std::size_t>(size);
}

/// A run of numbers out of one parameter.
struct parameter_piece {
  std::size_t row = 0;    ///< of the table
  std::size_t begin = 0;  ///< in the block
  std::size_t count = 0;
};

class parameter_pieces {
 public:
  /// The parameters for which `wanted(row)`. Throws `value_error` for a row that exceeds a block of `size`
  /// numbers.
  template <class Wanted>
  parameter_pieces(std::span<const parameter> table, std::size_t size, const Wanted& wanted) {
    constexpr std::size_t longest = 16384;
    std::size_t numbers = longest;
    for (std::size_t row = 0; row < table.size(); ++row) {
      const parameter& entry = table[row];
      require(entry.offset >= 0 && entry.size >= 0 && static_cast<std::size_t>(entry.offset) <= size &&
                  static_cast<std::size_t>(entry.size) <= size - static_cast<std::size_t>(entry.offset),
              "parameters: given a block of ", size, " numbers, wanted those of '", entry.name, "' at ",
              entry.offset, " to ", entry.offset + entry.size);
      if (!wanted(entry)) continue;
      const auto begin = static_cast<std::size_t>(entry.offset);
      const std::size_t end = begin + static_cast<std::size_t>(entry.size);
      for (std::size_t at = begin; at < end; at += longest) {
        const std::size_t count = std::min(longest, end - at);
        // Short parameters share a task.
        if (numbers + count > longest) {
          firsts_.push_back(pieces_.size());
          numbers = 0;
        }
        numbers += count;
        pieces_.push_back({row, at, count});
      }
    }
  }

  /// Calls `step(piece)` for all of them, on several threads.
  template <class Step>
  void for_each(const Step& step) const {
    parallel_for(static_cast<std::int64_t>(firsts_.size()), [&](std::int64_t task) {
      const auto first = static_cast<std::size_t>(task);
      const std::size_t end = first + 1 < firsts_.size() ? firsts_[first + 1] : pieces_.size();
      for (std::size_t i = firsts_[first]; i < end; ++i) step(pieces_[i]);
    });
  }

  /// Of all their numbers in `block`, added up piece by piece in double precision.
  template <class Scalar>
  double sum_of_squares(std::span<const Scalar> block) const {
    std::vector<double> sums(pieces_.size());
    const auto* first = pieces_.data();
    for_each([&](const parameter_piece& piece) {
      double partial[4] = {0, 0, 0, 0};  // one alone would wait for each addition
      const Scalar* at = block.data() + piece.begin;
      for (std::size_t i = 0; i < piece.count; ++i) partial[i % 4] += double{at[i]} * double{at[i]};
      sums[static_cast<std::size_t>(&piece - first)] = (partial[0] + partial[1]) + (partial[2] + partial[3]);
    });
    return std::accumulate(sums.begin(), sums.end(), 0.0);
  }

 private:
  std::vector<parameter_piece> pieces_;
  std::vector<std::size_t> firsts_;  // the first piece of each task
};

}  // namespace lookalike::detail

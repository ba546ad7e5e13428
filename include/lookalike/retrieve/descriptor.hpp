#pragma once

/// \file
/// What a picture is looked up by. A descriptor is a sequence of blocks (gist, colors, ...), each a grid of
/// cells with the same number of values in every cell, and a weight for every cell: 1 where the picture is
/// known, 0 where it is missing, a fraction where it is partly known. Since a mask is nothing but weights,
/// and a squared distance is linear in them, pictures with holes are looked up exactly among those without.

#include <cmath>
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <lookalike/core/error.hpp>

namespace lookalike {

/// One part of a descriptor.
struct descriptor_block {
  /// What computed it, with its parameters: "gist(side=128,orientations=6,scales=5,grid=4)". Descriptors can
  /// be compared when their blocks' names and extents are the same.
  std::string name;
  int cells = 0;
  int values_per_cell = 0;
  /// How much the block counts beside the others (see `search_options` in retrieve/search.hpp).
  float importance = 1;

  friend bool operator==(const descriptor_block&, const descriptor_block&) = default;
};

/// Values of all blocks, block after block, cell after cell; weights, in [0, 1], of all cells in that order.
struct descriptor {
  static constexpr std::string_view value_name = "descriptor";

  std::vector<descriptor_block> blocks;
  std::vector<float> values;
  std::vector<float> weights;

  friend bool operator==(const descriptor&, const descriptor&) = default;
};

/// Number of values in all blocks.
inline std::size_t value_count(std::span<const descriptor_block> blocks) {
  std::size_t count = 0;
  for (const auto& block : blocks) {
    count += static_cast<std::size_t>(block.cells) * static_cast<std::size_t>(block.values_per_cell);
  }
  return count;
}

/// Number of cells in all blocks.
inline std::size_t cell_count(std::span<const descriptor_block> blocks) {
  std::size_t count = 0;
  for (const auto& block : blocks) count += static_cast<std::size_t>(block.cells);
  return count;
}

/// Calls `visit(block, cell, first_value)` for every cell: its block's number, its own number among all
/// cells, and where its values start.
template <class Visit>
void for_each_cell(std::span<const descriptor_block> blocks, const Visit& visit) {
  std::size_t cell = 0;
  std::size_t first_value = 0;
  for (std::size_t block = 0; block < blocks.size(); ++block) {
    for (int i = 0; i < blocks[block].cells; ++i) {
      visit(block, cell++, first_value);
      first_value += static_cast<std::size_t>(blocks[block].values_per_cell);
    }
  }
}

/// Whether two sequences of blocks hold the same kind of values; importance does not matter.
inline bool comparable(std::span<const descriptor_block> a, std::span<const descriptor_block> b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (a[i].name != b[i].name || a[i].cells != b[i].cells || a[i].values_per_cell != b[i].values_per_cell) {
      return false;
    }
  }
  return true;
}

/// "gist(...) 16x30, color_grid(...) 16x3": for messages.
inline std::string describe_blocks(std::span<const descriptor_block> blocks) {
  std::string text;
  for (const auto& block : blocks) {
    if (!text.empty()) text += " + ";
    text += sentence(block.name, " of ", block.cells, "x", block.values_per_cell);
  }
  return text.empty() ? "no blocks" : text;
}

/// Throws `value_error`, in the words of `where`, unless the counts agree with the blocks, all values are
/// finite, weights lie in [0, 1], and one of them is above 0.
inline void require_valid(const descriptor& d, std::string_view where) {
  for (const auto& block : d.blocks) {
    require(block.cells > 0 && block.values_per_cell > 0, where, ": given a block of ", block.cells, "x",
            block.values_per_cell, " (cells x values), wanted at least 1x1");
  }
  require(!d.blocks.empty(), where, ": given a descriptor without blocks, wanted at least one");
  require(d.values.size() == value_count(d.blocks) && d.weights.size() == cell_count(d.blocks), where,
          ": given ", d.values.size(), " values and ", d.weights.size(), " weights, wanted ",
          value_count(d.blocks), " and ", cell_count(d.blocks), " for ", describe_blocks(d.blocks));
  for (float value : d.values) {
    require(std::isfinite(value), where, ": given a value of ", value, ", wanted finite values");
  }
  bool any = false;
  for (float weight : d.weights) {
    require(weight >= 0 && weight <= 1, where, ": given a cell weight of ", weight, ", wanted 0 to 1");
    any = any || weight > 0;
  }
  require(any, where, ": given weights that are all 0, wanted a known part of the picture");
}

/// The blocks of `a`, then those of `b`.
inline descriptor join(descriptor a, const descriptor& b) {
  a.blocks.insert(a.blocks.end(), b.blocks.begin(), b.blocks.end());
  a.values.insert(a.values.end(), b.values.begin(), b.values.end());
  a.weights.insert(a.weights.end(), b.weights.begin(), b.weights.end());
  return a;
}

/// sum over blocks b and their cells c of `factors[b] * query.weights[c] * |query_c - values_c|^2`, in double
/// precision. `values` is laid out as `query.values`.
inline double squared_distance(const descriptor& query, std::span<const float> values,
                               std::span<const double> factors) {
  double sum = 0;
  for_each_cell(query.blocks, [&](std::size_t block, std::size_t cell, std::size_t first) {
    double in_cell = 0;
    for (std::size_t i = first; i < first + static_cast<std::size_t>(query.blocks[block].values_per_cell);
         ++i) {
      const double difference = static_cast<double>(query.values[i]) - static_cast<double>(values[i]);
      in_cell += difference * difference;
    }
    sum += factors[block] * static_cast<double>(query.weights[cell]) * in_cell;
  });
  return sum;
}

}  // namespace lookalike

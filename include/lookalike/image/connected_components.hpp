#pragma once

/// \file
/// Connected components: the connected regions of a mask, numbered.

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include <lookalike/image/image.hpp>

namespace lookalike {

/// Which neighbors belong together: pixels that share an edge, or also those that share only a corner. Where
/// regions are 4-connected the gaps between them are 8-connected: a diagonal line one pixel wide separates.
enum class connectivity { four, eight };

/// A number for each pixel: 1 ... `count` for the regions, in the order in which rows read from the top meet
/// them, 0 for the rest.
struct component_labels {
  image<1, std::int32_t> labels;
  int count = 0;
};

namespace detail {

/// Sets of provisional labels that turned out to be one region; the smallest label stands for its set.
class label_sets {
 public:
  std::int32_t add() {
    parents_.push_back(static_cast<std::int32_t>(parents_.size()));
    return parents_.back();
  }
  std::int32_t find(std::int32_t label) {
    while (parent(label) != label) {
      parent(label) = parent(parent(label));  // halves the way for those who come later
      label = parent(label);
    }
    return label;
  }
  std::int32_t unite(std::int32_t a, std::int32_t b) {
    a = find(a);
    b = find(b);
    if (b < a) std::swap(a, b);
    parent(b) = a;
    return a;
  }
  std::size_t size() const { return parents_.size(); }

 private:
  std::int32_t& parent(std::int32_t label) { return parents_[static_cast<std::size_t>(label)]; }

  std::vector<std::int32_t> parents_;
};

}  // namespace detail

/// The connected regions of the non-zero pixels of `foreground`; a region is connected, values within it may
/// differ. O(pixels), to all purposes.
template <class Value>
component_labels connected_components(const image<1, Value>& foreground,
                                      connectivity neighbors = connectivity::four) {
  component_labels result{image<1, std::int32_t>(foreground.height(), foreground.width()), 0};
  auto& labels = result.labels;
  detail::label_sets sets;
  sets.add();  // 0, the background
  for (int y = 0; y < foreground.height(); ++y) {
    for (int x = 0; x < foreground.width(); ++x) {
      if (foreground(y, x) == Value{}) continue;
      std::int32_t label = 0;
      const auto join = [&](int row, int column) {
        const std::int32_t other = labels.contains(row, column) ? labels(row, column) : 0;
        if (other == 0 || other == label) return;
        label = label == 0 ? other : sets.unite(label, other);
      };
      join(y, x - 1);
      join(y - 1, x);
      if (neighbors == connectivity::eight) {
        join(y - 1, x - 1);
        join(y - 1, x + 1);
      }
      labels(y, x) = label != 0 ? label : sets.add();
    }
  }

  std::vector<std::int32_t> numbers(sets.size(), 0);
  for (std::int32_t& label : labels.values()) {
    if (label == 0) continue;
    std::int32_t& number = numbers[static_cast<std::size_t>(sets.find(label))];
    if (number == 0) number = ++result.count;
    label = number;
  }
  return result;
}

/// The number of pixels of each region: entry i counts label i, entry 0 the background.
inline std::vector<std::int64_t> component_areas(const component_labels& components) {
  std::vector<std::int64_t> areas(static_cast<std::size_t>(components.count) + 1, 0);
  for (const std::int32_t label : components.labels.values()) ++areas[static_cast<std::size_t>(label)];
  return areas;
}

}  // namespace lookalike

#pragma once

/// \file
/// The graph that maximum-flow algorithms run on: the free pixels of a `grid_network`, numbered row by row,
/// with neighbors that are computed rather than stored, and two terminals. `boost_graph.hpp` makes it a model
/// of Boost.Graph's concepts.
///
/// Building it contracts what needs no algorithm, without changing any minimum cut:
/// - pixels fixed to a side become part of that terminal, their links to free pixels terminal capacities;
/// - of a pixel's two terminal capacities the smaller is flow already, so that one remains.
/// What that settles is `settled_flow()`; the maximum flow of the network is the graph's plus this.

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <lookalike/core/memory.hpp>
#include <lookalike/graph/grid_network.hpp>

namespace lookalike {

/// An edge is eight times the pixel it is kept with, plus its slot: 0 to 3 lead to the neighbor in that
/// `direction`, 4 to the pixel's terminal, 5 from the terminal to the pixel.
struct grid_edge {
  std::uint32_t index = 0;

  friend bool operator==(grid_edge, grid_edge) = default;
};

/// A grid graph with one integer capacity an edge. Every edge has a reverse edge; pairs of which neither
/// direction has capacity are left out. Memory: 37 bytes a free pixel.
class grid_graph {
 public:
  using vertex = std::int32_t;

  static constexpr int slots = 8;
  static constexpr int to_terminal = 4;
  static constexpr int from_terminal = 5;
  /// Room for the numbers of the pixels below and above, so that one vertex is half a cache line.
  static constexpr int below = 6;
  static constexpr int above = 7;

  /// Throws `value_error` when the network is invalid. O(pixels).
  explicit grid_graph(const grid_network& network);

  /// Number of free pixels; they are vertices 0 to `pixels()` - 1.
  vertex pixels() const { return static_cast<vertex>(position_.size()); }
  vertex source() const { return pixels(); }
  vertex sink() const { return pixels() + 1; }
  vertex vertices() const { return pixels() + 2; }
  /// Number of edges, each direction counted.
  std::int64_t edges() const;

  /// Flow that contraction has settled; belongs to the maximum flow and to the value of every cut.
  std::int64_t settled_flow() const { return settled_flow_; }
  /// Where in the picture (y * width + x) a vertex lies.
  std::ptrdiff_t position(vertex pixel) const { return position_[static_cast<std::size_t>(pixel)]; }

  /// Edges out of a pixel, one bit for each slot 0 to 4.
  unsigned slots_out(vertex pixel) const { return shape_[static_cast<std::size_t>(pixel)] & 31u; }
  bool has_terminal(vertex pixel) const { return (shape_[static_cast<std::size_t>(pixel)] & 16u) != 0; }
  /// The terminal of a pixel that has one.
  vertex terminal(vertex pixel) const {
    return source() + static_cast<vertex>(shape_[static_cast<std::size_t>(pixel)] >> 5);
  }
  vertex neighbor(vertex pixel, int slot) const {
    return slot < 2 ? pixel + 1 - 2 * slot
                    : record_[static_cast<std::size_t>(pixel) * slots + 4 + static_cast<std::size_t>(slot)];
  }

  static grid_edge edge(vertex pixel, int slot) {
    return {static_cast<std::uint32_t>(pixel) * slots + static_cast<std::uint32_t>(slot)};
  }
  static vertex keeper(grid_edge e) { return static_cast<vertex>(e.index / slots); }
  static int slot(grid_edge e) { return static_cast<int>(e.index % slots); }

  vertex edge_source(grid_edge e) const { return slot(e) == from_terminal ? terminal(keeper(e)) : keeper(e); }
  vertex edge_target(grid_edge e) const {
    const int s = slot(e);
    if (s < to_terminal) return neighbor(keeper(e), s);
    return s == to_terminal ? terminal(keeper(e)) : keeper(e);
  }
  grid_edge reverse(grid_edge e) const {
    const int s = slot(e);
    return s < to_terminal ? edge(neighbor(keeper(e), s), s ^ 1) : grid_edge{e.index ^ 1u};
  }

  std::int32_t capacity(grid_edge e) const { return record_[e.index]; }
  /// All capacities, indexed by `grid_edge::index`; slots 6 and 7 of a vertex are not capacities.
  std::int32_t* capacities() { return record_.data(); }
  const std::int32_t* capacities() const { return record_.data(); }

  /// What a pixel gets from the source (positive) or may give to the sink (negative).
  std::int32_t supply(vertex pixel) const {
    const std::size_t at = static_cast<std::size_t>(pixel) * slots;
    return record_[at + from_terminal] - record_[at + to_terminal];
  }
  void set_supply(vertex pixel, std::int32_t amount);
  /// Whether the pixel has capacity left to the sink.
  bool gives_to_sink(vertex pixel) const {
    return (shape_[static_cast<std::size_t>(pixel)] >> 5) != 0 && capacity(edge(pixel, to_terminal)) > 0;
  }
  void settle(std::int64_t flow) { settled_flow_ += flow; }
  /// Leaves out the pairs of edges that have lost all capacity.
  void drop_empty_edges();

 private:
  aligned_vector<std::int32_t> record_;
  std::vector<std::uint8_t> shape_;  // bits 0-4: slots in use; bit 5: the terminal is the sink
  std::vector<std::int32_t> position_;
  std::int64_t settled_flow_ = 0;
};

inline grid_graph::grid_graph(const grid_network& network) {
  require_valid(network);
  require(network.fixed.area() < (std::ptrdiff_t(1) << 28), "grid_graph: given ", network.fixed.area(),
          " pixels, wanted fewer than 2^28");
  const int height = network.height(), width = network.width();
  const auto fixed = network.fixed.values();
  position_.reserve(static_cast<std::size_t>(std::count(fixed.begin(), fixed.end(), cut_side::free)));
  record_.resize(position_.capacity() * slots);
  shape_.resize(position_.capacity());

  // Numbers of the free pixels in the row above; a free pixel that meets one there links both.
  std::vector<vertex> row_above(static_cast<std::size_t>(width), -1);
  for (int y = 0; y < height; ++y) {
    for (int x = 0; x < width; ++x) {
      const cut_side side = network.fixed(y, x);
      std::int64_t from_source = network.terminals(y, x, 0);
      std::int64_t to_sink = network.terminals(y, x, 1);
      const auto link_to = [&](int d) {
        constexpr std::array<int, 4> dy{0, 0, 1, -1}, dx{1, -1, 0, 0};
        const int ny = y + dy[static_cast<std::size_t>(d)], nx = x + dx[static_cast<std::size_t>(d)];
        return network.fixed.contains(ny, nx)
                   ? std::array{static_cast<std::int32_t>(network.fixed(ny, nx)), network.links(y, x, d),
                                network.links(ny, nx, d ^ 1)}
                   : std::array{static_cast<std::int32_t>(-1), 0, 0};
      };
      auto& above_here = row_above[static_cast<std::size_t>(x)];
      if (side != cut_side::free) {
        above_here = -1;
        settled_flow_ += side == cut_side::sink ? from_source : to_sink;
        if (side == cut_side::source) {
          for (int d = 0; d < 4; ++d) {
            const auto [there, out, back] = link_to(d);
            if (there == static_cast<int>(cut_side::sink)) settled_flow_ += out;
          }
        }
        continue;
      }
      const auto number = static_cast<vertex>(position_.size());
      std::int32_t* record = &record_[position_.size() * slots];
      position_.push_back(y * width + x);
      for (int d = 0; d < 4; ++d) {
        const auto [there, out, back] = link_to(d);
        if (there == static_cast<int>(cut_side::source)) from_source += back;
        if (there == static_cast<int>(cut_side::sink)) to_sink += out;
        record[d] = there == static_cast<int>(cut_side::free) ? out : 0;
      }
      record[below] = record[above] = number;
      if (above_here >= 0) {
        record[above] = above_here;
        record_[static_cast<std::size_t>(above_here) * slots + below] = number;
      }
      above_here = number;
      settled_flow_ += std::min(from_source, to_sink);
      set_supply(number, static_cast<std::int32_t>(from_source - to_sink));
    }
  }
  drop_empty_edges();
}

inline void grid_graph::set_supply(vertex pixel, std::int32_t amount) {
  std::int32_t* record = &record_[static_cast<std::size_t>(pixel) * slots];
  record[from_terminal] = std::max(amount, 0);
  record[to_terminal] = std::max(-amount, 0);
  auto& shape = shape_[static_cast<std::size_t>(pixel)];
  const unsigned terminal = amount == 0 ? 0u : amount > 0 ? 16u : 16u | 32u;
  shape = static_cast<std::uint8_t>((shape & 15u) | terminal);
}

inline void grid_graph::drop_empty_edges() {
  for (vertex pixel = 0; pixel < pixels(); ++pixel) {
    const std::int32_t* record = &record_[static_cast<std::size_t>(pixel) * slots];
    auto& shape = shape_[static_cast<std::size_t>(pixel)];
    unsigned links = 0;
    for (int d = 0; d < 4; ++d) {
      // A direction without a link has no capacity, and its neighbor may be no pixel at all.
      const vertex next = neighbor(pixel, d);
      const bool linked = d < 2 ? next >= 0 && next < pixels() : next != pixel;
      const bool back =
          linked && record_[static_cast<std::size_t>(next) * slots + static_cast<std::size_t>(d ^ 1)] > 0;
      links |= (record[d] > 0 || back ? 1u : 0u) << d;
    }
    shape = static_cast<std::uint8_t>((shape & ~15u) | links);
  }
}

inline std::int64_t grid_graph::edges() const {
  std::int64_t count = 0;
  for (std::uint8_t shape : shape_) count += std::popcount(shape & 31u) + ((shape & 16u) != 0 ? 1 : 0);
  return count;
}

}  // namespace lookalike

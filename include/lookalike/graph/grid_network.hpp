#pragma once

/// \file
/// Capacities of a 4-connected grid with two terminals, stated pixel by pixel: the problem that a minimum cut
/// solves. Plain data, filled by whoever has an energy to minimize; `grid_graph` is what algorithms run on.
///
/// The binary energy sum_p C_p(L_p) + sum_{pq} C_pq [L_p != L_q] becomes a cut as in Kolmogorov and Zabih,
/// "What energy functions can be minimized via graph cuts?", PAMI 2004: a pixel on the sink's side pays its
/// capacity from the source, one on the source's side its capacity to the sink.

#include <cstdint>

#include <lookalike/core/error.hpp>
#include <lookalike/image/mask.hpp>

namespace lookalike {

/// Where a link of a pixel leads. A direction and its opposite differ in the lowest bit.
enum class direction : int { right = 0, left = 1, down = 2, up = 3 };

/// Which side of the cut a pixel is on. `free` pixels are for the cut to decide.
enum class cut_side : std::uint8_t { free = 0, source = 1, sink = 2 };

/// The problem. Capacities are 32-bit integers (a vertex of the graph then fills half a cache line) between 0
/// and `largest_capacity`; whatever is summed over pixels is summed in 64 bits.
struct grid_network {
  /// Leaves room for what a vertex may gather, five such capacities, in 32 bits.
  static constexpr std::int32_t largest_capacity = 1 << 28;

  /// Capacity from a pixel to each neighbor, by `direction`. Links out of the picture are ignored.
  image<4, std::int32_t> links;
  /// Capacity from the source to the pixel (channel 0) and from the pixel to the sink (channel 1).
  image<2, std::int32_t> terminals;
  /// A pixel fixed to a side costs the algorithm nothing: it is contracted into that terminal.
  image<1, cut_side> fixed;

  grid_network(int height, int width)
      : links(height, width), terminals(height, width), fixed(height, width, cut_side::free) {}

  int height() const { return fixed.height(); }
  int width() const { return fixed.width(); }

  /// Both directions of the link between (y, x) and its right neighbor.
  void link_right(int y, int x, std::int32_t forward, std::int32_t backward) {
    links(y, x, static_cast<int>(direction::right)) = forward;
    links(y, x + 1, static_cast<int>(direction::left)) = backward;
  }
  /// Both directions of the link between (y, x) and the pixel below.
  void link_down(int y, int x, std::int32_t forward, std::int32_t backward) {
    links(y, x, static_cast<int>(direction::down)) = forward;
    links(y + 1, x, static_cast<int>(direction::up)) = backward;
  }
};

/// Throws `value_error` unless the planes agree in extent and every capacity is within range.
inline void require_valid(const grid_network& network) {
  require(same_extent(network.links, network.fixed) && same_extent(network.terminals, network.fixed),
          "grid_network: given links of ", network.links.height(), "x", network.links.width(),
          ", terminals of ", network.terminals.height(), "x", network.terminals.width(), " and sides of ",
          network.height(), "x", network.width(), ", wanted one extent");
  const auto check = [](std::int32_t capacity) {
    require(capacity >= 0 && capacity <= grid_network::largest_capacity, "grid_network: given a capacity of ",
            capacity, ", wanted 0 to ", grid_network::largest_capacity);
  };
  for (std::int32_t capacity : network.links.values()) check(capacity);
  for (std::int32_t capacity : network.terminals.values()) check(capacity);
}

/// The value of the cut that puts pixels with a non-zero label on the sink's side: the capacities that lead
/// from the source's side to the sink's. Fixed pixels are taken as labeled. O(pixels).
inline std::int64_t cut_value(const grid_network& network, const mask& labels) {
  require(same_extent(labels, network.fixed), "cut_value: given labels of ", labels.height(), "x",
          labels.width(), ", wanted ", network.height(), "x", network.width());
  std::int64_t value = 0;
  for (int y = 0; y < network.height(); ++y) {
    for (int x = 0; x < network.width(); ++x) {
      const bool sink = labels(y, x) != 0;
      value += network.terminals(y, x, sink ? 0 : 1);
      const auto across = [&](int ny, int nx, direction there, direction back) {
        if (sink == (labels(ny, nx) != 0)) return;
        value += sink ? network.links(ny, nx, static_cast<int>(back))
                      : network.links(y, x, static_cast<int>(there));
      };
      if (x + 1 < network.width()) across(y, x + 1, direction::right, direction::left);
      if (y + 1 < network.height()) across(y + 1, x, direction::down, direction::up);
    }
  }
  return value;
}

}  // namespace lookalike

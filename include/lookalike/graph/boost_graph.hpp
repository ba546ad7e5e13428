#pragma once

/// \file
/// `grid_graph` as Boost.Graph sees it: a model of VertexListGraph, EdgeListGraph and BidirectionalGraph
/// with property maps for index, capacity and reverse edge, so that its maximum-flow algorithms run on a
/// grid. (Its push-relabel assumes that reverse edges have no capacity, and so accepts only grids whose links
/// have capacity in one direction; its Boykov-Kolmogorov and Edmonds-Karp accept any.) This is the one header
/// that includes Boost.Graph; it adds about three seconds to a translation unit.

#include <bit>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <utility>

#include <boost/graph/graph_traits.hpp>
#include <boost/graph/properties.hpp>
#include <boost/iterator/counting_iterator.hpp>
#include <boost/property_map/property_map.hpp>

#include <lookalike/graph/grid_graph.hpp>

namespace lookalike {

namespace detail {

/// Walks over the set bits of the slots of one pixel, or over one slot of all pixels of a terminal.
class grid_out_edge_iterator {
 public:
  using iterator_category = std::forward_iterator_tag;
  using value_type = grid_edge;
  using difference_type = std::ptrdiff_t;
  using pointer = const grid_edge*;
  using reference = grid_edge;

  grid_out_edge_iterator() = default;
  /// The edges out of a pixel whose slots are set in `remaining`.
  grid_out_edge_iterator(grid_graph::vertex pixel, unsigned remaining)
      : base_(grid_graph::edge(pixel, 0).index), remaining_(remaining) {}
  /// The edges out of a terminal, from the first attached pixel at `pixel` or after it.
  grid_out_edge_iterator(const grid_graph& graph, grid_graph::vertex terminal, grid_graph::vertex pixel)
      : terminal_of_(&graph), terminal_(terminal) {
    find_attached(pixel);
  }

  grid_edge operator*() const { return {base_ + static_cast<std::uint32_t>(std::countr_zero(remaining_))}; }
  grid_out_edge_iterator& operator++() {
    if (terminal_of_ == nullptr) {
      remaining_ &= remaining_ - 1;
    } else {
      find_attached(grid_graph::keeper({base_}) + 1);
    }
    return *this;
  }
  grid_out_edge_iterator operator++(int) {
    const auto before = *this;
    ++*this;
    return before;
  }
  friend bool operator==(const grid_out_edge_iterator& a, const grid_out_edge_iterator& b) {
    return a.remaining_ == b.remaining_ && a.base_ == b.base_;
  }

 private:
  void find_attached(grid_graph::vertex pixel) {
    while (pixel < terminal_of_->pixels() &&
           !(terminal_of_->has_terminal(pixel) && terminal_of_->terminal(pixel) == terminal_)) {
      ++pixel;
    }
    base_ = grid_graph::edge(pixel, 0).index;
    remaining_ = 1u << grid_graph::from_terminal;
  }

  const grid_graph* terminal_of_ = nullptr;
  grid_graph::vertex terminal_ = 0;
  std::uint32_t base_ = 0;
  unsigned remaining_ = 0;
};

/// The edges into a vertex: the reverses of those out of it.
class grid_in_edge_iterator {
 public:
  using iterator_category = std::forward_iterator_tag;
  using value_type = grid_edge;
  using difference_type = std::ptrdiff_t;
  using pointer = const grid_edge*;
  using reference = grid_edge;

  grid_in_edge_iterator() = default;
  grid_in_edge_iterator(const grid_graph& graph, grid_out_edge_iterator out) : graph_(&graph), out_(out) {}

  grid_edge operator*() const { return graph_->reverse(*out_); }
  grid_in_edge_iterator& operator++() {
    ++out_;
    return *this;
  }
  grid_in_edge_iterator operator++(int) {
    const auto before = *this;
    ++*this;
    return before;
  }
  friend bool operator==(const grid_in_edge_iterator& a, const grid_in_edge_iterator& b) {
    return a.out_ == b.out_;
  }

 private:
  const grid_graph* graph_ = nullptr;
  grid_out_edge_iterator out_;
};

/// Walks over all edges, both directions, pixel by pixel.
class grid_edge_iterator {
 public:
  using iterator_category = std::forward_iterator_tag;
  using value_type = grid_edge;
  using difference_type = std::ptrdiff_t;
  using pointer = const grid_edge*;
  using reference = grid_edge;

  grid_edge_iterator() = default;
  grid_edge_iterator(const grid_graph& graph, grid_graph::vertex pixel) : graph_(&graph), pixel_(pixel) {
    enter();
  }

  grid_edge operator*() const { return grid_graph::edge(pixel_, std::countr_zero(remaining_)); }
  grid_edge_iterator& operator++() {
    remaining_ &= remaining_ - 1;
    if (remaining_ == 0) {
      ++pixel_;
      enter();
    }
    return *this;
  }
  grid_edge_iterator operator++(int) {
    const auto before = *this;
    ++*this;
    return before;
  }
  friend bool operator==(const grid_edge_iterator& a, const grid_edge_iterator& b) {
    return a.pixel_ == b.pixel_ && a.remaining_ == b.remaining_;
  }

 private:
  void enter() {
    for (remaining_ = 0; pixel_ < graph_->pixels(); ++pixel_) {
      remaining_ = graph_->slots_out(pixel_);
      if (graph_->has_terminal(pixel_)) remaining_ |= 1u << grid_graph::from_terminal;
      if (remaining_ != 0) return;
    }
  }

  const grid_graph* graph_ = nullptr;
  grid_graph::vertex pixel_ = 0;
  unsigned remaining_ = 0;
};

}  // namespace detail

/// The index of a vertex: itself.
struct grid_vertex_index_map {
  using key_type = grid_graph::vertex;
  using value_type = grid_graph::vertex;
  using reference = value_type;
  using category = boost::readable_property_map_tag;

  friend value_type get(grid_vertex_index_map, key_type v) { return v; }
  value_type operator[](key_type v) const { return v; }
};

/// Capacities as Boost.Graph reads them. Flows are summed in the type of a capacity, hence 64 bits.
struct grid_capacity_map {
  using key_type = grid_edge;
  using value_type = std::int64_t;
  using reference = value_type;
  using category = boost::readable_property_map_tag;

  const std::int32_t* capacities = nullptr;

  friend value_type get(grid_capacity_map map, grid_edge e) { return map.capacities[e.index]; }
};

/// Residual capacities, kept in memory of `grid_graph::slots` values for each pixel.
struct grid_residual_map {
  using key_type = grid_edge;
  using value_type = std::int64_t;
  using reference = value_type;
  using category = boost::read_write_property_map_tag;

  std::int32_t* residuals = nullptr;

  friend value_type get(grid_residual_map map, grid_edge e) { return map.residuals[e.index]; }
  friend void put(grid_residual_map map, grid_edge e, value_type value) {
    map.residuals[e.index] = static_cast<std::int32_t>(value);
  }
};

/// The edge that leads back.
struct grid_reverse_map {
  using key_type = grid_edge;
  using value_type = grid_edge;
  using reference = value_type;
  using category = boost::readable_property_map_tag;

  const grid_graph* graph = nullptr;

  friend value_type get(grid_reverse_map map, grid_edge e) { return map.graph->reverse(e); }
};

/// The maps that belong to the graph, under the names by which Boost.Graph asks for them.
inline grid_vertex_index_map get(boost::vertex_index_t, const grid_graph&) {
  return {};
}
inline grid_capacity_map get(boost::edge_capacity_t, const grid_graph& graph) {
  return {graph.capacities()};
}
inline grid_reverse_map get(boost::edge_reverse_t, const grid_graph& graph) {
  return {&graph};
}

inline grid_graph::vertex source(grid_edge e, const grid_graph& graph) {
  return graph.edge_source(e);
}
inline grid_graph::vertex target(grid_edge e, const grid_graph& graph) {
  return graph.edge_target(e);
}
inline std::int32_t num_vertices(const grid_graph& graph) {
  return graph.vertices();
}
inline std::int64_t num_edges(const grid_graph& graph) {
  return graph.edges();
}

inline std::pair<boost::counting_iterator<grid_graph::vertex>, boost::counting_iterator<grid_graph::vertex>>
vertices(const grid_graph& graph) {
  return {boost::counting_iterator<grid_graph::vertex>(0),
          boost::counting_iterator<grid_graph::vertex>(graph.vertices())};
}
inline std::pair<detail::grid_edge_iterator, detail::grid_edge_iterator> edges(const grid_graph& graph) {
  return {{graph, 0}, {graph, graph.pixels()}};
}
inline std::pair<detail::grid_out_edge_iterator, detail::grid_out_edge_iterator> out_edges(
    grid_graph::vertex v, const grid_graph& graph) {
  if (v < graph.pixels()) return {{v, graph.slots_out(v)}, {v, 0u}};
  return {{graph, v, 0}, {graph, v, graph.pixels()}};
}
inline std::pair<detail::grid_in_edge_iterator, detail::grid_in_edge_iterator> in_edges(
    grid_graph::vertex v, const grid_graph& graph) {
  const auto [first, last] = out_edges(v, graph);
  return {{graph, first}, {graph, last}};
}
inline std::int64_t out_degree(grid_graph::vertex v, const grid_graph& graph) {
  const auto [first, last] = out_edges(v, graph);
  return std::distance(first, last);
}
inline std::int64_t in_degree(grid_graph::vertex v, const grid_graph& graph) {
  return out_degree(v, graph);
}
inline std::int64_t degree(grid_graph::vertex v, const grid_graph& graph) {
  return 2 * out_degree(v, graph);
}

}  // namespace lookalike

template <>
struct boost::graph_traits<lookalike::grid_graph> {
  using vertex_descriptor = lookalike::grid_graph::vertex;
  using edge_descriptor = lookalike::grid_edge;
  using directed_category = boost::directed_tag;
  using edge_parallel_category = boost::disallow_parallel_edge_tag;
  struct traversal_category : virtual boost::vertex_list_graph_tag,
                              virtual boost::edge_list_graph_tag,
                              virtual boost::bidirectional_graph_tag {};
  using vertex_iterator = boost::counting_iterator<vertex_descriptor>;
  using edge_iterator = lookalike::detail::grid_edge_iterator;
  using out_edge_iterator = lookalike::detail::grid_out_edge_iterator;
  using in_edge_iterator = lookalike::detail::grid_in_edge_iterator;
  using vertices_size_type = std::uint32_t;
  using edges_size_type = std::uint64_t;
  using degree_size_type = std::uint32_t;

  static vertex_descriptor null_vertex() { return -1; }
};

template <>
struct boost::graph_traits<const lookalike::grid_graph> : boost::graph_traits<lookalike::grid_graph> {};

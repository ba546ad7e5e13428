#include <set>

#include <boost/concept/assert.hpp>
#include <boost/graph/graph_concepts.hpp>
#include <catch2/catch.hpp>

#include <lookalike/graph/boost_graph.hpp>

#include "random_network.hpp"

using namespace lookalike;

BOOST_CONCEPT_ASSERT((boost::VertexListGraphConcept<grid_graph>));
BOOST_CONCEPT_ASSERT((boost::EdgeListGraphConcept<grid_graph>));
BOOST_CONCEPT_ASSERT((boost::BidirectionalGraphConcept<grid_graph>));
BOOST_CONCEPT_ASSERT((boost::ReadablePropertyMapConcept<grid_capacity_map, grid_edge>));
BOOST_CONCEPT_ASSERT((boost::ReadWritePropertyMapConcept<grid_residual_map, grid_edge>));
BOOST_CONCEPT_ASSERT((boost::ReadablePropertyMapConcept<grid_reverse_map, grid_edge>));
BOOST_CONCEPT_ASSERT((boost::ReadablePropertyMapConcept<grid_vertex_index_map, grid_graph::vertex>));

TEST_CASE("every edge has a reverse edge and is among the edges out of its source", "[graph][boost_graph]") {
  std::mt19937_64 chance(3);
  for (const double fixed_share : {0.0, 0.3, 0.9}) {
    const grid_graph graph(test::random_network(9, 13, 5, fixed_share, chance));
    std::set<std::uint32_t> listed;
    const auto [first, last] = edges(graph);
    for (auto e = first; e != last; ++e) {
      const grid_edge back = graph.reverse(*e);
      CHECK(graph.reverse(back) == *e);
      CHECK(source(back, graph) == target(*e, graph));
      CHECK(target(back, graph) == source(*e, graph));
      CHECK(graph.capacity(*e) + graph.capacity(back) > 0);
      CHECK(listed.insert((*e).index).second);
    }
    CHECK(listed.size() == static_cast<std::size_t>(num_edges(graph)));

    std::set<std::uint32_t> reached;
    const auto [v, end] = vertices(graph);
    CHECK(std::distance(v, end) == num_vertices(graph));
    for (auto at = v; at != end; ++at) {
      std::int64_t degree = 0;
      const auto [out, out_end] = out_edges(*at, graph);
      for (auto e = out; e != out_end; ++e, ++degree) {
        CHECK(source(*e, graph) == *at);
        reached.insert((*e).index);
      }
      CHECK(degree == out_degree(*at, graph));
      const auto [in, in_end] = in_edges(*at, graph);
      CHECK(std::distance(in, in_end) == degree);
      for (auto e = in; e != in_end; ++e) {
        CHECK(target(*e, graph) == *at);
        CHECK(listed.contains((*e).index));
      }
    }
    CHECK(reached == listed);
  }
}

TEST_CASE("vertices are the free pixels, row by row, and links join neighbors", "[graph][boost_graph]") {
  grid_network network(3, 3);
  network.fixed(1, 1) = cut_side::sink;
  for (int y = 0; y < 3; ++y) {
    for (int x = 0; x < 3; ++x) {
      if (x < 2) network.link_right(y, x, 1, 2);
      if (y < 2) network.link_down(y, x, 3, 4);
    }
  }
  const grid_graph graph(network);
  REQUIRE(graph.pixels() == 8);
  for (int v = 0; v < 8; ++v) CHECK(graph.position(v) == v + (v >= 4 ? 1 : 0));
  // (1, 0) has (0, 0) above, (2, 0) below and, contracted into the sink, (1, 1) to the right.
  CHECK(graph.neighbor(3, static_cast<int>(direction::up)) == 0);
  CHECK(graph.neighbor(3, static_cast<int>(direction::down)) == 5);
  CHECK(graph.capacity(grid_graph::edge(3, static_cast<int>(direction::up))) == 4);
  CHECK(graph.capacity(grid_graph::edge(3, static_cast<int>(direction::down))) == 3);
  CHECK(graph.terminal(3) == graph.sink());
  CHECK(graph.supply(3) == -1);
  CHECK(graph.supply(1) == -3);
  CHECK(graph.supply(4) == -2);
  CHECK(graph.supply(6) == -4);
  CHECK(graph.supply(0) == 0);
  CHECK(out_degree(graph.sink(), graph) == 4);
  CHECK(out_degree(graph.source(), graph) == 0);
}

TEST_CASE("the smaller terminal capacity and links between fixed pixels are settled",
          "[graph][boost_graph]") {
  grid_network network(1, 3);
  network.terminals(0, 0, 0) = 9;
  network.terminals(0, 0, 1) = 4;
  network.fixed(0, 1) = cut_side::source;
  network.fixed(0, 2) = cut_side::sink;
  network.terminals(0, 1, 1) = 100;
  network.terminals(0, 2, 0) = 1000;
  network.link_right(0, 1, 20, 30);
  const grid_graph graph(network);
  CHECK(graph.settled_flow() == 4 + 100 + 1000 + 20);
  CHECK(graph.supply(0) == 5);
}

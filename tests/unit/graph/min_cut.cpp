#include <boost/graph/adjacency_list.hpp>
#include <boost/graph/edmonds_karp_max_flow.hpp>
#include <boost/graph/push_relabel_max_flow.hpp>
#include <catch2/catch.hpp>

#include <lookalike/graph/min_cut.hpp>

#include "random_network.hpp"

using namespace lookalike;

namespace {

/// The truth on small grids: every labeling that respects the fixed pixels, cheapest first, then the one
/// with the fewest pixels on the sink's side; `ties` counts how many share both.
struct best_labeling {
  std::int64_t value = std::numeric_limits<std::int64_t>::max();
  mask labels;
  int ties = 0;
};

best_labeling try_all_labelings(const grid_network& network) {
  best_labeling best;
  const auto count = static_cast<unsigned>(network.fixed.area());
  int best_area = 0;
  mask labels(network.height(), network.width());
  for (unsigned code = 0; code < 1u << count; ++code) {
    bool allowed = true;
    for (unsigned i = 0; i < count; ++i) {
      const unsigned label = code >> i & 1u;
      const cut_side side = network.fixed.values()[i];
      allowed = allowed && (side == cut_side::free || (side == cut_side::sink) == (label == 1));
      labels.values()[i] = static_cast<std::uint8_t>(label);
    }
    if (!allowed) continue;
    const std::int64_t value = cut_value(network, labels);
    const int area = std::popcount(code);
    if (value < best.value || (value == best.value && area < best_area)) {
      best = {value, labels, 1};
      best_area = area;
    } else if (value == best.value && area == best_area) {
      ++best.ties;
    }
  }
  return best;
}

using traits = boost::adjacency_list_traits<boost::vecS, boost::vecS, boost::directedS>;
using general_graph = boost::adjacency_list<
    boost::vecS, boost::vecS, boost::directedS, boost::no_property,
    boost::property<boost::edge_capacity_t, std::int64_t,
                    boost::property<boost::edge_residual_capacity_t, std::int64_t,
                                    boost::property<boost::edge_reverse_t, traits::edge_descriptor>>>>;

/// The same cut without anything of ours but the network: push-relabel on an adjacency list that has the
/// fixed pixels as vertices and each capacity as an edge of its own (push-relabel wants reverse edges empty).
cut cut_by_push_relabel(const grid_network& network) {
  const std::size_t count = network.fixed.values().size(), source = count, sink = count + 1;
  general_graph graph(count + 2);
  const auto add = [&](std::size_t from, std::size_t to, std::int64_t capacity) {
    if (capacity == 0) return;
    const auto there = boost::add_edge(from, to, graph).first, back = boost::add_edge(to, from, graph).first;
    put(boost::edge_capacity, graph, there, capacity);
    put(boost::edge_capacity, graph, back, 0);
    put(boost::edge_reverse, graph, there, back);
    put(boost::edge_reverse, graph, back, there);
  };
  const std::int64_t never = std::int64_t{1} << 50;
  const int width = network.width();
  for (int y = 0; y < network.height(); ++y) {
    for (int x = 0; x < width; ++x) {
      const auto here = static_cast<std::size_t>(y * width + x);
      add(source, here, network.terminals(y, x, 0));
      add(here, sink, network.terminals(y, x, 1));
      if (network.fixed(y, x) == cut_side::source) add(source, here, never);
      if (network.fixed(y, x) == cut_side::sink) add(here, sink, never);
      if (x + 1 < width) add(here, here + 1, network.links(y, x, 0));
      if (x > 0) add(here, here - 1, network.links(y, x, 1));
      if (y + 1 < network.height()) add(here, here + static_cast<std::size_t>(width), network.links(y, x, 2));
      if (y > 0) add(here, here - static_cast<std::size_t>(width), network.links(y, x, 3));
    }
  }
  cut result{mask(network.height(), width), boost::push_relabel_max_flow(graph, source, sink), 0};
  std::vector<std::size_t> reaching{sink};
  for (std::size_t i = 0; i < reaching.size(); ++i) {
    const auto [first, last] = out_edges(reaching[i], graph);
    for (auto e = first; e != last; ++e) {
      const std::size_t next = target(*e, graph);
      if (next >= count || result.labels.values()[next] != 0) continue;
      if (get(boost::edge_residual_capacity, graph, get(boost::edge_reverse, graph, *e)) > 0) {
        result.labels.values()[next] = 1;
        reaching.push_back(next);
      }
    }
  }
  result.value = cut_value(network, result.labels);
  return result;
}

}  // namespace

TEST_CASE("the cut is the cheapest of all labelings, and of these the one with the smallest sink side",
          "[graph][min_cut]") {
  std::mt19937_64 chance(1);
  for (const auto [height, width, rounds] : {std::array{1, 1, 50},
                                             {1, 2, 200},
                                             {2, 1, 200},
                                             {1, 9, 300},
                                             {9, 1, 300},
                                             {2, 2, 800},
                                             {2, 3, 800},
                                             {3, 3, 800},
                                             {3, 4, 200},
                                             {4, 4, 20},
                                             {2, 8, 20}}) {
    for (int round = 0; round < rounds; ++round) {
      // Small capacities make ties common, large ones rare.
      const std::int32_t largest = round % 3 == 0 ? 2 : round % 3 == 1 ? 10 : grid_network::largest_capacity;
      const double fixed_share = round % 4 == 0 ? 0.4 : 0.0;
      const grid_network network = test::random_network(height, width, largest, fixed_share, chance);
      const best_labeling best = try_all_labelings(network);
      const cut found = minimum_cut(network);
      REQUIRE(found.flow == best.value);
      REQUIRE(found.value == best.value);
      REQUIRE(best.ties == 1);
      REQUIRE(found.labels == best.labels);
    }
  }
}

TEST_CASE("push-relabel finds the same flow and the same labels on large grids", "[graph][min_cut]") {
  std::mt19937_64 chance(2);
  for (const auto [height, width] : {std::array{40, 60}, {1, 500}, {500, 1}, {97, 31}}) {
    for (const std::int32_t largest : {3, 1000, grid_network::largest_capacity}) {
      for (const double fixed_share : {0.0, 0.2, 0.8}) {
        grid_network network = test::random_network(height, width, largest, fixed_share, chance);
        // Terminals as strong as links decide pixels one by one; weak ones leave the links to decide.
        if (fixed_share > 0) {
          for (std::int32_t& c : network.terminals.values()) c /= 20;
        }
        const cut found = minimum_cut(network), other = cut_by_push_relabel(network);
        CHECK(found.flow == other.flow);
        CHECK(found.value == other.value);
        CHECK(found.labels == other.labels);
      }
    }
  }
}

TEST_CASE("another of Boost's algorithms runs on the grid graph itself", "[graph][min_cut]") {
  std::mt19937_64 chance(4);
  for (int round = 0; round < 30; ++round) {
    const grid_network network = test::random_network(6, 9, 20, round % 2 * 0.3, chance);
    const grid_graph graph(network);
    std::vector<std::int32_t> residual(static_cast<std::size_t>(graph.pixels()) * grid_graph::slots);
    std::vector<boost::default_color_type> color(static_cast<std::size_t>(graph.vertices()));
    std::vector<grid_edge> way(color.size());
    const std::int64_t flow = boost::edmonds_karp_max_flow(
        graph, graph.source(), graph.sink(), get(boost::edge_capacity, graph),
        grid_residual_map{residual.data()}, get(boost::edge_reverse, graph), color.data(), way.data());
    CHECK(graph.settled_flow() + flow == minimum_cut(network).flow);
  }
}

TEST_CASE("a network in parts is cut part by part", "[graph][min_cut]") {
  // Two rows, not linked with each other; each has its bottleneck.
  grid_network network(2, 4);
  for (int y = 0; y < 2; ++y) {
    for (int x = 0; x < 3; ++x) network.link_right(y, x, 5 + y, 5 + y);
    network.terminals(y, 0, 0) = 100;
    network.terminals(y, 3, 1) = 100;
  }
  network.link_right(0, 1, 2, 2);
  network.link_right(1, 2, 3, 3);
  const cut found = minimum_cut(network);
  CHECK(found.flow == 5);
  CHECK(std::vector<int>(found.labels.values().begin(), found.labels.values().end()) ==
        std::vector<int>{0, 0, 1, 1, 0, 0, 0, 1});
}

TEST_CASE("without a sink nothing is on its side", "[graph][min_cut]") {
  grid_network network(5, 7);
  for (std::int32_t& c : network.links.values()) c = 3;
  CHECK(hole_area(minimum_cut(network).labels) == 0);  // zero terminals
  for (int x = 0; x < 7; ++x) network.terminals(2, x, 0) = 9;
  CHECK(hole_area(minimum_cut(network).labels) == 0);  // all on the source
  network.terminals = image<2, std::int32_t>(5, 7);
  network.terminals(0, 0, 1) = 1;
  const cut found = minimum_cut(network);  // all links lead to the sink
  CHECK(hole_area(found.labels) == 35);
  CHECK(found.value == 0);
}

TEST_CASE("networks with nothing to decide have their value", "[graph][min_cut]") {
  CHECK(minimum_cut(grid_network(0, 0)).flow == 0);
  CHECK(minimum_cut(grid_network(3, 4)).flow == 0);
  grid_network network(1, 2);
  network.fixed(0, 0) = cut_side::source;
  network.fixed(0, 1) = cut_side::sink;
  network.link_right(0, 0, 6, 8);
  const cut found = minimum_cut(network);
  CHECK(found.flow == 6);
  CHECK(found.value == 6);
  CHECK(found.labels(0, 0) == 0);
  CHECK(found.labels(0, 1) == 1);
}

TEST_CASE("flows beyond 32 bits are summed exactly", "[graph][min_cut]") {
  const std::int32_t most = grid_network::largest_capacity;
  grid_network network(30, 40);
  for (std::int32_t& c : network.links.values()) c = most;
  for (int y = 0; y < 30; ++y) {
    network.fixed(y, 0) = cut_side::source;
    network.fixed(y, 39) = cut_side::sink;
  }
  const cut found = minimum_cut(network);
  CHECK(found.flow == std::int64_t{30} * most);
  CHECK(found.value == found.flow);
  CHECK(hole_area(found.labels) == 30);
}

TEST_CASE("a capacity gathered from four fixed neighbors and a terminal fits", "[graph][min_cut]") {
  const std::int32_t most = grid_network::largest_capacity;
  grid_network network(3, 4);
  for (std::int32_t& c : network.links.values()) c = most;
  for (cut_side& side : network.fixed.values()) side = cut_side::source;
  network.fixed(1, 1) = network.fixed(1, 2) = cut_side::free;
  network.terminals(1, 1, 0) = most;
  network.terminals(1, 2, 1) = most;
  const cut found = minimum_cut(network);
  CHECK(found.flow == most);
  CHECK(hole_area(found.labels) == 0);
}

TEST_CASE("an invalid network is refused", "[graph][min_cut]") {
  grid_network network(2, 2);
  network.links(0, 0, 0) = -5;
  CHECK_THROWS_AS(minimum_cut(network), value_error);
}

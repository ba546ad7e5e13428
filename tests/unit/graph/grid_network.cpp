#include <catch2/catch.hpp>

#include <lookalike/graph/grid_network.hpp>

using namespace lookalike;

TEST_CASE("a cut pays for capacities from the source's side to the sink's", "[graph][grid_network]") {
  grid_network network(1, 2);
  network.link_right(0, 0, 5, 7);
  network.terminals(0, 0, 0) = 11;
  network.terminals(0, 0, 1) = 13;
  network.terminals(0, 1, 0) = 17;
  network.terminals(0, 1, 1) = 19;
  mask labels(1, 2);
  CHECK(cut_value(network, labels) == 13 + 19);
  labels(0, 0) = 1;
  CHECK(cut_value(network, labels) == 11 + 19 + 7);
  labels(0, 1) = 1;
  CHECK(cut_value(network, labels) == 11 + 17);
  labels(0, 0) = 0;
  CHECK(cut_value(network, labels) == 13 + 17 + 5);
}

TEST_CASE("a vertical link is cut in either direction", "[graph][grid_network]") {
  grid_network network(2, 1);
  network.link_down(0, 0, 3, 4);
  mask labels(2, 1);
  labels(1, 0) = 1;
  CHECK(cut_value(network, labels) == 3);
  labels(1, 0) = 0;
  labels(0, 0) = 1;
  CHECK(cut_value(network, labels) == 4);
}

TEST_CASE("links out of the picture cost nothing", "[graph][grid_network]") {
  grid_network network(1, 1);
  for (std::int32_t& c : network.links.values()) c = 100;
  CHECK(cut_value(network, mask(1, 1)) == 0);
}

TEST_CASE("capacities out of range are refused", "[graph][grid_network]") {
  grid_network network(2, 2);
  CHECK_NOTHROW(require_valid(network));
  network.terminals(1, 0, 1) = -1;
  CHECK_THROWS_AS(require_valid(network), value_error);
  network.terminals(1, 0, 1) = grid_network::largest_capacity;
  CHECK_NOTHROW(require_valid(network));
  network.links(0, 0, 2) = grid_network::largest_capacity + 1;
  CHECK_THROWS_AS(require_valid(network), value_error);
}

TEST_CASE("planes and labels of another extent are refused", "[graph][grid_network]") {
  grid_network network(2, 2);
  CHECK_THROWS_AS(cut_value(network, mask(2, 3)), value_error);
  network.links = image<4, std::int32_t>(2, 3);
  CHECK_THROWS_AS(require_valid(network), value_error);
}

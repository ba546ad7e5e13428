#pragma once

#include <cstdint>
#include <random>

#include <lookalike/graph/grid_network.hpp>

namespace test {

/// A network with capacities from 0 to `largest`, about a third of them 0, and about `fixed_share` of its
/// pixels fixed to either side.
inline lookalike::grid_network random_network(int height, int width, std::int32_t largest, double fixed_share,
                                              std::mt19937_64& chance) {
  lookalike::grid_network network(height, width);
  std::uniform_int_distribution<std::int32_t> capacity(-largest / 2, largest);
  std::uniform_real_distribution<double> share(0.0, 1.0);
  const auto draw = [&] { return std::max(0, capacity(chance)); };
  for (std::int32_t& c : network.links.values()) c = draw();
  for (std::int32_t& c : network.terminals.values()) c = draw();
  for (lookalike::cut_side& side : network.fixed.values()) {
    const double drawn = share(chance);
    if (drawn < fixed_share)
      side = drawn < fixed_share / 2 ? lookalike::cut_side::source : lookalike::cut_side::sink;
  }
  return network;
}

}  // namespace test

#pragma once

/// \file
/// The grid graph, maximum flow and minimum cut.
/// Written by tools/umbrella.

#include <lookalike/graph/grid_graph.hpp>
#include <lookalike/graph/grid_network.hpp>

#if __has_include(<boost/graph/graph_traits.hpp>)
#include <lookalike/graph/boost_graph.hpp>
#include <lookalike/graph/min_cut.hpp>
#endif

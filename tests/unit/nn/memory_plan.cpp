#include <set>
#include <utility>
#include <vector>

#include <catch2/catch.hpp>

#include <lookalike/nn/dynamic_model.hpp>

#include "random_architecture.hpp"

namespace memory_plan_test {

using namespace lookalike;

namespace {

struct planned {
  const detail::run_graph<double>* graph = nullptr;
  std::vector<shape> shapes;
  memory_plan plan;
};

planned plan_of(const dynamic_model<double>& net, int extent, bool backward) {
  const detail::program<double>& p = net.program();
  planned result;
  std::vector<shape> all(static_cast<std::size_t>(p.graph.size()));
  std::vector<shape> given(net.input_count(), shape{dynamic, extent, extent});
  REQUIRE_FALSE(
      detail::infer_shapes_over(detail::program_graph<double>{p}, given, std::span<shape>(all)).failed());
  result.graph = backward ? &p.graph : &p.fused;
  for (int i = 0; i < result.graph->size(); ++i)
    result.shapes.push_back(all[static_cast<std::size_t>(result.graph->at(i).source)]);
  result.plan = plan_memory(*result.graph, std::span<const shape>(result.shapes), backward);
  return result;
}

// Every scalar that a value takes, within one picture.
std::vector<std::int64_t> scalars(const value_place& place, const shape& s) {
  std::vector<std::int64_t> all;
  for (std::int64_t pixel = 0; pixel < std::int64_t{s.height} * s.width; ++pixel)
    for (int c = 0; c < s.channels; ++c)
      all.push_back(place.offset + place.first_channel + pixel * place.pitch + c);
  return all;
}

// Runs a plan with symbols in the place of numbers: every scalar remembers whose value it holds. What a layer
// reads must still be there. Mirrors the rules in nn/layer.hpp, not the planner.
void simulate(const planned& p, bool backward) {
  const auto& g = *p.graph;
  const int count = g.size();
  std::vector<std::pair<int, std::int64_t>> memory(static_cast<std::size_t>(p.plan.size), {-1, 0});
  const auto place = [&](int id) { return id < count ? p.plan.values[id] : p.plan.gradients[id - count]; };
  const auto extent = [&](int id) { return p.shapes[static_cast<std::size_t>(id % count)]; };
  const auto write = [&](int id) {
    REQUIRE(place(id).offset >= 0);
    REQUIRE(place(id).pitch >= extent(id).channels);
    std::int64_t k = 0;
    for (std::int64_t at : scalars(place(id), extent(id))) {
      REQUIRE(at < p.plan.size);
      memory[static_cast<std::size_t>(at)] = {id, k++};
    }
  };
  // Whether the place of `id` still holds it. A part may hold the same scalars under the name of the whole.
  std::set<std::pair<int, int>> same;  // (part, whole)
  const auto holds = [&](int id) {
    std::int64_t k = 0;
    bool intact = true;
    for (std::int64_t at : scalars(place(id), extent(id))) {
      const auto& [owner, index] = memory[static_cast<std::size_t>(at)];
      const bool mine = owner == id && index == k;
      bool whole = false;
      if (!mine && owner >= 0) {
        // The owner is a concatenation of which `id` is a slice (perhaps by several steps).
        std::vector<int> todo{id};
        while (!todo.empty() && !whole) {
          const int part = todo.back();
          todo.pop_back();
          for (const auto& [a, b] : same) {
            if (a != part) continue;
            whole = whole || b == owner;
            todo.push_back(b);
          }
        }
        if (whole) {  // the same scalar of memory, so the same place in the picture
          const std::int64_t pixel = k / extent(id).channels;
          whole = index / extent(owner).channels == pixel;
        }
      }
      intact = intact && (mine || whole);
      ++k;
    }
    return intact;
  };
  for (int i = 0; i < count; ++i) {
    for (int source : g.reads(i)) REQUIRE(holds(source));
    if (g.at(i).concatenates) {
      // Parts in place stay what they are; their names and the concatenation's are names of the same thing.
      for (int source : g.inputs(i)) {
        const auto part = scalars(place(source), extent(source));
        const auto whole = scalars(place(i), extent(i));
        if (std::set<std::int64_t>(whole.begin(), whole.end()).count(part[0]) != 0) same.insert({source, i});
      }
    }
    write(i);
    for (const auto& [part, whole] : same)
      if (whole == i) REQUIRE(holds(part));
  }
  for (int exit : g.exits) REQUIRE(holds(exit));
  for (int i = 0; i < count; ++i)
    if (g.at(i).kept) REQUIRE(holds(i));
  if (!backward) return;
  std::vector<bool> touched(static_cast<std::size_t>(count));
  for (int i = count - 1; i >= 0; --i) {
    if (!touched[static_cast<std::size_t>(i)]) write(count + i);  // from outside
    touched[static_cast<std::size_t>(i)] = true;
    REQUIRE(holds(count + i));
    if (g.at(i).is_input) continue;
    if (g.at(i).backward_reads_output) REQUIRE(holds(i));
    if (g.at(i).backward_reads_inputs)
      for (int source : g.inputs(i)) REQUIRE(holds(source));
    for (int source : g.inputs(i)) {
      if (touched[static_cast<std::size_t>(source)]) {
        REQUIRE(holds(count + source));
      }
    }
    for (int source : g.inputs(i)) {
      // Adding into a slice in which the gradient lies leaves it what it is.
      write(count + source);
      touched[static_cast<std::size_t>(source)] = true;
    }
    for (int source : g.inputs(i)) {
      bool twice = false;
      for (int other : g.inputs(i))
        twice = twice || (other != source && place(count + other) == place(count + source));
      REQUIRE_FALSE(twice);
      REQUIRE(holds(count + source));
    }
  }
  for (int i = 0; i < count; ++i)
    if (g.at(i).is_input) REQUIRE(holds(count + i));
  for (int exit : g.exits) REQUIRE(holds(exit));
}

constexpr architecture unet(int levels, int channels) {
  if (levels == 0) return named("bottleneck", plain::conv(channels) | plain::norm() | plain::relu());
  return named("encoder", plain::conv(channels) | plain::norm() | plain::relu()) |
         skip(plain::pool() | named("below", unet(levels - 1, 2 * channels)) | plain::up()) |
         named("decoder", plain::conv(channels) | plain::norm() | plain::relu());
}

}  // namespace

TEST_CASE("nothing is overwritten before its last reader has run, forward and backward") {
  std::int64_t shared = 0, apart = 0;
  for (unsigned seed = 0; seed < 300; ++seed) {
    CAPTURE(seed);
    const dynamic_model<double> net(plain::random_architecture(seed).make());
    for (bool backward : {false, true}) {
      CAPTURE(backward);
      const planned p = plan_of(net, 4, backward);
      simulate(p, backward);
      REQUIRE(p.plan.size <= p.plan.size_without_sharing);
      shared += p.plan.size;
      apart += p.plan.size_without_sharing;
    }
  }
  CHECK(shared < apart * 7 / 10);
}

TEST_CASE("what a U-Net concatenates is produced in its slice, in inference and in training") {
  const dynamic_model<double> net(input(3) | unet(4, 8));
  for (bool backward : {false, true}) {
    const planned p = plan_of(net, 32, backward);
    int concatenations = 0;
    for (int i = 0; i < p.graph->size(); ++i) {
      if (!p.graph->at(i).concatenates) continue;
      ++concatenations;
      int first = 0;
      for (int source : p.graph->inputs(i)) {
        for (bool gradient : {false, true}) {
          if (gradient && !backward) continue;
          const auto& places = gradient ? p.plan.gradients : p.plan.values;
          // The skipped value is read again by the pool before, whose gradient is added to the slice.
          REQUIRE(places[source].offset == places[i].offset);
          REQUIRE(places[source].pitch == places[i].pitch);
          REQUIRE(places[source].first_channel == places[i].first_channel + first);
        }
        first += p.shapes[static_cast<std::size_t>(source)].channels;
      }
    }
    REQUIRE(concatenations == 4);
  }
}

TEST_CASE("a chain of layers that work in place takes one place") {
  const dynamic_model<double> net(input(2) | plain::conv(4) | plain::scale(2) | plain::scale(3) |
                                  plain::scale(4) | plain::conv(2));
  for (bool backward : {false, true}) {
    const planned p = plan_of(net, 4, backward);
    const auto& places = backward ? p.plan.gradients : p.plan.values;
    for (int i = 2; i <= 4; ++i) CHECK(places[i] == places[1]);
  }
}

TEST_CASE("nothing works in place over what somebody needs") {
  const auto apart = [](const architecture& a, bool backward) {
    const dynamic_model<double> net(a);
    const planned p = plan_of(net, 4, backward);
    for (int i = 0; i < p.graph->size(); ++i)
      if (p.graph->at(i).in_place && p.plan.values[i] == p.plan.values[p.graph->inputs(i)[0]]) return false;
    return true;
  };
  CHECK(apart(input(2) | plain::scale(2), false));                         // the input
  CHECK(apart(input(2) | plain::conv(2) | skip(plain::scale(2)), false));  // an output
  CHECK(apart(input(2) | plain::conv(2) | skip(plain::scale(2)) | plain::add(), false));
  CHECK(apart(input(2) | plain::conv(2) | plain::scale(2) | expose("conv0"), false));  // exposed
  CHECK(apart(input(2) | plain::norm() | plain::bend() | plain::conv(2) | plain::relu() | plain::scale(2),
              true) == false);  // relu over conv
  CHECK(apart(input(2) | plain::pool() | plain::relu() | plain::scale(2), true) == false);
  const dynamic_model<double> net(input(2) | plain::conv(2) | plain::relu() | plain::scale(2));
  const planned p = plan_of(net, 4, true);
  CHECK(p.plan.values[2] == p.plan.values[1]);
  CHECK_FALSE(p.plan.values[3] == p.plan.values[2]);  // relu's backward run reads its output
}

TEST_CASE("inference of a long chain needs two places, however long it is") {
  const auto size = [](int count) {
    const dynamic_model<double> net(input(4) | repeat(count, plain::conv(4)));
    return plan_of(net, 8, false).plan.size;
  };
  CHECK(size(3) == 2 * 4 * 64);
  CHECK(size(50) == 2 * 4 * 64);
}

TEST_CASE("a plan can be made while compiling") {
  constexpr auto size = [] {
    const detail::lowering low = detail::lower(input(3) | plain::conv(8) | skip(plain::conv(8)), 8, 8);
    constexpr_vector<detail::run_node<float>> nodes;
    const architecture_view graph(low.graph);
    for (int i = 0; i < graph.size(); ++i)
      nodes.push_back(detail::make_run_node<float>(graph, i, graph, low.slots_of.view()));
    const detail::run_graph<float> run{nodes.view(), graph.edges, graph.numbers, graph.exits};
    return plan_memory(run, low.shapes.view(), false).size;
  };
  STATIC_REQUIRE(size() == (3 + 8 + 8) * 64 - 3 * 64);
}

}  // namespace memory_plan_test

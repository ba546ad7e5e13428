#pragma once

/// \file
/// All that is decided about a network before it runs, whether the compiler does it (`model`) or the program
/// (`dynamic_model`): edges, shapes, parameters, names, fusion.

#include <string_view>
#include <utility>

#include <lookalike/nn/detail/resolve.hpp>
#include <lookalike/nn/fuse.hpp>
#include <lookalike/nn/infer_shapes.hpp>

namespace lookalike::detail {

/// One array of parameters: whose, which, and where in the block.
struct parameter_slot {
  int node = -1;
  declared_parameter declared;
  std::int64_t offset = 0;
};

/// A part of the network (a scope that yields one value) under the name by which people can ask for it.
struct named_part {
  pool_range text;
  int node = -1;
};

struct lowering {
  architecture graph;
  constexpr_vector<shape> shapes;
  constexpr_vector<parameter_slot> slots;
  constexpr_vector<pool_range> slots_of;  ///< for each node
  std::int64_t parameter_count = 0;       ///< length of the block, with gaps for alignment
  std::int64_t trainable_count = 0;       ///< without gaps and buffers
  constexpr_vector<int> inputs;
  constexpr_vector<char> text;         ///< names, one after another
  constexpr_vector<pool_range> names;  ///< of the nodes
  constexpr_vector<named_part> parts;  ///< of scopes that yield one value
  fused_architecture fused;
  diagnosis problem;
};

inline constexpr std::int64_t parameter_alignment = 16;  ///< scalars

constexpr std::int64_t round_up(std::int64_t value, std::int64_t step) {
  return (value + step - 1) / step * step;
}

/// Nodes `i` and `j` share their parameters: what `i` declares must be what `j` declared.
constexpr void check_shared(lowering& low, int i, int j, const parameter_list& declared, pool_range there) {
  const architecture_view view(low.graph);
  const auto report = [&]() -> diagnosis& {
    return low.problem << node_name(view, i) << ": shares its parameters and expects ";
  };
  const std::span<const int> mine = view.inputs(i);
  const std::span<const int> others = view.inputs(j);
  if (declared.size() != there.count) {
    report() << there.count << " of them as before, given " << declared.size();
    return;
  }
  for (int k = 0; k < declared.size(); ++k) {
    const declared_parameter& before = low.slots[there.first + k].declared;
    const declared_parameter& here = declared[k];
    if (before.name == here.name && before.dimensions == here.dimensions) continue;
    if (!mine.empty() && !others.empty() && low.shapes[mine[0]].channels != low.shapes[others[0]].channels) {
      report() << low.shapes[others[0]].channels << " channels as before, given "
               << low.shapes[mine[0]].channels;
      return;
    }
    const auto list = [&](const declared_parameter& p) {
      for (int axis = 0; axis < p.rank; ++axis)
        low.problem << (axis > 0 ? " x " : " ") << p.dimensions[static_cast<std::size_t>(axis)];
    };
    report() << before.name << " of";
    list(before);
    low.problem << " as before, given " << here.name << " of";
    list(here);
    return;
  }
}

/// Parameters of all nodes. Nodes of the same full name (`shared`) have them in common.
constexpr void list_parameters(lowering& low) {
  const architecture_view view(low.graph);
  constexpr_vector<char> in_shared;
  for (const name_scope& s : view.scopes)
    in_shared.push_back(s.shared || (s.parent >= 0 && in_shared[s.parent]) ? 1 : 0);
  for (int i = 0; i < view.size(); ++i) {
    constexpr_vector<shape> inputs;
    for (int source : view.inputs(i)) inputs.push_back(low.shapes[source]);
    parameter_list declared;
    view.at(i).rules->parameters(view.instance(i), inputs.view(), declared);
    pool_range own{low.slots.size(), 0};
    const int scope = view.at(i).scope;
    if (declared.size() > 0 && scope >= 0 && in_shared[scope] != 0) {
      const static_sentence name = node_name(view, i);
      for (int j = 0; j < i; ++j) {
        if (low.slots_of[j].count == 0 || node_name(view, j).view() != name.view()) continue;
        own = low.slots_of[j];
        check_shared(low, i, j, declared, own);
        if (low.problem.failed()) return;
        break;
      }
    }
    if (own.count == 0) {
      own.count = declared.size();
      for (int k = 0; k < declared.size(); ++k) {
        for (std::int64_t extent : declared[k].dimensions) {
          if (extent >= 1) continue;
          low.problem << node_name(view, i) << ": expects all extents of its input to be known, for its "
                      << declared[k].name << "; give them to input(...) or to the model";
          return;
        }
        low.slots.push_back({i, declared[k], low.parameter_count});
        low.parameter_count = round_up(low.parameter_count + declared[k].size(), parameter_alignment);
        if (declared[k].trainable) low.trainable_count += declared[k].size();
      }
    }
    low.slots_of.push_back(own);
  }
}

constexpr void list_names(lowering& low) {
  const architecture_view view(low.graph);
  // Paths of the scopes, with a dot at the end.
  constexpr_vector<char> paths;
  constexpr_vector<pool_range> path_of;
  const auto text = [](const constexpr_vector<char>& pool, pool_range r) {
    return std::string_view(pool.begin() + r.first, static_cast<std::size_t>(r.count));
  };
  for (const name_scope& scope : view.scopes) {
    const int first = paths.size();
    if (scope.parent >= 0) {
      constexpr_vector<char> around;  // a pool cannot be appended to itself
      append(around, text(paths, path_of[scope.parent]));
      append(paths, around);
    }
    append(paths, view.text(scope.name));
    paths.push_back('.');
    path_of.push_back({first, paths.size() - first});
  }
  const auto put_name = [&](int i) {
    const node& n = view.at(i);
    if (n.scope >= 0) append(low.text, text(paths, path_of[n.scope]));
    if (n.text.count > 0 && n.rules->inputs == 0) {
      append(low.text, view.text(n.text));
    } else {
      append(low.text, n.rules->kind);
      append(low.text, decimal(n.ordinal).view());
    }
  };
  for (int i = 0; i < view.size(); ++i) {
    const int first = low.text.size();
    if (view.at(i).ordinal == implicit_concat) {
      put_name(i + 1);
      append(low.text, std::string_view(".input"));
    } else {
      put_name(i);
    }
    low.names.push_back({first, low.text.size() - first});
  }
  for (int s = 0; s < low.graph.scopes.size(); ++s) {
    const name_scope& scope = low.graph.scopes[s];
    if (scope.exits.count != 1) continue;
    const std::string_view path = text(paths, path_of[s]);
    low.parts.push_back({append(low.text, path.substr(0, path.size() - 1)), view.range(scope.exits)[0]});
  }
}

/// Everything above for `a`, with the extents of the inputs as far as they are known. `height` and `width`
/// hold for the inputs that do not say theirs.
constexpr lowering lower(const architecture& a, int height = dynamic, int width = dynamic) {
  lowering low;
  {
    resolved_architecture resolved = resolve(a);
    low.graph = std::move(resolved.graph);
    low.problem = resolved.problem;
  }
  if (low.problem.failed()) return low;
  const architecture_view view(low.graph);
  constexpr_vector<shape> given;
  for (int i = 0; i < view.size(); ++i) {
    if (!architecture_graph{view}.is_input(i)) continue;
    low.inputs.push_back(i);
    diagnosis ignored;
    const shape declared = view.at(i).rules->infer_shape(view.instance(i), {}, ignored);
    given.push_back({dynamic, declared.height == dynamic ? height : dynamic,
                     declared.width == dynamic ? width : dynamic});
  }
  low.shapes.resize(view.size());
  low.problem = infer_shapes(view, given.view(), low.shapes.view());
  if (low.problem.failed()) return low;
  list_parameters(low);
  if (low.problem.failed()) return low;
  list_names(low);
  low.fused = fuse(view, low.shapes.view());
  return low;
}

}  // namespace lookalike::detail

#pragma once

/// \file
/// A stage is a function object that knows the type of what goes in and of what comes out. Pipelines are made
/// of stages by `|` (pipeline.hpp), `branch` and `skip` (branch.hpp); encoders, decoders and indexes are
/// stages with a role (roles.hpp).
///
/// A stage of your own is a struct:
///
///     struct brighten {
///       using input = image<3>;
///       using output = image<3>;
///       static constexpr std::string_view name = "brighten";
///       float amount = 0.1f;
///       image<3> operator()(image<3> picture) const { ...; return picture; }
///     };
///
/// and a lambda whose parameter has a type is one already: `fill | [](const image<3>& picture) { ... }`.

#include <concepts>
#include <string_view>
#include <type_traits>
#include <utility>

#include <lookalike/core/progress.hpp>

namespace lookalike {

namespace detail {
template <class S>
concept runs_unwatched = std::is_invocable_r_v<typename S::output, const S&, typename S::input>;
template <class S>
concept runs_watched =
    std::is_invocable_r_v<typename S::output, const S&, typename S::input, const progress&>;
}  // namespace detail

/// Something with types `input` and `output`, a static `name`, and a call operator that is const (a stage may
/// run on several threads at once) and takes the input, and after it, if it likes, a `const progress&`.
template <class S>
concept stage = requires {
  typename S::input;
  typename S::output;
  { S::name } -> std::convertible_to<std::string_view>;
}
&&(detail::runs_unwatched<S> || detail::runs_watched<S>);

/// Runs one stage; `watcher` reaches the stages that take one.
template <stage S>
typename S::output run(const S& s, typename S::input x, const progress& watcher = {}) {
  if constexpr (detail::runs_watched<S>) {
    return s(std::move(x), watcher);
  } else {
    return s(std::move(x));
  }
}

}  // namespace lookalike

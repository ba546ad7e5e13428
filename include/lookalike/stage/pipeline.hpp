#pragma once

/// \file
/// `a | b`: what a yields goes into b. Whether it fits is checked when the pipeline is written down, at
/// compile time; data enters a pipeline by calling it. `|` is associative: `(a | b) | c` and `a | (b | c)`
/// have the same type.

#include <concepts>
#include <cstddef>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

#include <lookalike/core/static_text.hpp>
#include <lookalike/stage/function_stage.hpp>
#include <lookalike/stage/stage.hpp>
#include <lookalike/stage/value_name.hpp>

namespace lookalike {

/// Stages one after another; a stage itself. Made by `|`, called like a function.
template <class... Stages>
class pipeline {
 public:
  using first = std::tuple_element_t<0, std::tuple<Stages...>>;
  using last = std::tuple_element_t<sizeof...(Stages) - 1, std::tuple<Stages...>>;
  using input = typename first::input;
  using output = typename last::output;
  static constexpr std::string_view name = last::name;  // whoever yields the output

  explicit pipeline(std::tuple<Stages...> stages) : stages_(std::move(stages)) {}

  /// Runs all stages in order; `watcher` reaches each that takes one. Throws what they throw.
  output operator()(input x, const progress& watcher = {}) const {
    return continue_from<0>(std::move(x), watcher);
  }

  const std::tuple<Stages...>& stages() const { return stages_; }

 private:
  template <std::size_t Position, class Value>
  output continue_from(Value&& x, const progress& watcher) const {
    if constexpr (Position == sizeof...(Stages)) {
      return std::forward<Value>(x);
    } else {
      return continue_from<Position + 1>(run(std::get<Position>(stages_), std::forward<Value>(x), watcher),
                                         watcher);
    }
  }

  std::tuple<Stages...> stages_;
};

namespace detail {

template <class S>
std::tuple<S> stages_of(S s) {
  return std::tuple<S>(std::move(s));
}
template <class... Stages>
std::tuple<Stages...> stages_of(pipeline<Stages...> p) {
  return p.stages();
}

template <class... Stages>
pipeline<Stages...> make_pipeline(std::tuple<Stages...> stages) {
  return pipeline<Stages...>(std::move(stages));
}

/// The name of the stage that a value enters first.
template <class S>
struct entry {
  static constexpr std::string_view name = S::name;
};
template <class... Stages>
struct entry<pipeline<Stages...>> : entry<typename pipeline<Stages...>::first> {};

template <class A, class B>
struct joint_sentence {
  static constexpr static_sentence text() {
    static_sentence s;
    s << entry<B>::name << ": expects " << value_name<typename B::input>::text() << ", given "
      << value_name<typename A::output>::text() << " by " << std::string_view(A::name);
    return s;
  }
};

template <class NoStage>
struct no_stage_sentence {
  static constexpr static_sentence text() {
    static_sentence s;
    s << "|: expects a stage or a function of one typed parameter, given " << spelled_type<NoStage>();
    return s;
  }
};

}  // namespace detail

/// Runs `a`, then `b` on what `a` yields. One side must be a stage; the other may be a function with one
/// typed parameter (see `as_stage`). A misfit is a compile error that reads `seam: expects placements, given
/// matches by lookup`.
template <class A, class B>
requires(stage<std::remove_cvref_t<A>> || stage<std::remove_cvref_t<B>>) auto operator|(A&& a, B&& b) {
  using left = std::remove_cvref_t<A>;
  using right = std::remove_cvref_t<B>;
  if constexpr (!stage_like<left>) {
    return check_composition<false, detail::no_stage_sentence<left>>();
  } else if constexpr (!stage_like<right>) {
    return check_composition<false, detail::no_stage_sentence<right>>();
  } else {
    using from = detail::stage_of<A>;
    using to = detail::stage_of<B>;
    constexpr bool fits = std::convertible_to<typename from::output, typename to::input>;
    if constexpr (fits) {
      return detail::make_pipeline(std::tuple_cat(detail::stages_of(detail::to_stage(std::forward<A>(a))),
                                                  detail::stages_of(detail::to_stage(std::forward<B>(b)))));
    } else {
      return check_composition<false, detail::joint_sentence<from, to>>();
    }
  }
}

}  // namespace lookalike

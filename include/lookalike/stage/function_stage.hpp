#pragma once

/// \file
/// Functions as stages: whatever can be called with one value of a known type may stand in a pipeline.

#include <concepts>
#include <functional>
#include <string_view>
#include <type_traits>
#include <utility>

#include <lookalike/core/static_text.hpp>
#include <lookalike/stage/stage.hpp>

namespace lookalike {

namespace detail {

template <class... Parameters>
struct function_parameters {};
template <class Parameter>
struct function_parameters<Parameter> {
  using first = std::remove_cvref_t<Parameter>;
};
template <class Parameter>
struct function_parameters<Parameter, const progress&> : function_parameters<Parameter> {};

// Deduction guides of std::function know the signature of every function object that has just one.
template <class Signature>
struct signature;
template <class Result, class... Parameters>
struct signature<std::function<Result(Parameters...)>> : function_parameters<Parameters...> {};

template <class F>
using first_parameter = typename signature<decltype(std::function(std::declval<F>()))>::first;

template <class F>
concept typed_function = requires {
  typename first_parameter<F>;
};

}  // namespace detail

/// A function that has become a stage. `Name` appears in errors.
template <class Input, class F, static_text Name = "function">
struct function_stage {
  using input = Input;
  using output = typename decltype([] {
    if constexpr (std::is_invocable_v<const F&, Input, const progress&>) {
      return std::type_identity<std::decay_t<std::invoke_result_t<const F&, Input, const progress&>>>{};
    } else {
      return std::type_identity<std::decay_t<std::invoke_result_t<const F&, Input>>>{};
    }
  }())::type;
  static constexpr std::string_view name = Name;

  F function;

  output operator()(input x) const requires(std::is_invocable_v<const F&, Input>) {
    return std::invoke(function, std::move(x));
  }
  output operator()(input x, const progress& watcher) const
      requires(std::is_invocable_v<const F&, Input, const progress&>) {
    return std::invoke(function, std::move(x), watcher);
  }
};

/// `as_stage(f)`, or `as_stage<"sharpen">(f)` for an error message that names it. A function with a `const
/// progress&` as second parameter hears from the pipeline's caller. For a generic lambda give the input:
/// `as_stage<"sharpen", image<3>>(f)`.
template <static_text Name = "function", detail::typed_function F>
auto as_stage(F f) {
  return function_stage<detail::first_parameter<F>, F, Name>{std::move(f)};
}
template <static_text Name, class Input, class F>
auto as_stage(F f) {
  return function_stage<Input, F, Name>{std::move(f)};
}

/// A stage, or a function that can become one.
template <class S>
concept stage_like = stage<std::remove_cvref_t<S>> || detail::typed_function<std::remove_cvref_t<S>>;

namespace detail {
template <class S>
decltype(auto) to_stage(S&& s) {
  if constexpr (stage<std::remove_cvref_t<S>>) {
    return std::forward<S>(s);
  } else {
    return as_stage(std::forward<S>(s));
  }
}
template <class S>
using stage_of = std::remove_cvref_t<decltype(to_stage(std::declval<S>()))>;
}  // namespace detail

}  // namespace lookalike

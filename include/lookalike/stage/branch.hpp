#pragma once

/// \file
/// `branch(a, b, ...)` gives the same value to several stages and yields the tuple of what they make of it;
/// `skip(body)` yields the value itself beside what the body makes of it. In a U-Net a skip is the
/// concatenation of an encoder's feature map with what comes back from below; in a look-up it is the query
/// beside its matches. `skip(body)` is `branch(identity<Value>(), body)`, nothing more.

#include <concepts>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>

#include <lookalike/core/static_text.hpp>
#include <lookalike/stage/function_stage.hpp>
#include <lookalike/stage/pipeline.hpp>
#include <lookalike/stage/stage.hpp>
#include <lookalike/stage/value_name.hpp>

namespace lookalike {

/// Hands its input on. Made by `identity`.
template <class Value>
struct identity_stage {
  using input = Value;
  using output = Value;
  static constexpr std::string_view name = "identity";

  Value operator()(Value x) const { return x; }
};

/// The stage that hands a `Value` on.
template <class Value>
constexpr identity_stage<Value> identity() {
  return {};
}

/// Several stages on one input; the outputs side by side, in the order of the stages. Made by `branch`.
template <class... Stages>
class branch_stage {
 public:
  using input = typename std::tuple_element_t<0, std::tuple<Stages...>>::input;
  using output = std::tuple<typename Stages::output...>;
  static constexpr std::string_view name = "branch";

  explicit branch_stage(std::tuple<Stages...> stages) : stages_(std::move(stages)) {}

  /// Runs the stages one after another, each on a copy of `x`. Throws what they throw.
  output operator()(const input& x, const progress& watcher = {}) const {
    return std::apply(
        [&](const Stages&... s) {
          return output{run(s, x, watcher)...};  // braces: evaluated from left to right
        },
        stages_);
  }

  const std::tuple<Stages...>& stages() const { return stages_; }

 private:
  std::tuple<Stages...> stages_;
};

namespace detail {

template <class First, class Other>
struct branch_sentence {
  static constexpr static_sentence text() {
    static_sentence s;
    s << "branch: expects stages of one input, given " << entry<First>::name << " of "
      << value_name<typename First::input>::text() << " and " << entry<Other>::name << " of "
      << value_name<typename Other::input>::text();
    return s;
  }
};

template <class First, class... Others>
consteval bool check_branch() {
  return (check_composition<std::same_as<typename First::input, typename Others::input>,
                            branch_sentence<First, Others>>() &&
          ...);
}

}  // namespace detail

/// Gives one value to every stage and yields the tuple of their outputs. All stages take the same input type;
/// otherwise a compile error says `branch: expects stages of one input, given gist of image with 3 channels
/// and ...`.
template <stage_like First, stage_like... Others>
auto branch(First&& first, Others&&... others) {
  static_assert(detail::check_branch<detail::stage_of<First>, detail::stage_of<Others>...>());
  return branch_stage<detail::stage_of<First>, detail::stage_of<Others>...>(
      std::tuple<detail::stage_of<First>, detail::stage_of<Others>...>(
          detail::to_stage(std::forward<First>(first)), detail::to_stage(std::forward<Others>(others))...));
}

/// Yields the pair `(x, body(x))`.
template <stage_like Body>
auto skip(Body&& body) {
  using input = typename detail::stage_of<Body>::input;
  return branch(identity<input>(), std::forward<Body>(body));
}

}  // namespace lookalike

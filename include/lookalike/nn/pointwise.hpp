#pragma once

/// \file
/// Any function of numbers as a layer. What is written once, for any number type, is applied to every
/// number; its derivative comes with it (core/dual.hpp):
///
///     constexpr architecture swish = pointwise([](auto x) { return x / (1 + exp(-x)); });
///     constexpr architecture gate = branch(a, b) | pointwise([](auto x, auto y) { return x * tanh(y); });
///
/// Where many networks share a function, write it as a struct with a call operator: lambdas are of another
/// type in every translation unit.

#include <array>
#include <concepts>
#include <cstddef>
#include <string_view>
#include <type_traits>
#include <utility>

#include <lookalike/core/dual.hpp>
#include <lookalike/nn/architecture.hpp>
#include <lookalike/simd/detail/lanes.hpp>

namespace lookalike {

namespace detail {

template <std::size_t, class Number>
using each = Number;

template <class Function, class Number, std::size_t... I>
constexpr bool takes(std::index_sequence<I...>) {
  return std::invocable<const Function&, each<I, Number>...>;
}

/// How many numbers a function takes: the fewest, up to 8, that it can be called with; 0: none.
template <class Function, std::size_t Count = 1>
constexpr std::size_t argument_count() {
  if constexpr (Count > 8) {
    return 0;
  } else if constexpr (takes<Function, dual<double, 0>>(std::make_index_sequence<Count>{})) {
    return Count;
  } else {
    return argument_count<Function, Count + 1>();
  }
}

template <class Function>
constexpr std::string_view pointwise_kind() {
  if constexpr (requires { std::string_view(Function::name); }) {
    return Function::name;
  } else {
    return "pointwise";
  }
}

}  // namespace detail

namespace layers {

/// y = f(x, ...) for each number of the inputs, which have the same extents. `Function` has no state; if it
/// has a member `static constexpr std::string_view name`, nodes are called so.
template <class Function, std::size_t Count>
struct pointwise {
  static constexpr std::string_view kind = detail::pointwise_kind<Function>();
  static constexpr int inputs = static_cast<int>(Count);
  static constexpr bool backward_reads_output = false;
  static constexpr bool in_place = true;
  static constexpr bool overwrites_gradients = true;

  constexpr shape infer_shape(std::span<const shape> x, diagnosis& problem) const {
    shape result = x[0];
    const auto fit = [&](int& have, int given, std::string_view what) {
      if (have == dynamic) have = given;
      if (have == given || given == dynamic || problem.failed()) return;
      problem << "expects " << have << " " << what << " from every branch, given " << given;
    };
    for (const shape& s : x) {
      fit(result.channels, s.channels, "channels");
      fit(result.height, s.height, "rows");
      fit(result.width, s.width, "columns");
    }
    return result;
  }

  template <class Scalar>
  void forward(const forward_call<Scalar>& call) const {
    for_pixels(call.output, [&](std::ptrdiff_t pixel) {
      Scalar* to = call.output.data + pixel * call.output.pitch;
      const auto from = rows<const Scalar>(call.inputs, pixel);
      for (int c = 0; c < call.output.channels; ++c)
        to[c] = evaluate<dual<Scalar, 0>>(from, c, std::make_index_sequence<Count>{}).value;
    });
  }
  template <class Scalar>
  void backward(const backward_call<Scalar>& call) const {
    for_pixels(call.output_gradient, [&](std::ptrdiff_t pixel) {
      const Scalar* gradient = call.output_gradient.data + pixel * call.output_gradient.pitch;
      const auto from = rows<const Scalar>(call.inputs, pixel);
      const auto to = rows<Scalar>(call.input_gradients, pixel);
      for (int c = 0; c < call.output_gradient.channels; ++c) {
        const Scalar g = gradient[c];  // may lie where the gradient goes
        const auto y = evaluate<dual<Scalar, Count>>(from, c, std::make_index_sequence<Count>{});
        for (std::size_t i = 0; i < Count; ++i) {
          if (to[i] == nullptr) continue;
          const Scalar part = g * y.slopes[i];
          to[i][c] = call.accumulate[i] ? to[i][c] + part : part;
        }
      }
    });
  }

 private:
  template <class Map, class Step>
  static void for_pixels(const Map& map, const Step& step) {
    constexpr int operations = 16;  // a guess of what a function costs
    simd::detail::for_ranges(map.pixels(), std::ptrdiff_t{map.channels} * operations,
                             [&](std::ptrdiff_t first, std::ptrdiff_t last) {
                               for (std::ptrdiff_t i = first; i < last; ++i) step(i);
                             });
  }
  template <class Scalar>
  static std::array<Scalar*, Count> rows(std::span<const feature_map<Scalar>> maps, std::ptrdiff_t pixel) {
    std::array<Scalar*, Count> result{};
    for (std::size_t i = 0; i < Count; ++i)
      if (maps[i].data != nullptr) result[i] = maps[i].data + pixel * maps[i].pitch;
    return result;
  }
  template <class Number, class Scalar, std::size_t... I>
  static Number evaluate(const std::array<const Scalar*, Count>& from, int c, std::index_sequence<I...>) {
    if constexpr (std::is_same_v<Number, dual<Scalar, 0>>) {
      return Function{}(Number(from[I][c])...);
    } else {
      return Function{}(Number::variable(from[I][c], I)...);
    }
  }
};

}  // namespace layers

/// The function `f` of every number, or of `Count` numbers at the same place of as many inputs. `f` has no
/// state (a lambda captures nothing) and is written for any number type; functions such as `exp` are found by
/// their argument. How many numbers it takes is found out unless it is said: `pointwise<2>(f)`.
template <std::size_t Count = 0, class Function>
constexpr architecture pointwise(const Function&) {
  static_assert(std::is_empty_v<Function> && std::default_initializable<Function>,
                "pointwise: expects a function without state, such as a lambda that captures nothing");
  constexpr std::size_t count = Count != 0 ? Count : detail::argument_count<Function>();
  static_assert(count > 0, "pointwise: expects a function of 1 to 8 numbers");
  return layer(layers::pointwise<Function, count>{});
}

}  // namespace lookalike

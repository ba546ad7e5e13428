#pragma once

/// \file
/// The same numbers in other extents. Their order is PyTorch's: channel by channel, in each row by row.

#include <string_view>
#include <tuple>

#include <lookalike/nn/architecture.hpp>
#include <lookalike/nn/detail/compiled_layer.hpp>
#include <lookalike/nn/detail/window_shape.hpp>
#include <lookalike/simd/layout.hpp>

namespace lookalike {

namespace detail {

/// Numbers in another arrangement: out of a map into an array, and from there into the other map.
struct rearrangement {
  static constexpr bool backward_reads_inputs = false;
  static constexpr bool backward_reads_output = false;
  static constexpr bool overwrites_gradients = true;

  std::int64_t scratch_size(const run_extents& e) const { return e.output.size() * e.batch; }
  template <class Scalar>
  void forward(const forward_call<Scalar>& call) const {
    move<Scalar>(call.inputs[0], call.output, false, call.scratch);
  }
  template <class Scalar>
  void backward(const backward_call<Scalar>& call) const {
    if (call.wants_input_gradient(0))
      move<Scalar>(call.output_gradient, call.input_gradients[0], call.accumulate[0], call.scratch);
  }

 private:
  template <class Scalar>
  static void move(const feature_map<const Scalar>& from, const feature_map<Scalar>& to, bool accumulate,
                   std::span<Scalar> scratch) {
    if (from.channels == to.channels && from.height == to.height && from.width == to.width) {
      simd::copy(from, to, accumulate);
      return;
    }
    const auto array = [&](auto* data, const auto& map) {
      using value = std::remove_pointer_t<decltype(data)>;
      return tensor_view<value>::contiguous(data, map.batch, map.channels, map.height, map.width);
    };
    simd::copy(from, array(scratch.data(), from));
    simd::copy(array(static_cast<const Scalar*>(scratch.data()), to), to, accumulate);
  }
};

}  // namespace detail

namespace layers {

/// To given extents of as many numbers.
struct reshape : detail::rearrangement {
  static constexpr std::string_view kind = "reshape";
  int channels = 1, height = 1, width = 1;
  static constexpr auto attributes =
      std::tuple(attribute("channels", &reshape::channels), attribute("height", &reshape::height),
                 attribute("width", &reshape::width));

  constexpr shape infer_shape(std::span<const shape> x, diagnosis& problem) const {
    if (channels < 1) problem << "expects 1 or more channels, given " << channels;
    detail::expect_positive({height, width}, "an output", problem);
    const shape result{channels, height, width};
    if (!problem.failed() && x[0].is_static() && x[0].size() != result.size())
      problem << "expects " << result.size() << " numbers, given " << x[0].channels << " x " << x[0].height
              << " x " << x[0].width;
    return result;
  }
  constexpr layer_window window() const { return {.everything = true}; }
};

/// To one pixel with all numbers as its channels.
struct flatten : detail::rearrangement {
  static constexpr std::string_view kind = "flatten";

  constexpr shape infer_shape(std::span<const shape> x, diagnosis& problem) const {
    if (!x[0].is_static()) {
      problem << "expects a height and width that are known in advance, given dynamic ones";
      return {};
    }
    return {static_cast<int>(x[0].size()), 1, 1};
  }
  constexpr layer_window window() const { return {.everything = true}; }
};

}  // namespace layers

/// The same numbers, in PyTorch's order, as a map of these extents.
constexpr architecture reshape(int channels, int height, int width) {
  layers::reshape l;
  l.channels = channels;
  l.height = height;
  l.width = width;
  return layer(l);
}

/// The same numbers, in PyTorch's order, as one pixel.
constexpr architecture flatten() {
  return layer(layers::flatten{});
}

LOOKALIKE_COMPILED_LAYER(reshape)
LOOKALIKE_COMPILED_LAYER(flatten)

}  // namespace lookalike

#pragma once

/// \file
/// Pools that yield a map of given extents, whatever comes in: the whole picture as one pixel (Lin et al.,
/// "Network in network", 2014), or a grid of bins. Output row o of h looks at input rows from
/// floor(o rows / h) to ceil((o + 1) rows / h), columns likewise (PyTorch's rule).

#include <tuple>

#include <lookalike/nn/architecture.hpp>
#include <lookalike/nn/detail/compiled_layer.hpp>
#include <lookalike/nn/detail/window_shape.hpp>
#include <lookalike/simd/pooling.hpp>

namespace lookalike {

namespace layers {

/// What they have in common: bins, as many as there are output pixels.
struct bins {
  static constexpr bool backward_reads_output = false;
  static constexpr bool overwrites_gradients = true;

  int height = 1, width = 1;
  static constexpr auto attributes =
      std::tuple(attribute("height", &bins::height), attribute("width", &bins::width));

  constexpr shape infer_shape(std::span<const shape> x, diagnosis& problem) const {
    detail::expect_positive({height, width}, "an output", problem);
    return {x[0].channels, height, width};
  }
  constexpr layer_window window() const { return {.everything = true}; }
};

/// The mean of each bin.
struct adaptive_average_pool : bins {
  static constexpr std::string_view kind = "adaptive_average_pool";
  static constexpr bool backward_reads_inputs = false;

  template <class Scalar>
  void forward(const forward_call<Scalar>& call) const {
    simd::adaptive_average_pool(call.inputs[0], call.output);
  }
  template <class Scalar>
  void backward(const backward_call<Scalar>& call) const {
    if (call.wants_input_gradient(0))
      simd::adaptive_average_pool_backward(call.output_gradient, call.input_gradients[0], call.accumulate[0]);
  }
};

/// The maximum of each bin.
struct adaptive_max_pool : bins {
  static constexpr std::string_view kind = "adaptive_max_pool";

  template <class Scalar>
  void forward(const forward_call<Scalar>& call) const {
    simd::adaptive_max_pool(call.inputs[0], call.output);
  }
  template <class Scalar>
  void backward(const backward_call<Scalar>& call) const {
    if (call.wants_input_gradient(0))
      simd::adaptive_max_pool_backward(call.inputs[0], call.output_gradient, call.input_gradients[0],
                                       call.accumulate[0]);
  }
};

/// The mean of the picture.
struct global_average_pool : adaptive_average_pool {
  static constexpr std::string_view kind = "global_average_pool";
  static constexpr auto attributes = std::tuple<>();
};

/// The maximum of the picture.
struct global_max_pool : adaptive_max_pool {
  static constexpr std::string_view kind = "global_max_pool";
  static constexpr auto attributes = std::tuple<>();
};

}  // namespace layers

/// The mean of every bin of a grid of `height` x `width` bins.
constexpr architecture adaptive_average_pool(int height, int width) {
  return layer(layers::adaptive_average_pool{{height, width}});
}

/// The maximum of every bin of a grid of `height` x `width` bins.
constexpr architecture adaptive_max_pool(int height, int width) {
  return layer(layers::adaptive_max_pool{{height, width}});
}

/// The mean over the whole picture, as one pixel.
constexpr architecture global_average_pool() {
  return layer(layers::global_average_pool{});
}

/// The maximum over the whole picture, as one pixel.
constexpr architecture global_max_pool() {
  return layer(layers::global_max_pool{});
}

LOOKALIKE_COMPILED_LAYER(adaptive_average_pool)
LOOKALIKE_COMPILED_LAYER(adaptive_max_pool)
LOOKALIKE_COMPILED_LAYER(global_average_pool)
LOOKALIKE_COMPILED_LAYER(global_max_pool)

}  // namespace lookalike

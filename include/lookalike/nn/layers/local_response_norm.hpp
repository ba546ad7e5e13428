#pragma once

/// \file
/// Local response normalization (Krizhevsky, Sutskever, Hinton, 2012).

#include <cstdint>

#include <lookalike/nn/architecture.hpp>
#include <lookalike/nn/detail/compiled_layer.hpp>
#include <lookalike/nn/detail/window_shape.hpp>
#include <lookalike/simd/local_response_normalization.hpp>

namespace lookalike {

namespace layers {

/// y[c] = x[c] / (k + alpha sum of x[j]^2)^beta at every pixel, with the sum over the `size` channels around
/// c, from c - size / 2 to c + (size - 1) / 2, as far as they exist. With `average`, alpha is divided by
/// `size`.
struct local_response_norm {
  static constexpr std::string_view kind = "local_response_norm";
  static constexpr bool backward_reads_output = false;
  static constexpr bool in_place = true;
  static constexpr bool overwrites_gradients = true;

  int size = 5;
  double alpha = 1e-4;
  double beta = 0.75;
  double k = 2;
  bool average = false;
  static constexpr auto attributes = std::tuple(
      attribute("size", &local_response_norm::size), attribute("alpha", &local_response_norm::alpha),
      attribute("beta", &local_response_norm::beta), attribute("k", &local_response_norm::k),
      attribute("average", &local_response_norm::average));

  constexpr shape infer_shape(std::span<const shape> x, diagnosis& problem) const {
    if (size < 1) problem << "expects a window of 1 or more channels, given " << size;
    return x[0];
  }
  template <class Scalar>
  std::int64_t scratch_size(const run_extents& e) const {
    return simd::local_response_norm_scratch(detail::extents_map<Scalar>(e.inputs[0], e.batch), options());
  }

  template <class Scalar>
  void forward(const forward_call<Scalar>& call) const {
    simd::local_response_norm(call.inputs[0], options(), call.output, call.scratch);
  }
  template <class Scalar>
  void backward(const backward_call<Scalar>& call) const {
    if (call.wants_input_gradient(0))
      simd::local_response_norm_backward(call.inputs[0], call.output_gradient, options(),
                                         call.input_gradients[0], call.accumulate[0], call.scratch);
  }

 private:
  constexpr simd::local_response_options options() const { return {size, alpha, beta, k, average}; }
};

}  // namespace layers

/// Options of `local_response_norm`. The defaults are those of the paper on AlexNet.
struct local_response_norm_options {
  int size = 5;  ///< channels of a window
  double alpha = 1e-4;
  double beta = 0.75;
  double k = 2;
  bool average = false;  ///< whether alpha is divided by `size`, as PyTorch, Caffe and ONNX have it
};

/// Local response normalization.
constexpr architecture local_response_norm(const local_response_norm_options& options = {}) {
  return layer(layers::local_response_norm{.size = options.size,
                                           .alpha = options.alpha,
                                           .beta = options.beta,
                                           .k = options.k,
                                           .average = options.average});
}

LOOKALIKE_COMPILED_LAYER(local_response_norm)

}  // namespace lookalike

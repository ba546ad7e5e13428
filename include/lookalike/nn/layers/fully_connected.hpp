#pragma once

/// \file
/// A fully connected layer: every output is a weighted sum of the whole input.

#include <algorithm>
#include <cstdint>

#include <lookalike/nn/architecture.hpp>
#include <lookalike/nn/detail/compiled_layer.hpp>
#include <lookalike/nn/detail/window_shape.hpp>
#include <lookalike/simd/layout.hpp>
#include <lookalike/simd/matrix_product.hpp>

namespace lookalike {

namespace layers {

/// y[o] = bias[o] + sum over i of weight[o, i] x[i], where i runs over channels, rows and columns of the
/// picture in PyTorch's order, the columns fastest. What comes out has 1 x 1 pixels.
struct fully_connected {
  static constexpr std::string_view kind = "fully_connected";
  static constexpr bool backward_reads_output = false;
  static constexpr bool overwrites_gradients = true;
  static constexpr fusion_role fusion = fusion_role::accepts_epilogue;

  int channels = 1;
  bool bias = true;
  static constexpr auto attributes = std::tuple(attribute("channels", &fully_connected::channels),
                                                attribute("bias", &fully_connected::bias));

  constexpr shape infer_shape(std::span<const shape>, diagnosis& problem) const {
    if (channels < 1) problem << "expects 1 or more output channels, given " << channels;
    return {channels, 1, 1};
  }
  constexpr void parameters(std::span<const shape> x, parameter_list& list) const {
    const std::int64_t fan_in = x[0].is_static() ? x[0].size() : dynamic;
    list.add("weight", {channels, fan_in}, {.initial = initial_value::from_fan_in, .fan_in = fan_in});
    if (bias) list.add("bias", {channels}, {.initial = initial_value::from_fan_in, .fan_in = fan_in});
  }
  constexpr std::int64_t multiply_adds(std::span<const shape> x, const shape&) const {
    return x[0].is_static() ? x[0].size() * channels : 0;
  }
  constexpr layer_window window() const { return {.everything = true}; }

  template <class Scalar>
  std::int64_t scratch_size(const run_extents& e) const {
    const auto batch = static_cast<std::ptrdiff_t>(e.batch);
    const auto size = static_cast<std::ptrdiff_t>(e.inputs[0].size());
    const auto product = e.backward ? std::max(simd::matrix_product_scratch<Scalar>(batch, size, channels),
                                               simd::matrix_product_scratch<Scalar>(channels, size, batch))
                                    : simd::matrix_product_scratch<Scalar>(batch, channels, size);
    return row_scratch(detail::extents_map<Scalar>(e.inputs[0], e.batch)) + product;
  }

  template <class Scalar>
  void forward(const forward_call<Scalar>& call) const {
    const feature_map<const Scalar>& x = call.inputs[0];
    const feature_map<Scalar>& y = call.output;
    const auto weights = weight_matrix(call.parameters[0], x);
    simd::matrix_product(as_rows(x, call.scratch), weights.transposed(), bias ? call.parameters[1] : nullptr,
                         row_matrix(y), false,
                         call.scratch.subspan(static_cast<std::size_t>(row_scratch(x))));
    if (call.epilogue == nullptr) return;
    // One number for each sum of a whole picture: not worth a place in the product itself.
    for_each_pixel(y, [&](int n, int i, int j, Scalar* pixel) {
      for (int c = 0; c < channels; ++c) pixel[c] = simd::finish(pixel[c], *call.epilogue, n, i, j, c);
    });
  }

  template <class Scalar>
  void backward(const backward_call<Scalar>& call) const {
    const feature_map<const Scalar>& x = call.inputs[0];
    const auto gradient = row_matrix(call.output_gradient);
    const std::span<Scalar> rest = call.scratch.subspan(static_cast<std::size_t>(row_scratch(x)));
    if (call.wants_parameter_gradient(0))
      simd::matrix_product(gradient.transposed(), as_rows(x, call.scratch), nullptr,
                           weight_matrix(call.parameter_gradients[0], x), true, rest);
    if (bias && call.wants_parameter_gradient(1)) {
      for_each_pixel(call.output_gradient, [&](int, int, int, const Scalar* pixel) {
        for (int c = 0; c < channels; ++c) call.parameter_gradients[1][c] += pixel[c];
      });
    }
    if (!call.wants_input_gradient(0)) return;
    const feature_map<Scalar>& gx = call.input_gradients[0];
    const auto weights = weight_matrix(call.parameters[0], x);
    if (row_scratch(x) == 0) {
      simd::matrix_product(gradient, weights, nullptr, row_matrix(gx), call.accumulate[0], rest);
    } else {
      const auto rows = flat_matrix(call.scratch.data(), gx);
      simd::matrix_product(gradient, weights, nullptr, rows, false, rest);
      simd::copy(flat_tensor<const Scalar>(rows.data, gx), gx, call.accumulate[0]);
    }
  }

 private:
  /// Scratch for the pictures as rows of a matrix; none where a pixel is a picture.
  template <class Map>
  static std::ptrdiff_t row_scratch(const Map& x) {
    if (x.height == 1 && x.width == 1) return 0;
    constexpr std::ptrdiff_t alignment = 16;
    return (x.pixels() * x.channels + alignment - 1) / alignment * alignment;
  }
  /// A map of 1 x 1 pixels.
  template <class Scalar>
  static simd::matrix_view<Scalar> row_matrix(const feature_map<Scalar>& map) {
    return {map.data, map.batch, map.channels, map.pitch, 1};
  }
  template <class Scalar, class Map>
  static simd::matrix_view<Scalar> flat_matrix(Scalar* rows, const Map& x) {
    const std::ptrdiff_t size = std::ptrdiff_t{x.height} * x.width * x.channels;
    return {rows, x.batch, size, size, 1};
  }
  template <class Scalar, class Map>
  static tensor_view<Scalar> flat_tensor(Scalar* rows, const Map& x) {
    return tensor_view<Scalar>::contiguous(rows, x.batch, x.channels, x.height, x.width);
  }
  /// The pictures as rows, in PyTorch's order.
  template <class Scalar>
  static simd::matrix_view<const Scalar> as_rows(const feature_map<const Scalar>& x,
                                                 std::span<Scalar> scratch) {
    if (row_scratch(x) == 0) return row_matrix(x);
    simd::copy(x, flat_tensor<Scalar>(scratch.data(), x));
    return flat_matrix<const Scalar>(scratch.data(), x);
  }
  template <class Scalar, class Map>
  simd::matrix_view<Scalar> weight_matrix(Scalar* weights, const Map& x) const {
    const std::ptrdiff_t size = std::ptrdiff_t{x.height} * x.width * x.channels;
    return {weights, channels, size, size, 1};
  }
};

}  // namespace layers

/// Options of `fully_connected`.
struct fully_connected_options {
  bool bias = true;
};

/// A fully connected layer with `channels` outputs. Its input's extents must be known. Parameters: weight
/// (channels, channels of the input x rows x columns), bias (channels).
constexpr architecture fully_connected(int channels, fully_connected_options options = {}) {
  return layer(layers::fully_connected{.channels = channels, .bias = options.bias});
}

LOOKALIKE_COMPILED_LAYER(fully_connected)

}  // namespace lookalike

#pragma once

/// \file
/// Channels, rows and columns change roles: rows of tokens become rows of features and the other way round.

#include <array>
#include <tuple>

#include <lookalike/nn/architecture.hpp>
#include <lookalike/nn/detail/compiled_layer.hpp>
#include <lookalike/nn/detail/strided_view.hpp>
#include <lookalike/simd/layout.hpp>

namespace lookalike {

namespace layers {

/// Axis i of the output is axis order[i] of the input; 0 are channels, 1 rows, 2 columns.
struct permute {
  static constexpr std::string_view kind = "permute";
  static constexpr bool backward_reads_inputs = false;
  static constexpr bool backward_reads_output = false;
  static constexpr bool overwrites_gradients = true;

  int channels = 0, rows = 1, columns = 2;
  static constexpr auto attributes =
      std::tuple(attribute("channels", &permute::channels), attribute("rows", &permute::rows),
                 attribute("columns", &permute::columns));

  constexpr shape infer_shape(std::span<const shape> x, diagnosis& problem) const {
    const auto is_axis = [](int axis) { return axis >= 0 && axis <= 2; };
    if (!is_axis(channels) || !is_axis(rows) || !is_axis(columns) || channels == rows || rows == columns ||
        columns == channels) {
      problem << "expects 0, 1 and 2 in some order, given " << channels << ", " << rows << ", " << columns;
      return {};
    }
    const std::array<int, 3> extents{x[0].channels, x[0].height, x[0].width};
    const auto extent = [&](int axis) { return extents[static_cast<std::size_t>(axis)]; };
    if (extent(channels) == dynamic)
      problem << "expects an extent that is known in advance where it becomes channels, given a dynamic one";
    return {extent(channels), extent(rows), extent(columns)};
  }
  constexpr layer_window window() const { return {.everything = true}; }
  template <class Scalar>
  void forward(const forward_call<Scalar>& call) const {
    simd::copy(detail::permuted_view(call.inputs[0], order()), call.output);
  }
  template <class Scalar>
  void backward(const backward_call<Scalar>& call) const {
    if (call.wants_input_gradient(0))
      simd::copy(call.output_gradient, detail::permuted_view(call.input_gradients[0], order()),
                 call.accumulate[0]);
  }

 private:
  constexpr std::array<int, 3> order() const { return {channels, rows, columns}; }
};

}  // namespace layers

/// Channels, rows and columns of the output are these of the input, where 0 stands for channels, 1 for rows
/// and 2 for columns: `permute(2, 1, 0)` exchanges channels and columns.
constexpr architecture permute(int channels, int rows, int columns) {
  return layer(layers::permute{channels, rows, columns});
}

LOOKALIKE_COMPILED_LAYER(permute)

}  // namespace lookalike
